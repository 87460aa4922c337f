#!/usr/bin/env python3
"""One node: what channels hand in is stored once, refused with the reason, and survives."""

import contextlib
import json
import os
import socket
import subprocess
import time

from crossfloor_testing import CROSSFLOORD, DEADLINE, Mesh, main, message, signed, wait_for


def a_message_is_taken_in_once():
    with Mesh(["helsinki"]) as mesh:
        node = mesh.start_all()["helsinki"]
        first = node.intake(message("m-1"))
        assert first.status == 201, first
        receipt = first.json
        assert len(receipt["message_id"]) == 32 and len(receipt["hash"]) == 64, first
        assert receipt["duplicate"] is False and receipt["durable"] == "site", first
        assert receipt["sequence"] >= 1 and receipt["stream"].endswith(".eu"), first
        again = node.intake(message("m-1"))
        assert again.status == 200, again
        for field in ("message_id", "stream", "sequence", "hash"):
            assert again.json[field] == receipt[field], (field, again, first)
        assert again.json["duplicate"] is True
        other = node.intake(message("m-2"))
        assert other.status == 201 and other.json["message_id"] != receipt["message_id"], other
        assert node.metric("crossfloor_intakes_total", outcome="accepted") == 2
        assert node.metric("crossfloor_intakes_total", outcome="duplicate") == 1
        wait_for("both are one customer's conversation",
                 lambda: node.metric("crossfloor_waiting") == 1)


def what_is_wrong_is_refused_with_the_field_and_stores_nothing():
    with Mesh(["helsinki"]) as mesh:
        node = mesh.start_all()["helsinki"]
        good = json.dumps(message("m-1")).encode()
        wrong_secret = signed(good, secret=b"x" * 32)
        cases = [
            # status, field, answer
            (401, "webhook-signature", node.post_raw(good, wrong_secret)),
            (401, "webhook-timestamp", node.post_raw(good, signed(good, at=time.time() - 301))),
            (401, "webhook-timestamp", node.post_raw(good, signed(good, at=time.time() + 301))),
            (401, "webhook-id", node.post_raw(good, {})),
            (400, None, node.post_raw(b"{not json")),
            (400, None, node.post_raw(b'{"external_id":"m-1","external_id":"m-2"}')),
            (400, "color", node.intake(message("m-1", color="red"))),
            (400, "text", node.intake(message("m-1", text=7))),
            (400, "external_id", node.intake({"customer": {"external_id": "u"}, "text": "x"})),
            (400, None, node.post_raw(b'{"external_id":"m-1","text":"\xff"}')),
            (404, None, node.intake(message("m-1"), account="nobody")),
            (413, None, node.intake(message("m-1", text="x" * (300 * 1024)))),
        ]
        for status, field, answer in cases:
            assert answer.status == status, (status, field, answer)
            assert answer.headers["Content-Type"] == "application/problem+json", answer
            assert answer.json["status"] == status and answer.json["detail"], answer
            if field:
                assert answer.json["field"] == field, (field, answer)
        assert node.metric("crossfloor_intakes_total", outcome="unauthenticated") == 4
        assert node.metric("crossfloor_intakes_total", outcome="malformed") == 6
        assert node.metric("crossfloor_intakes_total", outcome="not_found") == 1
        assert node.metric("crossfloor_http_refused_total") == len(cases)
        # Nothing of it is there: the same id is new now.
        assert node.intake(message("m-1")).status == 201


def what_was_acknowledged_survives_kill_9():
    with Mesh(["helsinki"]) as mesh:
        node = mesh.start_all()["helsinki"]
        receipts = {}
        for i in range(20):
            answer = node.intake(message(f"m-{i}"))
            assert answer.status == 201, answer
            receipts[i] = answer.json
        node.kill()
        node.start()
        for i, receipt in receipts.items():
            again = node.intake(message(f"m-{i}"))
            assert again.status == 200, again
            for field in ("message_id", "stream", "sequence", "hash"):
                assert again.json[field] == receipt[field], (field, again, receipt)
        fresh = node.intake(message("m-new"))
        assert fresh.status == 201 and fresh.json["stream"] != receipts[0]["stream"], fresh


