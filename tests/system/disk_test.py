#!/usr/bin/env python3
"""A disk without room: the node shows what it has, says why it takes nothing in, and goes on."""

import contextlib
import http.client
import itertools
import json
import os
import shutil
import socket
import subprocess
import threading

from crossfloor_testing import Mesh, main, message, wait_for

SMALL_BUFFERS = '[storage]\nwrite_buffer = "1MiB"\n'


@contextlib.contextmanager
def small_disk(folder, mib):
    """Lays a file system with little room over a folder; false if this machine does not let us."""
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0750", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        print(f"SKIPPED: mounting is not permitted here: {mounted.stderr.strip()}", flush=True)
        yield False
        return
    try:
        for name, content in kept.items():
            with open(os.open(folder / name, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
                file.write(content)
        yield True
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(path):
    """Takes all the room that is left."""
    with open(path, "ab", buffering=0) as file:
        block = b"x" * (1 << 20)
        while block:
            try:
                file.write(block)
            except OSError:
                block = block[:len(block) // 2]


class ControlConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def asked(node, what, arguments):
    connection = ControlConnection(node.folder / "control.sock")
    with contextlib.closing(connection):
        connection.request("POST", f"/v1/operator/{what}", json.dumps(arguments))
        return json.loads(connection.getresponse().read())


def answered(node, content):
    """The answer to a message, or nothing while the node is between two lives."""
    try:
        return node.intake(content)
    except (OSError, http.client.HTTPException):
        return None


def wait_ready_again(node):
    """Also while it is between two lives, and nobody listens."""
    def ready():
        try:
            return node.get("/readyz").status == 200
        except (OSError, http.client.HTTPException):
            assert node.process.poll() is None, "it is the same process"
            return False

    wait_for(f"{node.name} is ready again", ready)


def a_full_disk_is_read_until_there_is_room_and_loses_nothing_acknowledged():
    with Mesh(["helsinki", "warsaw"], more_config=SMALL_BUFFERS) as mesh:
        node = mesh["helsinki"]
        with small_disk(node.folder, 64) as permitted:
            if not permitted:
                return
            mesh.start_all().wait_joined()
            taken = {}

            def hand_in(content):
                answer = answered(node, content)
                if answer and answer.status in (200, 201):
                    taken[content["external_id"]] = (content, answer.json)
                return answer

            first = message("m-first", text="before the disk was full")
            assert hand_in(first).status == 201
            filler = node.folder / "filler"
            fill(filler)

            def refused():
                content = message(f"m-{len(taken)}", customer={"external_id": f"u-{len(taken)}"},
                                  text="x" * 60_000)
                answer = hand_in(content)
                fill(filler)
                return answer and answer.status == 503 and "no room" in answer.json["detail"]

            wait_for("it takes nothing in, and says why", refused, within=60)
            assert node.process.poll() is None, "it is the same process"
            ready = node.get("/readyz")
            assert ready.status == 503 and "nothing can be written" in ready.json["detail"], ready
            assert node.get("/healthz").status == 200
            found = asked(node, "customer", {"handle": "acme-chat:u-1"})
            assert "before the disk was full" in json.dumps(found), found
            wrong = asked(node, "status", {"local": True})["wrong"]
            assert "nothing can be written" in wrong[0]["what"], wrong
            act = asked(node, "drain", {"on": True, "by": "ada", "reason": "a test"})
            assert "no room" in act["detail"], act

            os.remove(filler)
            wait_ready_again(node)
            assert hand_in(message("m-after")).status == 201
            for external_id, (content, receipt) in taken.items():
                for host in mesh.nodes.values():
                    again = host.intake(content)
                    assert again.status == 200, (external_id, host.name, again)
                    for field in ("message_id", "stream", "sequence", "hash"):
                        assert again.json[field] == receipt[field], (external_id, field)
            took, code = node.terminate()
            assert code == 0 and took < 2, (code, took)


def a_disk_that_fills_while_messages_pour_in_ends_no_process():
    with Mesh(["helsinki"], more_config=SMALL_BUFFERS) as mesh:
        node = mesh["helsinki"]
        with small_disk(node.folder, 64) as permitted:
            if not permitted:
                return
            mesh.start_all()
            taken, numbers, over = {}, itertools.count(), threading.Event()

            def pour():
                while not over.is_set():
                    number = next(numbers)
                    content = message(f"m-{number}", customer={"external_id": f"u-{number}"},
                                      text="x" * 50_000)
                    answer = answered(node, content)
                    if answer and answer.status == 201:
                        taken[number] = (content, answer.json)

            channels = [threading.Thread(target=pour) for _ in range(4)]
            for channel in channels:
                channel.start()
            filler = node.folder / "filler"

            def shut():
                """The store writes what it gathered just when there is no room for it."""
                fill(filler)
                assert node.process.poll() is None, f"it ended with {node.process.poll()}"
                refused = answered(node, message("m-refused", text="x" * 50_000))
                return refused and refused.status == 503 and "no room" in refused.json["detail"]

            try:
                wait_for("some were taken", lambda: len(taken) > 5)
                wait_for("it takes nothing in", shut, within=60)
            finally:
                over.set()
                for channel in channels:
                    channel.join()
            os.remove(filler)
            wait_ready_again(node)
            for number, (content, receipt) in taken.items():
                again = node.intake(content)
                assert again.status == 200, (number, again)
                assert again.json["hash"] == receipt["hash"], number


def a_start_without_room_serves_what_is_there():
    with Mesh(["helsinki"], more_config=SMALL_BUFFERS) as mesh:
        node = mesh["helsinki"]
        with small_disk(node.folder, 64) as permitted:
            if not permitted:
                return
            mesh.start_all()
            assert node.intake(message("m-1", text="still here")).status == 201
            node.kill()
            fill(node.folder / "filler")
            node.start()
            ready = node.get("/readyz")
            assert ready.status == 503 and "nothing can be written" in ready.json["detail"], ready
            refused = node.intake(message("m-2"))
            assert refused.status == 503 and "no room" in refused.json["detail"], refused
            os.remove(node.folder / "filler")
            wait_ready_again(node)
            assert node.intake(message("m-1", text="still here")).status == 200
            assert node.intake(message("m-2")).status == 201


if __name__ == "__main__":
    if shutil.which("mount") is None:
        print("SKIPPED: there is no mount command")
    else:
        main([
            a_full_disk_is_read_until_there_is_room_and_loses_nothing_acknowledged,
            a_disk_that_fills_while_messages_pour_in_ends_no_process,
            a_start_without_room_serves_what_is_there,
        ])
