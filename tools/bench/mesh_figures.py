#!/usr/bin/env python3
"""Figures of real nodes over real links on this machine, each told as a ratio to its limit.

    tools/bench/mesh_figures.py [--build build-release] [--seconds 20] [--json] [PART…]

    visible  a message taken in at one node is shown to an agent at another
    offer    from a message's arrival to its offer to an agent of another site
    receipt  how long a receipt takes over HTTP, with durability "site" and "mesh"
    idle     processor and memory of a node with nothing to do, and how fast it is ready

Limits are reckoned from what the same machine does in the same run: a bare synced write of the same
size and rate, and the round trip of a bare connection. The exit code is 0 if all are kept.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import os
import pathlib
import re
import socket
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/system"))

import crossfloor_testing as testing  # noqa: E402
from agent_socket import AgentSocket  # noqa: E402

RATE = 200        # messages per second
WRITE = 1_500     # bytes that a message costs in the log, about
ROWS = []


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def ms(seconds):
    return f"{1000 * seconds:.2f} ms"


def row(what, seen, limit, unit, detail):
    ROWS.append({"what": what, "seen": seen, "limit": limit, "ratio": seen / limit, "unit": unit,
                 "detail": detail})
    shown = (lambda value: ms(value) if unit == "s" else f"{value:.2f} {unit}")
    print(f"{what:46} {shown(seen):>10} of {shown(limit):>10}  ratio {seen / limit:5.2f}  "
          f"{detail}", flush=True)


# ---- limits ---------------------------------------------------------------------------------


def synced_writes(seconds):
    """Times of bare appends of WRITE bytes, each synced, at RATE."""
    times, data = [], os.urandom(WRITE)
    with tempfile.NamedTemporaryFile() as file:
        begin = time.perf_counter()
        for i in range(int(seconds * RATE)):
            time.sleep(max(0, begin + i / RATE - time.perf_counter()))
            before = time.perf_counter()
            os.write(file.fileno(), data)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - before)
    return times


def round_trip(count=2_000):
    """Median of 512 bytes to and fro over a bare connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def echo():
        peer, _ = listener.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := peer.recv(512):
            peer.sendall(data)

    threading.Thread(target=echo, daemon=True).start()
    times = []
    with socket.create_connection(listener.getsockname()) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            before = time.perf_counter()
            one.sendall(bytes(512))
            left = 512
            while left:
                left -= len(one.recv(left))
            times.append(time.perf_counter() - before)
    listener.close()
    return quantile(times, 0.5)


# ---- customers ------------------------------------------------------------------------------


class Customers:
    """Writes at a steady rate over connections that are kept."""

    def __init__(self, port, account):
        self.port, self.account = port, account
        self.idle = []
        self.sent = {}      # external id: when it left
        self.receipts = []  # seconds until the receipt
        self.late = 0

    async def write(self, external_id, customer):
        body = json.dumps({"external_id": external_id, "text": "Where is my parcel? " + "x" * 200,
                           "customer": {"external_id": customer, "name": customer}}).encode()
        moment, name = str(int(time.time())), "msg_" + os.urandom(8).hex()
        mac = hmac.new(testing.SECRET, f"{name}.{moment}.".encode() + body, hashlib.sha256).digest()
        head = (f"POST /v1/channels/{self.account}/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"content-length: {len(body)}\r\nwebhook-id: {name}\r\nwebhook-timestamp: {moment}"
                f"\r\nwebhook-signature: v1,{base64.b64encode(mac).decode()}\r\n\r\n").encode()
        reader, writer = (self.idle.pop() if self.idle else
                          await asyncio.open_connection("127.0.0.1", self.port))
        self.sent[external_id] = time.perf_counter()
        writer.write(head + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", answer).group(1))
        receipt = await reader.readexactly(length)
        self.receipts.append(time.perf_counter() - self.sent[external_id])
        assert answer.split()[1] in (b"200", b"201"), (answer, receipt)
        self.idle.append((reader, writer))

    async def flow(self, rate, seconds, name_of):
        """`name_of(i)`: external id and customer of the i-th message."""
        begin, tasks = time.perf_counter(), []
        for i in range(int(rate * seconds)):
            due = begin + i / rate
            while (left := due - time.perf_counter()) > 0:
                await asyncio.sleep(left)
            tasks.append(asyncio.ensure_future(self.write(*name_of(i))))
        await asyncio.gather(*tasks)

    def close(self):
        for _, writer in self.idle:
            writer.close()


async def agents(node, count, channels, pushed):
    crew = node.mesh.folder / f"{node.name}-agents.csv"
    crew.touch(mode=0o600)
    names = [f"{node.name}-{i}" for i in range(count)]
    crew.write_text("name,brands,languages,channels,password\n" + "".join(
        f"{name},acme,,{channels},a long password\n" for name in names))
    node.cli("agent", "import", crew, "--reason", "figures", within=120)
    sockets = [AgentSocket(pushed) for _ in names]
    for one, name in zip(sockets, names):
        await one.log_in(node.http_port, name, "a long password")
    return sockets


async def until(what, condition, within=60):
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"after {within} s still not: {what}")
        await asyncio.sleep(0.02)


SITES = ("helsinki", "warsaw", "london")


def three_sites(kind, mesh_config=""):
    account = testing.Account("acme", "acme", kind, SITES)
    mesh = testing.Mesh(SITES, accounts=[account], mesh_config=mesh_config)
    mesh.start_all().wait_joined()
    return mesh


# ---- the figures ----------------------------------------------------------------------------