def a_second_process_on_one_data_folder_is_refused_with_the_pid():
    with Mesh(["helsinki"]) as mesh:
        node = mesh.start_all()["helsinki"]
        second = node.launch()
        assert second.wait(DEADLINE) == 1
        assert second.stdout.read() == ""
        assert f"process {node.process.pid}" in node.log.read_text(), node.log.read_text()
        assert node.get("/healthz").status == 200


def sigterm_ends_it_within_2_s_and_it_starts_again():
    with Mesh(["helsinki"]) as mesh:
        node = mesh.start_all()["helsinki"]
        assert node.intake(message("m-1")).status == 201
        took, code = node.terminate()
        assert code == 0 and took < 2, (code, took)
        assert not (node.folder / "control.sock").exists()
        assert (node.folder / "heads").exists()
        for _ in range(5):  # while its first heads are being written
            node.start()
            node.terminate()
        node.start()
        assert node.intake(message("m-1")).status == 200
        assert "head_file_not_written" not in node.log.read_text(), node.log.read_text()


def it_serves_while_its_log_goes_nowhere():
    with Mesh(["helsinki"]) as mesh:
        reads, writes = os.pipe()
        os.set_blocking(writes, False)
        with contextlib.suppress(BlockingIOError):  # full: nobody reads it
            while True:
                os.write(writes, b"." * 4096)
        os.set_blocking(writes, True)
        node = mesh["helsinki"].start(log=writes).wait_ready()
        assert node.intake(message("m-1")).status == 201
        took, code = node.terminate()
        assert code == 0 and took < 2, (code, took)
        os.close(writes)
        os.close(reads)


def a_rebuild_makes_the_same_rows_from_the_log():
    with Mesh(["helsinki"]) as mesh:
        node = mesh.start_all()["helsinki"]
        for i in range(10):
            content = message(f"m-{i}", customer={"external_id": f"u-{i % 5}"})
            assert node.intake(content).status == 201
        wait_for("five customers wait", lambda: node.metric("crossfloor_waiting") == 5)
        assert node.launch("--rebuild").wait(DEADLINE) == 1  # not while it runs
        node.terminate()
        assert node.launch("--rebuild").wait(DEADLINE) == 0, node.log.read_text()
        assert "rebuild_ended entries=" in node.log.read_text()
        node.start()
        assert node.metric("crossfloor_conversations", state="waiting") == 5
        assert node.intake(message("m-3", customer={"external_id": "u-3"})).status == 200


def agents_clients_are_let_in_as_web_sockets():
    with Mesh(["helsinki"]) as mesh:
        node = mesh.start_all()["helsinki"]
        with socket.create_connection(("127.0.0.1", node.http_port), timeout=DEADLINE) as client:
            client.sendall(b"GET /v1/agent HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                           b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 101 "), "no WebSocket"
            assert node.metric("crossfloor_agent_connections") == 1
        wait_for("it is noticed that the client is gone",
                 lambda: node.metric("crossfloor_agent_connections") == 0)


def the_command_line_says_what_is_wrong():
    with Mesh(["helsinki"]) as mesh:
        def run(*words):
            return subprocess.run([CROSSFLOORD, *words], capture_output=True, text=True,
                                  timeout=DEADLINE, check=False)

        assert run("--version").stdout.startswith("crossfloord ")
        assert run("--nonsense").returncode == 2
        good = mesh["helsinki"].config()
        assert run("--config", str(good), "--check-config").returncode == 0
        bad = mesh.folder / "bad.toml"
        bad.write_text(good.read_text().replace('kind = "chat"', 'kind = "chta"\ncolor = 1'))
        told = run("--config", str(bad), "--check-config")
        assert told.returncode == 2, told
        assert "bad.toml:" in told.stderr and told.stderr.count("\n") == 2, told.stderr
        os.remove(mesh["helsinki"].folder / "mesh.file")
        told = run("--config", str(good))
        assert told.returncode == 1 and "mesh admit" in told.stderr, told.stderr


if __name__ == "__main__":
    main([
        a_message_is_taken_in_once,
        what_is_wrong_is_refused_with_the_field_and_stores_nothing,
        what_was_acknowledged_survives_kill_9,
        a_second_process_on_one_data_folder_is_refused_with_the_pid,
        sigterm_ends_it_within_2_s_and_it_starts_again,
        it_serves_while_its_log_goes_nowhere,
        a_rebuild_makes_the_same_rows_from_the_log,
        agents_clients_are_let_in_as_web_sockets,
        the_command_line_says_what_is_wrong,
    ])
