"""A mesh of real node processes in a temporary folder, and how tests speak to it.

    with Mesh(["helsinki", "warsaw"]) as mesh:
        mesh.start_all()
        answer = mesh["helsinki"].intake({"external_id": "m-1", ...})

Nothing here sleeps for luck: wait_for() asks again until a condition holds or its time is over.
"""

import base64
import contextlib
import dataclasses
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

DEADLINE = 30.0  # seconds: far more than anything takes, also on a busy machine
SECRET = secrets.token_bytes(32)
SECRET_TEXT = "whsec_" + base64.b64encode(SECRET).decode()

CROSSFLOORD = os.environ.get("CROSSFLOORD", "build/bin/crossfloord")
CROSSFLOOR = os.environ.get("CROSSFLOOR", "build/bin/crossfloor")
MAKE_MESH = os.environ.get("MAKE_MESH", "build/tests/system/make_mesh")


def wait_for(what, condition, within=DEADLINE):
    """Returns the first true value of condition()."""
    end = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {within:.0f} s still not: {what}")
        time.sleep(0.01)


class Standstill:
    """How long, at the longest, this machine lets somebody wait who syncs a few bytes to a disk."""

    def __init__(self, folder):
        self.longest = 0.0  # seconds; known at the end
        self._path = pathlib.Path(folder) / "standstill"
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sync, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join(DEADLINE)
        self._path.unlink(missing_ok=True)

    def _sync(self):
        while not self._end.is_set():
            began = time.monotonic()
            with open(self._path, "wb", buffering=0) as file:
                file.write(b"here")
                os.fsync(file.fileno())
            self.longest = max(self.longest, time.monotonic() - began)
            self._end.wait(0.02)


def free_ports(count):
    """Ports nobody listens on now. Certificates name them before the nodes start. None that outgoing
    connections get: while a node is killed, one of them could take its port away."""
    path = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
    outgoing = range(*map(int, path.read_text().split()))
    choice = [port for port in range(10_000, 65_000) if port not in outgoing]
    ports = []
    for port in random.sample(choice, len(choice)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            ports.append(port)
        if len(ports) == count:
            return ports
    raise OSError("no ports are free")


class Answer:
    def __init__(self, status, body, headers):
        self.status = status
        self.body = body
        self.headers = headers

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


def signed(body, secret=SECRET, at=None, message_id=None):
    """Headers of the Standard Webhooks scheme."""
    message_id = message_id or "msg_" + secrets.token_hex(8)
    at = str(int(time.time() if at is None else at))
    text = f"{message_id}.{at}.".encode() + body
    mac = base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode()
    return {"webhook-id": message_id, "webhook-timestamp": at, "webhook-signature": "v1," + mac}


def message(external_id, **fields):
    return {"external_id": external_id, "customer": {"external_id": "u-1"}, "text": "hello",
            **fields}


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path):
        super().__init__("localhost", timeout=DEADLINE)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


@dataclasses.dataclass(frozen=True)
class Account:
    """A channel account of the config; `more` are further lines of it."""

    name: str = "acme-chat"
    brand: str = "acme"
    kind: str = "chat"
    hosts: tuple = ()
    more: str = ""


