"""The customers' side of a channel, written from docs/channel.md alone: signed messages go in,
replies are taken by the callback, each once. It keeps what the story has to prove."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import random
import re
import secrets
import time
from dataclasses import dataclass, field

from mesh import Failure

MAX_REQUEST = 1024 * 1024


def key_of(secret):
    return base64.b64decode(secret.removeprefix("whsec_"))


def signature(secret, message_id, timestamp, body):
    text = f"{message_id}.{timestamp}.".encode() + body
    mac = hmac.new(key_of(secret), text, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()


def signed_headers(secret, body):
    message_id, timestamp = "msg_" + secrets.token_hex(8), str(int(time.time()))
    return {"content-type": "application/json", "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(secret, message_id, timestamp, body)}


async def read_http(reader):
    """One request or answer: its first line, its headers, its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        if name:
            headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", 0))
    if length > MAX_REQUEST:
        raise ValueError("too large")
    body = await reader.readexactly(length)
    return head[0], headers, body


async def post(port, path, headers, body, within):
    """Status and body of the answer; OSError if there was none."""
    async def talk():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{port}", "connection: close",
                     f"content-length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            await writer.drain()
            first, _, answer = await read_http(reader)
            return int(first.split()[1]), answer
        finally:
            writer.close()

    try:
        return await asyncio.wait_for(talk(), within)
    except (asyncio.TimeoutError, asyncio.IncompleteReadError, ValueError, IndexError) as error:
        raise OSError(f"no answer: {error!r}") from error


@dataclass
class Asked:
    """A customer's message, and what became of it."""

    account: str
    external_id: str
    customer: str
    text: str
    public: bool
    thread: str
    at: float = field(default_factory=time.monotonic)
    receipts: list = field(default_factory=list)   # one of each host
    answers: list = field(default_factory=list)    # reply ids


