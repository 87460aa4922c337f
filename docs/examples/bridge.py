#!/usr/bin/env python3
"""A bridge between Crossfloor and a chat over plain TCP, in Python's standard library alone.

A customer connects (`nc chat.example 2323`), says a name, and writes lines; each line is a message
of a channel account, and what agents answer comes back on the same connection. It shows all that a
bridge must do: docs/channel.md describes it.

    bridge.py --account acme-chat --secret-file acme.secret --host https://a.example:7480 \\
        --host https://b.example:7480 --callback 127.0.0.1:8080 --chat 127.0.0.1:2323

Add --authorities ca.pem if the nodes' certificates are of a private authority. The callback must
be reachable from the nodes: behind HTTPS, or on a node's own machine.
"""

import argparse
import base64
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import secrets
import socketserver
import sqlite3
import ssl
import sys
import threading
import time
import urllib.parse

TOLERANCE = 300  # seconds that the two clocks may differ


class Signatures:
    """The Standard Webhooks scheme. All secrets verify; the first one signs."""

    def __init__(self, texts):
        self.keys = [base64.b64decode(text.removeprefix("whsec_")) for text in texts]

    @staticmethod
    def _of(key, name, at, body):
        mac = hmac.new(key, f"{name}.{at}.".encode() + body, hashlib.sha256)
        return "v1," + base64.b64encode(mac.digest()).decode()

    def headers(self, name, body):
        at = int(time.time())
        return {"webhook-id": name, "webhook-timestamp": str(at),
                "webhook-signature": self._of(self.keys[0], name, at, body)}

    def genuine(self, headers, body):
        name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not at.isdigit() or abs(time.time() - int(at)) > TOLERANCE:
            return False
        good = [self._of(key, name, at, body) for key in self.keys]
        return any(hmac.compare_digest(given.encode(), one.encode())
                   for given in headers.get("webhook-signature", "").split() for one in good)


