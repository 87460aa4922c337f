#!/usr/bin/env python3
"""Eight in the morning: 120 agents log in within a minute, somebody reads a history of 10,000
entries, an operator runs `verify`. None of it may delay gossip by more than 100 ms.

Gossip runs on the node's loop; how late it gets to its deadlines is the metric
crossfloor_deadline_late_seconds. A bare process that only sleeps tells how late the machine itself
is in the same time, and that is allowed on top."""

import asyncio
import multiprocessing
import re
import subprocess
import sys
import time

from agent_socket import AgentSocket
from crossfloor_testing import CROSSFLOOR, SECRET_TEXT, Account, Mesh, main, wait_for

SITES = ("helsinki", "warsaw", "london")
ALLOWED = 0.1     # seconds
AGENTS = 120
ENTRIES = 10_000
PASSWORD = "a password of everybody"


def lateness(node):
    """{upper bound in seconds: deadlines met that late or earlier}"""
    text = node.get("/metrics").body.decode()
    return {float(bound): int(count) for bound, count in re.findall(
        r'crossfloor_deadline_late_seconds_bucket\{le="([^"]+)"\} (\d+)', text)}


def longest_hold(node):
    holds = re.findall(r'crossfloor_loop_longest_seconds\{what="([^"]+)"\} (\S+)',
                       node.get("/metrics").body.decode())
    what, length = max(holds, key=lambda hold: float(hold[1]), default=("nothing", 0))
    return f"{1000 * float(length):.0f} ms ({what})"


def over(before, after, limit):
    """How many deadlines between two looks were later than the limit."""
    inside = max((bound for bound in after if bound <= limit), default=0)
    return ((after[float("inf")] - after[inside]) - (before[float("inf")] - before[inside]))


def sleeper(worst, end):
    while not end.value:
        before = time.monotonic()
        time.sleep(0.005)
        worst.value = max(worst.value, time.monotonic() - before - 0.005)


class Machine:
    """How late this machine wakes a process that wants nothing but to wake up."""

    def __enter__(self):
        self._worst, self._end = multiprocessing.Value("d", 0), multiprocessing.Value("b", 0)
        self._process = multiprocessing.Process(target=sleeper, args=(self._worst, self._end))
        self._process.start()
        return self

    def __exit__(self, *_):
        self._end.value = 1
        self._process.join()

    @property
    def late(self):
        return self._worst.value


def write_history(mesh):
    """One customer, ENTRIES entries or more, in many conversations: questions, and answers given
    elsewhere."""
    node, table = mesh["helsinki"], mesh.folder / "history.csv"
    lines = ["id,who,inbound,text,parent"]
    for i in range(ENTRIES // 4):  # a question is a message and its place, so is an answer
        lines += [f"q-{i},u-1,true,question {i},", f"a-{i},u-1,false,answer {i},q-{i}"]
    table.write_text("\n".join(lines) + "\n")
    subprocess.run(
        [CROSSFLOOR, "replay", str(table), "--map",
         "external_id=id,customer=who,inbound=inbound,text=text,parent=parent,brand=who",
         "--account-of", f"*=acme:http://127.0.0.1:{node.http_port}:{SECRET_TEXT}", "--fast",
         "--at-once", "32", "--json"], check=True, capture_output=True, timeout=300)
    node.cli("wait", "settled", "--timeout", "60s", within=70)


def import_agents(node):
    crew = node.mesh.folder / "crew.csv"
    crew.touch(mode=0o600)
    names = [f"agent-{i}" for i in range(AGENTS)] + ["reader"]
    crew.write_text("name,brands,channels,password\n" + "".join(
        f"{name},acme,chat:2,{PASSWORD}\n" for name in names))
    node.cli("agent", "import", crew, "--reason", "first day", within=300)
    passwords = node.mesh.folder / "passwords.csv"
    passwords.touch(mode=0o600)
    passwords.write_text("name,password\n" + "".join(
        f"{name},{PASSWORD}\n" for name in names[:AGENTS]))
    return passwords


async def read_history(node, until):
    """All pages of the customer's history, again and again; returns how many items it had."""
    reader = AgentSocket(lambda *_: None)
    await reader.log_in(node.http_port, "reader", PASSWORD)
    [row] = node.ask("customer", handle="acme:u-1", limit=1)["rows"]
    conversation, items = row["conversation"], 0
    while not until() or not items:
        before, items = "", 0
        while True:
            page = await reader.say("history", conversation=conversation, before=before, items=50)
            if page["type"] == "error" and page["code"] == "full":
                await asyncio.sleep(page["retry_after_ms"] / 1000)
                continue
            assert page["type"] == "history", page
            items += len(page["page"]["items"])
            before = page["page"].get("next", "")
            if not before:
                break
    await reader.close()
    return items


def the_morning_rush_does_not_delay_gossip():
    account = Account("acme", "acme", "chat", SITES)
    with Mesh(SITES, accounts=[account], mesh_config='reopen_within = "0s"') as mesh:
        mesh.start_all().wait_joined()
        node = mesh["helsinki"]
        passwords = import_agents(node)
        write_history(mesh)
        with Machine() as machine:
            before = {one.name: lateness(one) for one in mesh.nodes.values()}
            log = open(mesh.folder / "crew.log", "w", encoding="utf-8")
            crew = subprocess.Popen(
                [CROSSFLOOR, "agent", "--auto", "--agents", str(passwords), "--node",
                 f"http://127.0.0.1:{node.http_port}"], stdout=log, stderr=log)
            verify = subprocess.Popen([CROSSFLOOR, "verify", "--data", str(node.folder)],
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

            def all_in():
                return node.metric("crossfloor_agent_connections") == AGENTS + 1

            began = time.monotonic()
            items = asyncio.run(asyncio.wait_for(
                read_history(node, lambda: all_in() and verify.poll() is not None), 120))
            took = time.monotonic() - began
            said, _ = verify.communicate(timeout=120)
            suspects = [one.name for one in mesh.nodes.values()
                        if one.metric("crossfloor_members", state="alive") != 2]
            after = {one.name: lateness(one) for one in mesh.nodes.values()}
            limit = ALLOWED + machine.late
        crew.terminate()
        crew.wait(30)
        print(f"       {AGENTS} agents in {took:.1f} s, {items} items of history read, machine late "
              f"by up to {1000 * machine.late:.0f} ms; longest hold of the loop: "
              + ", ".join(f"{one.name} {longest_hold(one)}" for one in mesh.nodes.values()))
        assert verify.returncode == 0 and "holds" in said, said
        assert took < 60, took
        # Of its newest thousand conversations, two items at least in each: how many there are is
        # a matter of how soon the answers came.
        assert items >= 2_000, items
        assert not suspects, suspects
        late = {name: over(before[name], after[name], limit) for name in before}
        assert not any(late.values()), (late, limit, before, after)


if __name__ == "__main__":
    main([the_morning_rush_does_not_delay_gossip])