class Node:
    def __init__(self, mesh, name, mesh_port, http_port):
        self.mesh = mesh
        self.name = name
        self.folder = mesh.folder / name
        self.mesh_port = mesh_port
        self.http_port = http_port
        self.process = None
        self.log = mesh.folder / f"{name}.log"
        self.ready_line = None

    def config(self):
        path = self.mesh.folder / f"{self.name}.toml"
        parts = [f"""
[node]
data_folder = "{self.folder}"
[mesh]
listen = "127.0.0.1:{self.mesh_port}"
{self.mesh.mesh_config}
[http]
listen = "127.0.0.1:{self.http_port}"
{self.mesh.more_config}
"""]
        brands = dict.fromkeys(account.brand for account in self.mesh.accounts)
        parts += [f'[[brand]]\nname = "{brand}"\n' for brand in brands]
        parts += [f"""[[account]]
name = "{account.name}"
region = "eu"
brand = "{account.brand}"
kind = "{account.kind}"
hosts = {json.dumps(account.hosts or self.mesh.hosts)}
secrets = ["{SECRET_TEXT}"]
callback = "http://127.0.0.1:{self.mesh.callback_port}/replies/{account.name}"
{account.more}
""" for account in self.mesh.accounts]
        path.write_text("".join(parts))
        return path

    def launch(self, *more, log=None):
        """Starts the process without waiting for anything. `log`: where its log goes instead."""
        with open(self.log, "a", encoding="utf-8") as file:
            return subprocess.Popen([CROSSFLOORD, "--config", str(self.config()), *more],
                                    stdout=subprocess.PIPE, text=True,
                                    stderr=file if log is None else log)

    def start(self, log=None):
        began = time.monotonic()
        self.process = self.launch(log=log)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"ready mesh=(\S+):(\d+) http=(\S+):(\d+)\n", line)
        assert found, f"{self.name} said {line!r}\n{self.log.read_text()}"
        self.ready_line = line
        self.http_port = int(found.group(4))
        self.started_in = time.monotonic() - began
        return self

    def wait_ready(self):
        wait_for(f"{self.name} is ready", lambda: self.get("/readyz").status == 200)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def terminate(self):
        """Returns how long it took to end, in seconds, and its exit code. A disk that stood still
        meanwhile is no fault of the node: its longest standstill does not count."""
        with Standstill(self.mesh.folder) as disk:
            began = time.monotonic()
            self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(DEADLINE)
            took = time.monotonic() - began
        return max(0.0, took - disk.longest), code

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=DEADLINE)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), dict(answer.getheaders()))
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def post_raw(self, body, headers=None, account="acme-chat"):
        return self.request("POST", f"/v1/channels/{account}/messages", body,
                            signed(body) if headers is None else headers)

    def intake(self, content, account="acme-chat"):
        return self.post_raw(json.dumps(content).encode(), account=account)

    def ask(self, verb, good=(200,), **arguments):
        """What `crossfloor VERB --json` shows, over the node's control socket."""
        connection = UnixConnection(self.folder / "control.sock")
        try:
            connection.request("POST", f"/v1/operator/{verb}", json.dumps(arguments))
            answer = connection.getresponse()
            content = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status in good, (verb, arguments, answer.status, content)
        return content

    def cli(self, *words, good=(0,), within=DEADLINE):
        """Runs `crossfloor WORDS` at this node; returns what it printed."""
        done = subprocess.run([CROSSFLOOR, *map(str, words), "--data", str(self.folder)],
                              capture_output=True, text=True, timeout=within, check=False)
        assert done.returncode in good, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def metric(self, name, **labels):
        """The sum of all series of that name whose labels include these."""
        total, found = 0.0, False
        for line in self.get("/metrics").body.decode().splitlines():
            match = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line)
            if not match or match.group(1) != name:
                continue
            has = dict(re.findall(r'(\w+)="([^"]*)"', match.group(2) or ""))
            if all(has.get(key) == value for key, value in labels.items()):
                total, found = total + float(match.group(3)), True
        return total if found else None

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


class Mesh(contextlib.AbstractContextManager):
    def __init__(self, names, hosts=None, more_config="", http_addresses=True, accounts=None,
                 mesh_config=""):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="crossfloor-test-"))
        self.hosts = hosts or list(names)
        self.accounts = accounts or [Account()]
        self.more_config = more_config  # further sections
        self.mesh_config = mesh_config  # further lines of [mesh]
        self.http_addresses = http_addresses
        self.nodes = {}
        [self.callback_port] = free_ports(1)
        self.failed = False
        self.admit(names, first=True)

    def admit(self, names, first=False):
        ports = free_ports(2 * len(names))
        words = []
        for i, name in enumerate(names):
            node = Node(self, name, ports[2 * i], ports[2 * i + 1])
            self.nodes[name] = node
            http_address = f",http://127.0.0.1:{node.http_port}" if self.http_addresses else ""
            words.append(f"{name}=tcp://127.0.0.1:{node.mesh_port}{http_address}")
        subprocess.run([MAKE_MESH, *([] if first else ["--add"]), str(self.folder), "eu", *words],
                       check=True)

    def certificates(self):
        """The texts of all certificates that the authority issued."""
        text = (self.folder / "issued").read_text()
        return [one.strip() + "\n" for one in text.split("\n\n") if one.strip()]

    def __getitem__(self, name):
        return self.nodes[name]

    def start_all(self):
        for node in self.nodes.values():
            node.start()
        for node in self.nodes.values():
            node.wait_ready()
        return self

    def wait_joined(self):
        for node in self.nodes.values():
            wait_for(f"{node.name} sees all others",
                     lambda node=node: node.metric("crossfloor_members", state="alive") ==
                     len(self.nodes) - 1)
            wait_for(f"{node.name} has its live links",
                     lambda node=node: node.metric("crossfloor_links_up", link="live") ==
                     len(self.nodes) - 1)

    def __exit__(self, kind, value, trace):
        for node in self.nodes.values():
            if node.process and node.process.poll() is None:
                node.process.kill()
                node.process.wait()
        if kind is not None:
            for node in self.nodes.values():
                if node.log.exists():
                    tail = node.log.read_text().splitlines()[-40:]
                    print(f"--- {node.name}\n" + "\n".join(tail), file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)
        return None


def main(tests):
    """Runs functions in order; each one's name is what it shows."""
    failed = 0
    for test in tests:
        began = time.monotonic()
        try:
            test()
            word = "ok"
        except Exception:  # noqa: BLE001 - whatever it was, the others still run
            traceback.print_exc()
            failed += 1
            word = "FAILED"
        print(f"{word:6} {time.monotonic() - began:6.1f} s  {test.__name__.replace('_', ' ')}",
              flush=True)
    sys.exit(1 if failed else 0)
