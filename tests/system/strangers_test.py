#!/usr/bin/env python3
"""A bridge and an agents' client that were written from docs/channel.md and docs/agents.md alone
(docs/examples, Python's standard library) carry a customer's chat to an agent and back."""

import base64
import os
import pathlib
import signal
import socket
import subprocess
import sys

from crossfloor_testing import DEADLINE, SECRET, Mesh, free_ports, main, wait_for

CROSSFLOOR = os.environ.get("CROSSFLOOR", "build/bin/crossfloor")
EXAMPLES = pathlib.Path("docs/examples").resolve()


class Customer:
    """Somebody who chats over the bridge's own platform: lines over TCP."""

    def __init__(self, port, name):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.socket.sendall(f"{name}\n".encode())

    def write(self, text):
        self.socket.sendall(f"{text}\n".encode())

    def read(self):
        return self.lines.readline().removeprefix("Who are you? ").strip()


class Programs:
    """Processes of the examples; ended with the test."""

    def __init__(self, folder):
        self.folder = folder
        self.running = []

    def start(self, script, *words, **environment):
        log = open(self.folder / f"{script}-{len(self.running)}.log", "w", encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-B", str(EXAMPLES / script), *words], stdout=subprocess.PIPE,
            stderr=log, text=True, cwd=self.folder, env={**os.environ, **environment})
        self.running.append(process)
        return process

    def end(self):
        for process in self.running:
            process.kill()
            process.wait()
        for log in sorted(self.folder.glob("*.py-*.log")):
            print(f"--- {log.name}\n{log.read_text()[-2000:]}", file=sys.stderr)


def add_agent(mesh, node, name):
    password = mesh.folder / f"{name}.pw"
    password.write_text("correct horse battery")
    password.chmod(0o600)
    subprocess.run([CROSSFLOOR, "agent", "add", name, "--data", str(mesh[node].folder), "--brands",
                    "acme", "--languages", "en", "--channels", "chat:3", "--password-file",
                    str(password), "--reason", "a test"], check=True, capture_output=True)


def with_strangers(mesh, programs):
    """Bridge and agent of a mesh whose first node has both; the port of the chat."""
    (mesh.folder / "secret").write_text("whsec_" + base64.b64encode(SECRET).decode())
    [chat] = free_ports(1)
    hosts = [word for node in mesh.nodes.values()
             for word in ("--host", f"http://127.0.0.1:{node.http_port}")]
    bridge = programs.start("bridge.py", "--account", "acme-chat", "--secret-file", "secret",
                            *hosts, "--callback", f"127.0.0.1:{mesh.callback_port}", "--chat",
                            f"127.0.0.1:{chat}")
    assert bridge.stdout.readline().startswith("ready"), "the bridge did not start"
    first = next(iter(mesh.nodes.values()))
    add_agent(mesh, first.name, "anna")
    programs.start("agent_client.py", f"ws://127.0.0.1:{first.http_port}/v1/agent", "anna",
                   CROSSFLOOR_PASSWORD="correct horse battery")
    wait_for("anna is there",
             lambda: first.metric("crossfloor_agent_connections") == 1)
    return chat


def a_customer_is_answered_and_the_next_time_known():
    with Mesh(["helsinki"]) as mesh:
        programs = Programs(mesh.folder)
        try:
            mesh.start_all()
            chat = with_strangers(mesh, programs)
            customer = Customer(chat, "Aino")
            customer.write("Where is my parcel?")
            assert customer.read() == "You wrote: Where is my parcel?", "another answer"
            node = mesh["helsinki"]
            wait_for("the conversation is closed", lambda: sum(
                node.metric("crossfloor_conversations", state=state)
                for state in ("waiting", "ringing", "active", "pending")) == 0)
            customer.write("It came, thank you")
            told = customer.read()
            assert told == "You wrote: It came, thank you - and earlier: Where is my parcel?", told
        finally:
            programs.end()


def both_go_on_when_a_node_was_killed_and_nothing_is_said_twice():
    with Mesh(["helsinki", "warsaw"]) as mesh:
        programs = Programs(mesh.folder)
        try:
            mesh.start_all().wait_joined()
            chat = with_strangers(mesh, programs)
            customer = Customer(chat, "Aino")
            customer.write("one")
            assert customer.read() == "You wrote: one"
            mesh["helsinki"].kill()
            customer.write("two")  # the bridge gives it to warsaw
            wait_for("warsaw has it", lambda: mesh["warsaw"].metric(
                "crossfloor_intakes_total", outcome="accepted") == 1)
            mesh["helsinki"].start()  # and the agent logs in anew
            told = customer.read()
            assert told.startswith("You wrote: two"), told
            customer.write("three")
            told = customer.read()
            assert told.startswith("You wrote: three"), told  # not "two" once more
        finally:
            programs.end()


def a_reply_waits_until_the_customer_is_there_again():
    with Mesh(["helsinki"]) as mesh:
        programs = Programs(mesh.folder)
        try:
            node = mesh.start_all()["helsinki"]
            chat = with_strangers(mesh, programs)
            agent = programs.running[1]
            agent.send_signal(signal.SIGSTOP)  # busy
            customer = Customer(chat, "Aino")
            customer.write("call me back")
            wait_for("it is there",
                     lambda: node.metric("crossfloor_intakes_total", outcome="accepted") == 1)
            customer.socket.shutdown(socket.SHUT_RDWR)
            customer.socket.close()
            agent.send_signal(signal.SIGCONT)
            wait_for("the bridge said: later",
                     lambda: node.metric("crossfloor_replies", state="waiting"))
            again = Customer(chat, "Aino")
            assert again.read() == "You wrote: call me back"
        finally:
            programs.end()


if __name__ == "__main__":
    main([
        a_customer_is_answered_and_the_next_time_known,
        both_go_on_when_a_node_was_killed_and_nothing_is_said_twice,
        a_reply_waits_until_the_customer_is_there_again,
    ])