async def visible(seconds):
    """Customers of Helsinki, which has no agents, are with agents of Warsaw and London; from then
    on each further message has to appear on the screen of its agent."""
    bare, trip = synced_writes(5), round_trip()
    seen, active = {}, set()

    def pushed(one, message, at):
        if message["type"] == "ring":
            one.say("accept", conversation=message["conversation"], epoch=message["epoch"])
        elif message["type"] == "changed":
            if message["view"]["state"] == "active":
                active.add(message["view"]["conversation"])
            for item in message.get("items", ()):
                seen.setdefault(item.get("external_id"), at)

    with three_sites("social") as mesh:
        crew = []
        for site in SITES[1:]:
            crew += await agents(mesh[site], 10, "social:5", pushed)
        customers = Customers(mesh["helsinki"].http_port, "acme")
        for i in range(100):
            await customers.write(f"first-{i}", f"u-{i}")
        await until("100 customers are with agents", lambda: len(active) == 100)
        customers.receipts.clear()
        await customers.flow(RATE, seconds, lambda i: (f"m-{i}", f"u-{i % 100}"))
        wanted = [f"m-{i}" for i in range(int(RATE * seconds))]
        await until("all messages are seen", lambda: all(one in seen for one in wanted))
        took = [seen[one] - customers.sent[one] for one in wanted]
        for one in crew:
            await one.close()
        customers.close()
    limit = 3 * quantile(bare, 0.5) + 2 * trip + 0.020
    row(f"visible at another node, p99, {RATE}/s", quantile(took, 0.99), limit, "s",
        f"median {ms(quantile(took, 0.5))}, worst {ms(max(took))}; bare synced write "
        f"{ms(quantile(bare, 0.5))}, round trip {ms(trip)}")


async def offer(seconds):
    """Helsinki has no agents; Warsaw and London have some who are free. Each new customer of
    Helsinki has to ring there."""
    trip = round_trip()
    rung = {}

    def pushed(one, message, at):
        if message["type"] == "ring":
            rung.setdefault(message["items"][0]["external_id"], at)
            one.say("accept", conversation=message["conversation"], epoch=message["epoch"])
        elif message["type"] == "changed" and message["yours"]:
            view = message["view"]
            if view["state"] == "active":
                one.say("close", conversation=view["conversation"], epoch=view["epoch"],
                        reason="solved", seen=view["unanswered"])

    rate = 10
    with three_sites("chat") as mesh:
        crew = []
        for site in SITES[1:]:
            crew += await agents(mesh[site], 8, "chat:3", pushed)
        customers = Customers(mesh["helsinki"].http_port, "acme")
        await customers.flow(rate, 2, lambda i: (f"w-{i}", f"w-{i}"))
        await customers.flow(rate, seconds, lambda i: (f"m-{i}", f"u-{i}"))
        wanted = [f"m-{i}" for i in range(int(rate * seconds))]
        await until("all rang", lambda: all(one in rung for one in wanted))
        took = [rung[one] - customers.sent[one] for one in wanted]
        for one in crew:
            await one.close()
        customers.close()
    row("arrival to offer at another site, p99", quantile(took, 0.99), 4 * trip + 0.050, "s",
        f"median {ms(quantile(took, 0.5))}, worst {ms(max(took))} of {len(took)}; round trip "
        f"{ms(trip)}")


async def receipt(seconds):
    for durable in ("site", "mesh"):
        bare = synced_writes(5)
        with three_sites("chat", f'durability = "{durable}"') as mesh:
            customers = Customers(mesh["helsinki"].http_port, "acme")
            await customers.flow(RATE, 1, lambda i: (f"w-{i}", f"u-{i % 500}"))
            customers.receipts.clear()
            await customers.flow(RATE, seconds, lambda i: (f"m-{i}", f"u-{i % 500}"))
            took = customers.receipts
            customers.close()
        row(f"receipt over HTTP, durable={durable}, p99, {RATE}/s", quantile(took, 0.99),
            10 * quantile(bare, 0.99), "s",
            f"median {ms(quantile(took, 0.5))}, worst {ms(max(took))}; bare synced write p99 "
            f"{ms(quantile(bare, 0.99))}")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def idle(seconds):
    with three_sites("chat") as mesh:
        node = mesh["helsinki"]
        await asyncio.sleep(3)  # what a start leaves behind
        before, begin = cpu_seconds(node.process.pid), time.perf_counter()
        await asyncio.sleep(seconds)
        used = (cpu_seconds(node.process.pid) - before) / (time.perf_counter() - begin)
        resident = node.resident_mib()
        starts = [one.started_in for one in mesh.nodes.values()]
    row("idle node: processor", 100 * used, 1.0, "%", f"of one core, over {seconds} s, 3 nodes")
    row("idle node: resident memory", resident, 60.0, "MiB", "before the first log-in")
    row("start to the ready line, empty store", max(starts), 1.0, "s",
        "the slowest of three, started one after another")


PARTS = {"visible": visible, "offer": offer, "receipt": receipt, "idle": idle}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build-release", help="folder of the binaries")
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement")
    parser.add_argument("--json", action="store_true", help="the figures as JSON, at the end")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART",
                        help=", ".join(PARTS) + "; all of them by default")
    words = parser.parse_args()
    build = pathlib.Path(words.build).resolve()
    testing.CROSSFLOORD = str(build / "bin/crossfloord")
    testing.CROSSFLOOR = str(build / "bin/crossfloor")
    testing.MAKE_MESH = str(build / "tests/system/make_mesh")
    for part in words.parts or PARTS:
        asyncio.run(PARTS[part](words.seconds))
    if words.json:
        print(json.dumps(ROWS, indent=2))
    return 0 if all(one["ratio"] <= 1 for one in ROWS) else 1


if __name__ == "__main__":
    sys.exit(main())
