#!/usr/bin/env python3
"""An agent's client for Crossfloor, in Python's standard library alone.

It logs in, goes ready, takes every offer, reads the customer's history, answers, and closes what is
answered. It shows all that a client must do, also when its connection or its node goes away:
docs/agents.md describes it. Put your own brain into Agent.answer().

    CROSSFLOOR_PASSWORD=… agent_client.py wss://node.example:7480/v1/agent anna

Add --authorities ca.pem if the node's certificate is of a private authority.
"""

import argparse
import base64
import hashlib
import json
import os
import secrets
import socket
import ssl
import sys
import time
import urllib.parse


class Closed(Exception):
    """The connection is over; `code` is the WebSocket's closing code, None without one."""

    def __init__(self, why, code=None):
        super().__init__(why)
        self.code = code


class WebSocket:
    """RFC 6455, as far as a client needs it: text frames, pings, a closing frame."""

    def __init__(self, url, authorities=None, timeout=20.0):
        parts = urllib.parse.urlsplit(url)
        port = parts.port or (443 if parts.scheme == "wss" else 80)
        self.socket = socket.create_connection((parts.hostname, port), timeout)
        if parts.scheme == "wss":
            tls = ssl.create_default_context(cafile=authorities)
            self.socket = tls.wrap_socket(self.socket, server_hostname=parts.hostname)
        self.buffer = b""  # what came and is no whole frame yet
        self.text = b""  # of a message in several frames
        self._shake_hands(parts)

    def _shake_hands(self, parts):
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self.socket.sendall((f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
                             "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n")
                            .encode())
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.strip().lower(): value.strip()
                  for name, value in (line.split(":", 1) for line in lines[1:])}
        wanted = base64.b64encode(hashlib.sha1(
            (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        if " 101 " not in lines[0] or fields.get("sec-websocket-accept") != wanted:
            raise Closed(f"no WebSocket there: {lines[0]}")

    def _fill(self):
        more = self.socket.recv(65536)
        if not more:
            raise Closed("the connection was lost")
        self.buffer += more

    def _frame(self):
        """(first byte, payload) of a frame that has arrived whole, or None."""
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        size, at = buffer[1] & 0x7F, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(buffer) < at + width:
                return None
            size, at = int.from_bytes(buffer[at:at + width], "big"), at + width
        if len(buffer) < at + size:
            return None
        self.buffer = buffer[at + size:]
        return buffer[0], buffer[at:at + size]

    def _send_frame(self, kind, payload):
        mask = secrets.token_bytes(4)
        size = len(payload)
        if size < 126:
            length = bytes([0x80 | size])
        elif size < 65536:
            length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
        else:
            length = bytes([0x80 | 127]) + size.to_bytes(8, "big")
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self.socket.sendall(bytes([0x80 | kind]) + length + mask + masked)

    def send(self, text):
        self._send_frame(1, text.encode())

    def receive(self, patience):
        """The next text; None if none came for `patience` seconds."""
        self.socket.settimeout(patience)
        while True:
            frame = self._frame()
            if frame is None:
                try:
                    self._fill()
                except TimeoutError:
                    return None
                continue
            first, payload = frame
            kind = first & 0x0F
            if kind == 8:
                raise Closed(payload[2:].decode("utf-8", "replace") or "closed",
                             int.from_bytes(payload[:2], "big") if len(payload) >= 2 else None)
            if kind == 9:
                self._send_frame(10, payload)
            elif kind in (0, 1):
                self.text += payload
                if first & 0x80:
                    text, self.text = self.text, b""
                    return text.decode()

    def close(self):
        self.socket.close()


class Agent:
    """One agent's session: it outlives connections, and is begun anew when the node forgot it."""

    PING_EVERY = 15.0  # seconds of silence

    def __init__(self, url, name, password, authorities=None):
        self.url, self.name, self.password, self.authorities = url, name, password, authorities
        self.socket = None
        self.token, self.last_seq = "", 0
        self.mark, self.number = secrets.token_hex(6), 0  # ids that were never used before
        self.unanswered = {}  # our commands without an answer: said again as they were
        self.answered = set()  # customers' messages that we replied to: never twice
        self.over = None  # why the session ended for good
        self.logged_in = False

    # ---- what a brain may change -----------------------------------------------------------------

    def answer(self, view, customer, history):
        """The text for the customer; `history` is newest first, over all that he ever wrote."""
        fresh = [item["text"] for item in reversed(history) if item["unanswered"]]
        earlier = [item["text"] for item in reversed(history)
                   if item["kind"] == "message" and item["direction"] == "in"
                   and not item["unanswered"]]
        text = "You wrote: " + " / ".join(fresh)
        return text + (" - and earlier: " + " / ".join(earlier) if earlier else "")

    # ---- speaking --------------------------------------------------------------------------------

    def say(self, kind, **fields):
        self.number += 1
        command = {"type": kind, "id": f"{self.mark}-{self.number}", **fields}
        if kind not in ("log_in", "ping"):
            self.unanswered[command["id"]] = command
        self.socket.send(json.dumps(command))

    def connect(self):
        self.logged_in = False
        self.socket = WebSocket(self.url, self.authorities)
        if self.token:
            self.say("log_in", agent=self.name, token=self.token, last_seq=self.last_seq)
        else:
            self.say("log_in", agent=self.name, password=self.password)

    # ---- listening -------------------------------------------------------------------------------

    def hear(self, message):
        kind = message["type"]
        if "seq" in message and kind != "welcome":
            self.last_seq = max(self.last_seq, message["seq"])
        command = self.unanswered.pop(message.get("id", ""), None)
        handler = getattr(self, "on_" + kind, None)  # what is not known is passed over
        if handler:
            handler(message, command)

    def on_welcome(self, message, _):
        self.logged_in = True
        self.token = message["token"]
        if not message["resumed"]:
            self.last_seq = message["seq"]
        for command in list(self.unanswered.values()):
            self.socket.send(json.dumps(command))
        self.say("presence", presence="ready")

    def on_snapshot(self, message, _):
        for view in message["conversations"]:
            if view["state"] == "ringing":
                self.say("accept", conversation=view["conversation"], epoch=view["epoch"])
            elif view["state"] == "active":
                self.say("open", conversation=view["conversation"], items=50)

    def on_ring(self, message, _):
        self.say("accept", conversation=message["conversation"], epoch=message["epoch"])

    def on_changed(self, message, _):
        view = message["view"]
        if message["yours"] and view["state"] == "active" and view["unanswered"]:
            self.say("open", conversation=view["conversation"], items=50)

    def on_slots_changed(self, message, _):
        slots = message["slots"]
        if slots["presence"] == "not_ready" and slots["reason"] == "missed":
            self.say("presence", presence="ready")

    def on_conversation(self, message, _):
        view, items = message["view"], message["history"]["items"]
        mine = view["agent"] == self.name and view["state"] == "active"
        seen = [item["message"] for item in items
                if item["unanswered"] and item["conversation"] == view["conversation"]]
        if mine and set(seen) - self.answered:
            self.answered.update(seen)
            self.say("reply", conversation=view["conversation"], epoch=view["epoch"],
                     text=self.answer(view, message["customer"], items), public=view["public"],
                     seen=seen)
        elif mine and not seen:
            self.say("close", conversation=view["conversation"], epoch=view["epoch"],
                     reason="answered")

    def on_done(self, message, command):
        # A chat stays active after a reply: it is closed, unless the customer wrote meanwhile.
        if command and command["type"] == "reply":
            self.say("open", conversation=command["conversation"], items=50)

    def on_error(self, message, command):
        if not self.logged_in:  # the log-in was refused
            if self.token and message["code"] == "unauthenticated":
                self.token, self.last_seq = "", 0
                raise Closed("the session is gone")
            if message["addresses"]:
                where = f"; belongs to {message['site']}: {', '.join(message['addresses'])}"
            else:
                where = ""
            if message["code"] not in ("full", "unavailable"):
                self.over = message["what"] + where
            raise Closed(message["what"] + where)
        if command and command["type"] == "reply":
            self.answered.difference_update(command["seen"])
        if message["code"] == "full" and command:
            time.sleep(message["retry_after_ms"] / 1000)
            self.unanswered[command["id"]] = command
            self.socket.send(json.dumps(command))
        elif message["code"] != "stale":  # stale: it went on without us
            print(f"{message['what']} - {message['mend']}", file=sys.stderr)

    def on_session_over(self, message, _):
        self.token = ""
        if message["reason"] != "unused for too long":
            self.over = message["reason"]

    # ---- for ever --------------------------------------------------------------------------------

    def run(self):
        """Until the session is over for good; returns why."""
        pause = 0.2
        while self.over is None:
            try:
                self.connect()
                waited = 0
                while self.over is None:
                    text = self.socket.receive(self.PING_EVERY)
                    if text is not None:
                        waited, pause = 0, 0.2
                        self.hear(json.loads(text))
                    elif waited == 2:
                        raise Closed("the node says nothing")
                    else:
                        waited += 1
                        self.say("ping")
            except (Closed, OSError) as why:
                print(f"{self.name}: {why}", file=sys.stderr)
                if self.over is None:
                    time.sleep(pause)
                    pause = min(pause * 2, 5)
            finally:
                if self.socket:
                    self.socket.close()
        return self.over


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("url", help="wss://node.example:7480/v1/agent")
    options.add_argument("agent", help="log-in name")
    options.add_argument("--authorities", help="PEM file of a private authority")
    words = options.parse_args()
    password = os.environ.get("CROSSFLOOR_PASSWORD")
    if not password:
        sys.exit("the password is wanted in the environment's CROSSFLOOR_PASSWORD")
    print("over:", Agent(words.url, words.agent, password, words.authorities).run())


if __name__ == "__main__":
    main()
