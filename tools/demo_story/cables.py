"""The lines between the sites, which can be cut without being root.

The address in each node's certificate is one of these relays, which passes the bytes on to the
node as they are: links are encrypted from node to node, so a relay sees nothing and can forge
nothing. All nodes share one machine and one address, so who dialled is found out from the kernel's
table of sockets. While a site is cut, everything from and to it stands still: nothing is refused,
nothing arrives, as with a cable that was pulled out.
"""

import asyncio
import contextlib
import os

CHUNK = 64 * 1024


def socket_inode(port):
    """The inode of the socket whose own end is 127.0.0.1:port; None if it is gone."""
    wanted = f"0100007F:{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table:
            words = line.split()
            if len(words) > 9 and words[1] == wanted and words[9] != "0":
                return words[9]
    return None


def holds_socket(pid, inode):
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    for name in names:
        with contextlib.suppress(OSError):
            if os.readlink(f"{folder}/{name}") == f"socket:[{inode}]":
                return True
    return False


class Cables:
    """`pids()` says which process stands for which site now: {site: pid}."""

    def __init__(self, pids):
        self.pids = pids
        self.cut = set()
        self._healed = asyncio.Event()
        self._servers = []
        self._tasks = set()

    async def lay(self, site, outside_port, node_port):
        """Relays outside_port, which others dial, to the node's own port."""
        async def dialled(reader, writer):
            task = asyncio.current_task()
            self._tasks.add(task)
            try:
                await self._carry(site, node_port, reader, writer)
            except (OSError, asyncio.CancelledError):
                pass
            finally:
                self._tasks.discard(task)
                writer.close()

        self._servers.append(await asyncio.start_server(dialled, "127.0.0.1", outside_port))

    def set_cut(self, site, cut):
        if cut:
            self.cut.add(site)
        else:
            self.cut.discard(site)
            self._healed.set()
            self._healed = asyncio.Event()

    async def close(self):
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _who(self, port):
        inode = socket_inode(port)
        if inode:
            for site, pid in self.pids().items():
                if pid and holds_socket(pid, inode):
                    return site
        return None

    async def _passable(self, *ends):
        while self.cut.intersection(ends):
            await self._healed.wait()

    async def _carry(self, site, node_port, reader, writer):
        ends = (site, self._who(writer.get_extra_info("peername")[1]))
        await self._passable(*ends)
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", node_port)

        async def pump(source, sink):
            try:
                while data := await source.read(CHUNK):
                    await self._passable(*ends)
                    sink.write(data)
                    await sink.drain()
            finally:
                with contextlib.suppress(OSError, RuntimeError):
                    sink.close()

        try:
            await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))
        finally:
            there_writer.close()
            writer.close()

