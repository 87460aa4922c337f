"""Three real nodes in one folder: their keys, configs and processes, and the command line to them.

Only the documented interfaces are used: `crossfloor mesh init`, `node keygen` and `mesh admit` make
the mesh, `crossfloord --config` runs a node, `crossfloor … --data FOLDER` speaks to it.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import cast
from cables import Cables

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CROSSFLOORD = os.environ.get("CROSSFLOORD", str(ROOT / "build/bin/crossfloord"))
CROSSFLOOR = os.environ.get("CROSSFLOOR", str(ROOT / "build/bin/crossfloor"))

SIGTERM_ENDS_WITHIN = 5.0  # seconds; then it is killed
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class Failure(Exception):
    """Something that was waited for did not happen, or a command said no."""


def free_ports(count):
    """Ports nobody listens on now. None that outgoing connections get: while a node is killed, one
    of them could take its port away."""
    path = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
    outgoing = range(*map(int, path.read_text().split()))
    choice = [port for port in range(10_000, 65_000) if port not in outgoing]
    ports = []
    for port in random.sample(choice, len(choice)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            ports.append(port)
        if len(ports) == count:
            return ports
    raise OSError("no ports are free")


def die_with_parent():
    """Between fork and exec: no process outlives the demo, however that ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A program with its own log, deaf to the terminal's Ctrl-C, which is for the demo alone."""

    def __init__(self, name, command, log, environment=None):
        self.name = name
        self.log = pathlib.Path(log)
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, preexec_fn=die_with_parent,
                env={**os.environ, **(environment or {})})

    @property
    def pid(self):
        return self.popen.pid if self.popen.poll() is None else None

    def signal(self, number):
        if self.pid:
            self.popen.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.popen.wait()

    async def stop(self, within=SIGTERM_ENDS_WITHIN):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        end = time.monotonic() + within
        while self.pid and time.monotonic() < end:
            await asyncio.sleep(0.02)
        self.kill()
        return self.popen.returncode


class Site:
    def __init__(self, name, folder, ports):
        self.name = name
        self.data = folder / name
        self.config = folder / f"{name}.toml"
        self.log = folder / f"{name}.log"
        self.cable_port, self.mesh_port, self.http_port = ports
        self.process = None
        self.frozen = False

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def pid(self):
        return self.process.pid if self.process else None

    @property
    def is_there(self):
        return self.pid is not None and not self.frozen


class Mesh:
    """`callback_port(account)` is where that account's customers take replies."""

    def __init__(self, folder, callback_port):
        self.folder = pathlib.Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = free_ports(3 * len(cast.SITES))
        self.sites = {name: Site(name, self.folder, ports[3 * i:3 * i + 3])
                      for i, name in enumerate(cast.SITES)}
        self.secrets = {one.name: cast.new_secret() for one in cast.ACCOUNTS}
        self.callbacks = {one.name: f"http://127.0.0.1:{callback_port(one)}/replies/{one.name}"
                          for one in cast.ACCOUNTS}
        self.cables = None

    def __getitem__(self, name):
        return self.sites[name]

    # ---- the command line ----------------------------------------------------------------

    async def run(self, *words, within=30.0, good=(0,)):
        """`crossfloor WORDS`; returns what it printed."""
        process = await asyncio.create_subprocess_exec(
            CROSSFLOOR, *[str(word) for word in words], cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE)
        try:
            out, err = await asyncio.wait_for(process.communicate(), within)
        except asyncio.TimeoutError:
            raise Failure(f"crossfloor {' '.join(map(str, words))}: "
                          f"no answer within {within:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode not in good:
            said = (err.decode().strip() or out.decode().strip())[-2000:]
            raise Failure(f"crossfloor {' '.join(map(str, words))}: exit code "
                          f"{process.returncode}: {said}")
        return out.decode()

    async def ask(self, site, *words, within=30.0, good=(0, 1)):
        """The same as JSON, from that site's node. Exit code 1 says that something is wrong there,
        which is part of the answer."""
        out = await self.run(*words, "--json", "--data", self[site].data, within=within, good=good)
        answer = json.loads(out)
        if isinstance(answer, dict) and "error" in answer:
            raise Failure(f"crossfloor {' '.join(map(str, words))}: {answer['error']}")
        return answer

    # ---- making it -----------------------------------------------------------------------

    async def found(self):
        """Keys, certificates and configs: what an admin does on the first day."""
        await self.run("mesh", "init", "--region", cast.REGION)
        for site in self.sites.values():
            request = self.folder / f"{site.name}.request"
            mesh_file = self.folder / f"{site.name}.mesh"
            await self.run("node", "keygen", "--site", site.name,
                           "--address", f"tcp://127.0.0.1:{site.cable_port}",
                           "--address", site.url, "--data", site.data, "--out", request)
            await self.run("mesh", "admit", request, "--region", cast.REGION, "--out", mesh_file)
            os.replace(mesh_file, site.data / "mesh.file")
            site.config.write_text(cast.config(site.data, site.mesh_port, site.http_port,
                                               self.secrets, self.callbacks), encoding="utf-8")

    async def lay_cables(self):
        self.cables = Cables(lambda: {name: site.pid for name, site in self.sites.items()})
        for site in self.sites.values():
            await self.cables.lay(site.name, site.cable_port, site.mesh_port)

    def start(self, name):
        site = self[name]
        if site.pid:
            raise Failure(f"{name} runs already, as process {site.pid}")
        site.frozen = False
        site.process = Process(name, [CROSSFLOORD, "--config", site.config], site.log)

    async def wait_ready(self, name, within=60.0):
        """Says early, with the node's own words, when it will not come."""
        site = self[name]
        waiting = asyncio.ensure_future(
            self.run("wait", "ready", "--timeout", f"{within:.0f}s", "--data", site.data,
                     within=within + 5))
        try:
            while not waiting.done():
                if not site.pid:
                    raise Failure(f"{name} ended with code {site.process.popen.returncode}:\n"
                                  + tail(site.log, 15))
                await asyncio.wait([waiting], timeout=0.1)
            waiting.result()
        finally:
            waiting.cancel()
            with contextlib.suppress(Failure, asyncio.CancelledError):
                await waiting

    async def start_all(self):
        for name in self.sites:
            self.start(name)
        for name in self.sites:
            await self.wait_ready(name)
        for name, site in self.sites.items():
            await self.run("wait", "joined", len(self.sites), "--timeout", "60s", "--data",
                           site.data, within=65.0)

    async def employ(self, agents):
        """Imports each site's agents at its own node."""
        async def one_site(name):
            of_site = [one for one in agents if one.site == name]
            path = self.folder / f"{name}-agents.csv"
            path.write_text(cast.crew_csv(of_site), encoding="utf-8")
            path.chmod(0o600)
            await self.run("agent", "import", path, "--reason", "first day", "--data",
                           self[name].data, within=60.0)

        await asyncio.gather(*(one_site(name) for name in self.sites))

    # ---- what happens to sites -----------------------------------------------------------

    def kill(self, name):
        self[name].process.kill()
        self[name].frozen = False

    def freeze(self, name, frozen):
        self[name].process.signal(signal.SIGSTOP if frozen else signal.SIGCONT)
        self[name].frozen = frozen

    async def stop_all(self):
        await asyncio.gather(*(site.process.stop() for site in self.sites.values()
                               if site.process))
        if self.cables:
            await self.cables.close()


def tail(path, lines):
    try:
        return "\n".join(pathlib.Path(path).read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
