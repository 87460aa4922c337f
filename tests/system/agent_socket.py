"""A small client of the agents' protocol (docs/agents.md), for measurements: one WebSocket on
asyncio. What comes without having been asked is handed to `pushed` together with when it came."""

import asyncio
import base64
import json
import os
import struct
import time


class AgentSocket:
    def __init__(self, pushed):
        self.pushed = pushed  # (socket, message, time.perf_counter())
        self._answers = {}
        self._said = 0
        self._begin = base64.b64encode(os.urandom(6)).decode()

    async def log_in(self, port, agent, password):
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
        key = base64.b64encode(os.urandom(16)).decode()
        self._writer.write(f"GET /v1/agent HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                           "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                           f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head, head
        self._task = asyncio.ensure_future(self._listen())
        welcome = await self.say("log_in", agent=agent, password=password)
        assert welcome["type"] == "welcome", welcome
        answer = await self.say("presence", presence="ready")
        assert answer["type"] == "done", answer

    def say(self, what, **fields):
        """A future of the answer."""
        self._said += 1
        name = f"{self._begin}-{self._said}"
        self._write(1, json.dumps({"type": what, "id": name, **fields}).encode())
        answer = asyncio.get_running_loop().create_future()
        self._answers[name] = answer
        return answer

    async def close(self):
        self._task.cancel()
        self._writer.close()

    def _write(self, kind, payload):
        mask = os.urandom(4)
        masked = bytes(b ^ mask[i & 3] for i, b in enumerate(payload))
        size = (struct.pack(">B", 0x80 | len(payload)) if len(payload) < 126
                else struct.pack(">BH", 0x80 | 126, len(payload)))
        self._writer.write(bytes([0x80 | kind]) + size + mask + masked)

    async def _frame(self):
        first, size = await self._reader.readexactly(2)
        size &= 0x7F
        if size == 126:
            [size] = struct.unpack(">H", await self._reader.readexactly(2))
        elif size == 127:
            [size] = struct.unpack(">Q", await self._reader.readexactly(8))
        return first, await self._reader.readexactly(size)

    async def _listen(self):
        text = b""
        while True:
            first, payload = await self._frame()
            at = time.perf_counter()
            kind = first & 0x0F
            if kind == 9:
                self._write(10, payload)
            if kind == 8:
                raise OSError(f"the node closed the connection: {payload[2:].decode()}")
            if kind > 1:
                continue
            text += payload
            if not first & 0x80:
                continue
            message, text = json.loads(text), b""
            answer = self._answers.pop(message.get("id"), None)
            if answer is not None and not answer.done():
                answer.set_result(message)
            elif "seq" in message:
                self.pushed(self, message, at)