class Customers:
    """Writes to hosts of an account and takes the replies. `answered_part(text)`: the part of a
    reply's text that quotes what it answers. `lose_every`: of every so many replies one is taken
    and the connection closed without an answer, as networks do."""

    def __init__(self, mesh, receipts_path, answered_part, lose_every=0):
        self.mesh = mesh
        self.answered_part = answered_part
        self.asked = {}      # (account, external id): Asked
        self.replies = {}    # reply id: the reply as it came first
        self.lost = set()      # replies that were taken without an answer
        self.repeated = set()  # replies that came again
        self.wrong = []      # what must not be, in words
        self.lose_every = lose_every
        self._receipts = open(receipts_path, "w", encoding="utf-8")
        self._server = None
        self._deliveries = set()
        self._gaps = random.Random(7)  # pauses between tries; any seed will do

    # ---- in ------------------------------------------------------------------------------

    def write(self, account, external_id, customer, text, ref="", public=False, thread="",
              hosts=2):
        """Delivers to the account's first hosts at the same instant, each until it said yes."""
        asked = Asked(account.name, external_id, customer, text, public, thread)
        self.asked[account.name, external_id] = asked
        content = {"external_id": external_id, "text": f"{text} {tag(external_id)}",
                   "public": public,
                   "customer": {"external_id": customer, "name": customer.capitalize()}}
        if ref:
            content["customer"]["customer_ref"] = ref
        if thread:
            content["thread_id"] = thread
        body = json.dumps(content).encode()
        for host in account.hosts[:hosts]:
            task = asyncio.ensure_future(self._deliver(asked, host, body))
            self._deliveries.add(task)
            task.add_done_callback(self._deliveries.discard)
        return asked

    async def _deliver(self, asked, host, body, within=90.0):
        end = time.monotonic() + within
        pause, secret = 0.25, self.mesh.secrets[asked.account]
        while True:
            try:
                status, answer = await post(self.mesh[host].http_port,
                                            f"/v1/channels/{asked.account}/messages",
                                            signed_headers(secret, body), body, 10.0)
            except OSError:
                status, answer = 0, b""
            if 200 <= status < 300:
                receipt = {"account": asked.account, "external_id": asked.external_id,
                           "node": host, **json.loads(answer)}
                asked.receipts.append(receipt)
                self._receipts.write(json.dumps(receipt) + "\n")
                self._receipts.flush()
                return
            if status and status < 500 and status not in (408, 425, 429):
                self.wrong.append(f"{asked.external_id} was refused by {host} with {status}: "
                                  f"{answer[:200]!r}")
                return
            if time.monotonic() > end:
                self.wrong.append(f"{asked.external_id} got no receipt from {host}: {status}")
                return
            await asyncio.sleep(pause * self._gaps.uniform(0.7, 1.3))
            pause = min(2 * pause, 2.0)

    async def delivered(self):
        while self._deliveries:
            await asyncio.wait(list(self._deliveries))

    def unanswered(self):
        return [one for one in self.asked.values() if not one.answers]

    # ---- out -----------------------------------------------------------------------------

    async def listen(self, port):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)

    async def close(self):
        for task in list(self._deliveries):
            task.cancel()
        if self._server:
            self._server.close()
        self._receipts.close()

    async def _serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError,
                                 asyncio.LimitOverrunError):
            while True:
                first, headers, body = await read_http(reader)
                status, content = self._take(first.split(), headers, body)
                if status == 0:
                    break
                answer = json.dumps(content).encode()
                writer.write(f"HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\n"
                             f"content-length: {len(answer)}\r\n\r\n".encode() + answer)
                await writer.drain()
        writer.close()

    def _take(self, request, headers, body):
        account = request[1].rsplit("/", 1)[-1] if len(request) > 1 else ""
        secret = self.mesh.secrets.get(account)
        if request[0] != "POST" or secret is None:
            return 404, {"detail": "no such account"}
        wanted = signature(secret, headers.get("webhook-id", ""),
                           headers.get("webhook-timestamp", ""), body)
        if wanted not in headers.get("webhook-signature", "").split():
            self.wrong.append(f"a reply on {account} was not signed with its secret")
            return 401, {"detail": "wrong signature"}
        reply = json.loads(body)
        reply_id = reply["reply_id"]
        external_id = "out-" + reply_id
        known = self.replies.get(reply_id)
        if known is not None:
            self.repeated.add(reply_id)
            if known["body"] != body:
                self.wrong.append(f"reply {reply_id} came again with another text")
            return 409, {"external_id": external_id}
        self.replies[reply_id] = {**reply, "account": account, "body": body,
                                  "at": time.monotonic()}
        self._judge(account, reply)
        if self.lose_every and len(self.replies) % self.lose_every == 0:
            self.lost.add(reply_id)
            return 0, {}
        return 200, {"external_id": external_id}

    def _judge(self, account, reply):
        """Which questions it answers, and whether it came by the way on which they were asked."""
        for external_id in dict.fromkeys(tags_in(self.answered_part(reply["text"]))):
            asked = self.asked.get((account, external_id))
            if asked is None:
                self.wrong.append(f"{external_id} was answered on {account}, where nobody asked it")
                continue
            asked.answers.append(reply["reply_id"])
            if reply["to"] != asked.customer:
                self.wrong.append(f"{external_id} of {asked.customer} was answered to "
                                  f"{reply['to']}")
            if bool(reply["public"]) != asked.public:
                self.wrong.append(f"{external_id} was asked {'in public' if asked.public else 'in private'}"
                                  " and answered otherwise")
            if reply.get("thread_id", "") != asked.thread:
                self.wrong.append(f"{external_id} was asked in thread {asked.thread!r} and answered "
                                  f"in {reply.get('thread_id', '')!r}")


def tag(external_id):
    """Ends each text that the story's customers write, so that an answer that quotes it says what
    it answers."""
    return f"[{external_id}]"


def tags_in(text):
    return re.findall(r"\[([a-z0-9-]+)\]", text)


async def until(what, condition, within):
    """Asks until the condition holds; says what did not, and the last reason, when time is over."""
    end = time.monotonic() + within
    reason = ""
    while True:
        try:
            value = condition()
            value = await value if asyncio.iscoroutine(value) else value
            if value:
                return value
            reason = ""
        except Failure as failure:
            reason = f" ({failure})"
        if time.monotonic() > end:
            raise Failure(f"after {within:.0f} s still not: {what}{reason}")
        await asyncio.sleep(0.05)
