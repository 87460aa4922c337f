#!/usr/bin/env python3
"""The demo's cables: a cut site neither hears nor is heard, whoever dialled."""

import asyncio
import os
import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/demo_story"))

from cables import Cables, holds_socket, listed_inode, socket_inode  # noqa: E402

DIALLER = """
import socket, sys
with socket.socket(socket.AF_INET6 if sys.argv[1] == "6" else socket.AF_INET) as one:
    one.connect(("::ffff:127.0.0.1" if sys.argv[1] == "6" else "127.0.0.1", int(sys.argv[2])))
    one.sendall(b"hello")
    print(one.recv(9).decode(), flush=True)
"""


def who_dialled_is_known_for_both_kinds_of_sockets():
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::ffff:127.0.0.1")):
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(family) as one:
            one.connect((address, listener.getsockname()[1]))
            own, peer = one.getsockname()[1], listener.getsockname()[1]
            inode = socket_inode(own, peer)
            assert inode and holds_socket(os.getpid(), inode), (family, inode)
            assert listed_inode(own) == inode, (family, listed_inode(own), inode)
            assert not holds_socket(1 if os.getpid() != 1 else 2, inode)


async def dial_while_cut(kind):
    """What `warsaw` hears of `helsinki`, which dials while it is cut off, and once it is not."""
    heard, pids = [], {}

    async def warsaw(reader, writer):
        heard.append(await reader.read(9))
        writer.write(b"welcome")
        writer.close()

    server = await asyncio.start_server(warsaw, "127.0.0.1", 0)
    cables = Cables(lambda: pids)
    [outside] = free_port()
    await cables.lay("warsaw", outside, server.sockets[0].getsockname()[1])
    cables.set_cut("helsinki", True)
    dialler = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()\n" + DIALLER, kind, str(outside),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    pids["helsinki"] = dialler.pid
    dialler.stdin.write(b"\n")
    said = asyncio.ensure_future(dialler.stdout.readline())
    while not cables._tasks:  # until it has dialled; pylint: disable=protected-access
        await asyncio.sleep(0.01)
    done, _ = await asyncio.wait([said], timeout=0.5)
    assert not done and not heard, (kind, heard)
    cables.set_cut("helsinki", False)
    assert (await asyncio.wait_for(said, 10)) == b"welcome\n", kind
    await dialler.wait()
    await cables.close()
    server.close()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1]]


def a_cut_site_is_not_heard_either():
    for kind in ("4", "6"):
        asyncio.run(dial_while_cut(kind))


if __name__ == "__main__":
    for test in (who_dialled_is_known_for_both_kinds_of_sockets, a_cut_site_is_not_heard_either):
        test()
        print("ok", test.__name__.replace("_", " "))