class Outbound:
    """Hands messages to the account's hosts, the next one if one fails, until one has taken it."""

    def __init__(self, hosts, account, signatures, tls):
        self.hosts = [urllib.parse.urlsplit(host) for host in hosts]
        self.path = f"/v1/channels/{account}/messages"
        self.signatures = signatures
        self.tls = tls

    def _post(self, host, body):
        # Signed anew at each attempt, because the time in it must be fresh.
        headers = {"content-type": "application/json",
                   **self.signatures.headers(secrets.token_hex(16), body)}
        if host.scheme == "https":
            connection = http.client.HTTPSConnection(host.netloc, timeout=15, context=self.tls)
        else:
            connection = http.client.HTTPConnection(host.netloc, timeout=15)
        try:
            connection.request("POST", self.path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        finally:
            connection.close()

    def send(self, message):
        """Returns the receipt. Raises ValueError with the reason if it can never be taken."""
        body = json.dumps(message).encode()
        pause = 1.0
        for attempt in range(1_000):
            host = self.hosts[attempt % len(self.hosts)]
            try:
                status, answer = self._post(host, body)
            except (OSError, http.client.HTTPException, ValueError) as why:
                status, answer = 0, {"detail": str(why)}
            if 200 <= status < 300:
                return answer
            if 400 <= status < 500 and status not in (401, 408):
                raise ValueError(f"{answer.get('field', '')}: {answer.get('detail')}")
            print(f"{host.netloc}: {status} {answer.get('detail')}", file=sys.stderr)
            if (attempt + 1) % len(self.hosts) == 0:
                time.sleep(pause)
                pause = min(pause * 2, 120)
        raise ValueError("no host took it")


class Taken:
    """Replies that were taken, by their id, on disk: each goes to the customer once."""

    def __init__(self, path):
        self.database = sqlite3.connect(path, check_same_thread=False)
        self.database.execute(
            "create table if not exists taken (reply text primary key, external text not null)")
        self.lock = threading.Lock()

    def once(self, reply, deliver):
        """(external id, whether it was taken before). `deliver` raises if it cannot be done now."""
        with self.lock:
            row = self.database.execute("select external from taken where reply = ?",
                                        (reply,)).fetchone()
            if row:
                return row[0], True
            deliver()
            external = "out-" + reply
            with self.database:
                self.database.execute("insert into taken values (?, ?)", (reply, external))
            return external, False

    def external_of(self, reply):
        with self.lock:
            row = self.database.execute("select external from taken where reply = ?",
                                        (reply,)).fetchone()
        return row[0] if row else None


class Chat(socketserver.ThreadingTCPServer):
    """The platform: one connection is one customer."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address, outbound):
        self.outbound = outbound
        self.connected = {}
        super().__init__(address, Customer)

    def tell(self, customer, text):
        """Raises OSError if that customer is not connected now."""
        connection = self.connected.get(customer)
        if connection is None:
            raise OSError("not connected")
        connection.sendall(text.encode() + b"\n")


class Customer(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"Who are you? ")
        name = self.rfile.readline(200).decode("utf-8", "replace").strip()
        if not name:
            return
        self.server.connected[name] = self.connection
        try:
            # A line in pieces is several messages: none is over the limit of 64 KiB.
            while line := self.rfile.readline(32 * 1024):
                text = line.decode("utf-8", "replace").strip()
                if text:
                    self._write(name, text)
        finally:
            if self.server.connected.get(name) is self.connection:
                del self.server.connected[name]

    def _write(self, name, text):
        message = {"external_id": secrets.token_hex(16), "text": text,
                   "customer": {"external_id": name, "name": name}}
        try:
            self.server.outbound.send(message)
        except ValueError as why:
            self.wfile.write(f"Sorry, this could not be delivered ({why})\n".encode())


class Callback(http.server.BaseHTTPRequestHandler):
    """Where agents' replies come in."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size = self.headers.get("content-length", "")
        if not size.isdigit() or int(size) > 1024 * 1024:
            return self._answer(413, {})
        body = self.rfile.read(int(size))
        if not self.server.signatures.genuine(self.headers, body):
            return self._answer(401, {})
        reply = json.loads(body)
        text = reply["text"]
        if reply.get("signature"):
            text += "  " + reply["signature"]
        try:
            external, again = self.server.taken.once(
                reply["reply_id"], lambda: self.server.chat.tell(reply["to"], text))
        except OSError:
            return self._answer(503, {})  # later
        return self._answer(409 if again else 200, {"external_id": external})

    def do_GET(self):
        """What became of a reply: asked if the account says `lookup = true`."""
        if not self.server.signatures.genuine(self.headers, b""):
            return self._answer(401, {})
        external = self.server.taken.external_of(self.path.rsplit("/", 1)[-1])
        return self._answer(200 if external else 404, {"external_id": external} if external else {})

    def _answer(self, status, content):
        body = json.dumps(content).encode()
        # A node that went away meanwhile, or another one in its place, asks again.
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *words):
        pass


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--account", required=True)
    options.add_argument("--secret-file", required=True, help="one whsec_… a line")
    options.add_argument("--host", action="append", required=True, help="URL of a node")
    options.add_argument("--authorities", help="PEM file of a private authority")
    options.add_argument("--callback", type=address, default="127.0.0.1:8080")
    options.add_argument("--chat", type=address, default="127.0.0.1:2323")
    options.add_argument("--taken", default="taken.db", help="which replies were taken")
    words = options.parse_args()

    with open(words.secret_file, encoding="ascii") as file:
        signatures = Signatures(file.read().split())
    tls = ssl.create_default_context(cafile=words.authorities)
    chat = Chat(words.chat, Outbound(words.host, words.account, signatures, tls))
    callback = http.server.ThreadingHTTPServer(words.callback, Callback)
    callback.signatures, callback.chat, callback.taken = signatures, chat, Taken(words.taken)
    threading.Thread(target=callback.serve_forever, daemon=True).start()
    print(f"ready chat={chat.server_address[1]} callback={callback.server_address[1]}", flush=True)
    chat.serve_forever()


if __name__ == "__main__":
    main()
