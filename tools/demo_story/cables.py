"""The lines between the sites, which can be cut without being root.

The address in each node's certificate is one of these relays, which passes the bytes on to the
node as they are: links are encrypted from node to node, so a relay sees nothing and can forge
nothing. All nodes share one machine and one address, so who dialled is asked from the kernel. While
a site is cut, everything from and to it stands still: nothing is refused, nothing arrives, as with a
cable that was pulled out.
"""

import asyncio
import contextlib
import os
import socket
import struct

CHUNK = 64 * 1024

# The kernel's tables, and how 127.0.0.1 is written there. ZeroMQ dials by sockets that know IPv6, too.
TABLES = (("/proc/net/tcp", "0100007F"), ("/proc/net/tcp6", "0000000000000000FFFF00000100007F"))

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST = 4, 20, 1
LOOPBACK = socket.inet_aton("127.0.0.1") + bytes(12)


def socket_inode(port, peer_port):
    """The inode of the socket at 127.0.0.1:port that is connected to 127.0.0.1:peer_port; None if it
    is gone. Asked for by name, as reading the whole table takes long on a busy machine."""
    ends = struct.pack(">HH", port, peer_port) + 2 * LOOPBACK + struct.pack("=III", 0, 2**32 - 1,
                                                                           2**32 - 1)
    wanted = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 2**32 - 1) + ends
    head = struct.pack("=IHHII", 16 + len(wanted), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
            kernel.settimeout(1)
            kernel.send(head + wanted)
            answer = kernel.recv(4096)
    except OSError:
        return listed_inode(port)
    if struct.unpack_from("=H", answer, 4)[0] != SOCK_DIAG_BY_FAMILY:
        return listed_inode(port)  # unknown there, or the kernel cannot be asked
    return str(struct.unpack_from("=I", answer, 16 + 4 + len(ends) + 16)[0])


def listed_inode(port):
    for path, address in TABLES:
        wanted = f"{address}:{port:04X}"
        with contextlib.suppress(OSError), open(path, encoding="ascii") as table:
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

    def _who(self, port, peer_port):
        inode = socket_inode(port, peer_port)
        if inode:
            for site, pid in self.pids().items():
                if pid and holds_socket(pid, inode):
                    return site
        return None

    async def _passable(self, *ends):
        while self.cut.intersection(ends):
            await self._healed.wait()

    async def _carry(self, site, node_port, reader, writer):
        ends = (site, self._who(writer.get_extra_info("peername")[1],
                                writer.get_extra_info("sockname")[1]))
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

