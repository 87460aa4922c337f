"""tools/demo: three sites run until Ctrl-C, with agents, customers who come in waves, and a screen.

The demo owns all processes. Orders from other terminals (`tools/demo --site london cut`) come in
over a socket in its folder; whatever they do can be done by hand as well, as the screen says.
"""

import asyncio
import contextlib
import json
import os
import pathlib
import shutil
import signal
import sys
import time

import cast
import screen
from look import Looker
from mesh import Failure, Mesh, Process, ROOT, CROSSFLOOR, free_ports, tail

FOLDER = pathlib.Path("build/demo")  # below ROOT, where all of this runs
SOCKET = FOLDER / "orders.sock"
NOTE = FOLDER / "demo.json"          # what other terminals need to know
REPLY = "{customer}, I see: {seen} I look into it now. {agent}"
LOG_EVERY = 5.0                      # seconds between lines when there is no screen

# Messages per second, and waves: every so often so many at once. Helsinki is the one that drowns.
FLOOD = {
    "aurora-chat": ["--rate", "0.3", "--burst", "40s:16", "--public", "0"],
    "aurora-page": ["--rate", "0.2", "--burst", "40s:8", "--public", "1"],
    "marlin-chat": ["--rate", "0.25", "--public", "0"],
    "marlin-page": ["--rate", "0.25", "--public", "1"],
}
WHERE = "where"  # not for people: which site's node the screen asks, for it answers
VERBS = ("cut", "mend", "kill", "start", "restart", "freeze", "thaw", "stop")


class Follower:
    """The lines that a file got since it was last looked at."""

    def __init__(self, path):
        self.path, self.at, self.rest = path, 0, b""

    def lines(self):
        try:
            with open(self.path, "rb") as file:
                file.seek(self.at)
                data = file.read()
        except OSError:
            return []
        self.at += len(data)
        *whole, self.rest = (self.rest + data).split(b"\n")
        return whole


def median(values):
    return sorted(values)[len(values) // 2] if values else 0


class CustomersView:
    """From the files of `crossfloor customers`: its replies and its receipts."""

    def __init__(self, replies, receipts):
        self.replies = [Follower(path) for path in replies]
        self.receipts = [Follower(path) for path in receipts]
        self.brands = {brand: {"written": set(), "replies": 0, "waits": []}
                       for brand in cast.BRANDS}
        self.last = None

    def look(self):
        for file in self.receipts:
            for line in file.lines():
                with contextlib.suppress(ValueError, KeyError):
                    receipt = json.loads(line)
                    brand = self.brands[cast.account(receipt["account"]).brand]
                    brand["written"].add((receipt["account"], receipt["external_id"]))
        for file in self.replies:
            for line in file.lines():
                with contextlib.suppress(ValueError, KeyError):
                    self.last = json.loads(line)
                    brand = self.brands[cast.account(self.last["account"]).brand]
                    brand["replies"] += 1
                    if "waited_ms" in self.last:
                        brand["waits"] = (brand["waits"] + [self.last["waited_ms"]])[-500:]
        return {"brands": {name: {"written": len(brand["written"]), "replies": brand["replies"],
                                  "median_ms": median(brand["waits"])}
                           for name, brand in self.brands.items()},
                "last": self.last}


class Demo:
    def __init__(self):
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        names = [one.name for one in cast.ACCOUNTS]
        self.ports = dict(zip(names, free_ports(len(names))))
        self.mesh = Mesh(FOLDER, lambda account: self.ports[account.name])
        self.looker = Looker(self.mesh)
        self.guests = cast.guests()
        self.helpers = []  # processes of agents and customers
        self.events = []
        self.complaints = set()
        self.began = time.monotonic()
        self.over = asyncio.Event()
        self.fault = None
        self.ended = set()

    def tell(self, what):
        self.events.append((time.strftime("%H:%M:%S"), what))
        del self.events[:-50]

    # ---- beginning -----------------------------------------------------------------------

    async def open(self):
        print("making keys, certificates and configs of three sites", flush=True)
        await self.mesh.found()
        await self.mesh.lay_cables()
        print("starting three nodes", flush=True)
        await self.mesh.start_all()
        print("hiring agents", flush=True)
        crew = cast.crew()
        await self.mesh.employ(crew + self.guests)
        for one in self.guests:
            self.private(f"{one.name}.password", one.password + "\n")
        for site in self.mesh.sites.values():
            of_site = [one for one in crew if one.site == site.name]
            self.private(f"{site.name}-passwords.csv", cast.passwords_csv(of_site))
            self.helper(f"agents of {site.name}", f"{site.name}-agents.log",
                        "agent", "--auto", "--agents", self.mesh.folder / f"{site.name}-passwords.csv",
                        "--node", site.url, "--mean", "9s", "--reaction", "800ms", "--reply", REPLY)
        self.write_targets()
        # Each message goes to one host, and to the next only if that gives no receipt, as a careful
        # provider does it. Who writes to both sides of a cut at once is answered by both.
        for name, flood in FLOOD.items():
            self.helper(f"customers of {name}", f"{name}-customers.log",
                        "customers", "--targets", self.mesh.folder / "accounts.toml",
                        "--only", name, "--listen", f"127.0.0.1:{self.ports[name]}", *flood,
                        "--people", "300", "--quiet",
                        "--log", self.mesh.folder / f"{name}-replies.jsonl",
                        "--receipts", self.mesh.folder / f"{name}-receipts.jsonl")
        self.customers = CustomersView(
            [self.mesh.folder / f"{name}-replies.jsonl" for name in FLOOD],
            [self.mesh.folder / f"{name}-receipts.jsonl" for name in FLOOD])
        NOTE.write_text(json.dumps({
            "pid": os.getpid(),
            "sites": {site.name: {"data": str(site.data), "url": site.url}
                      for site in self.mesh.sites.values()}}))
        with contextlib.suppress(FileNotFoundError):
            SOCKET.unlink()
        self.server = await asyncio.start_unix_server(self.take_order, str(SOCKET))
        self.tell("the demo begins: Helsinki gets a wave of customers every 40 s")

    def helper(self, name, log, *words):
        self.helpers.append(Process(name, [CROSSFLOOR, *words], self.mesh.folder / log))

    def private(self, name, text):
        path = self.mesh.folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")

    def write_targets(self):
        """What `crossfloor customers` needs: accounts, their hosts, their secrets."""
        lines = []
        for one in cast.ACCOUNTS:
            # London last: its cables are those that the screen offers to pull.
            order = sorted(one.hosts, key=lambda host: (host != one.home, host == "london"))
            hosts = json.dumps([self.mesh[host].url for host in order])
            lines += ["[[account]]", f'account = "{one.name}"', f'brands = ["{one.name}"]',
                      f"hosts = {hosts}", f'secret = "{self.mesh.secrets[one.name]}"']
        self.private("accounts.toml", "\n".join(lines) + "\n")

    # ---- orders --------------------------------------------------------------------------

    async def take_order(self, reader, writer):
        with contextlib.suppress(OSError, ValueError, KeyError):
            order = json.loads(await asyncio.wait_for(reader.readline(), 5))
            try:
                said = {"said": await self.obey(order.get("site"), order["verb"])}
            except Failure as failure:
                said = {"failed": str(failure)}
            writer.write(json.dumps(said).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def obey(self, name, verb):
        if verb == WHERE:
            return self.looker.view.asked or cast.SITES[0]
        site = self.mesh[name]
        if verb in ("kill", "stop", "freeze") and not site.pid:
            raise Failure(f"{name} does not run; tools/demo --site {name} start")
        if verb == "cut":
            self.mesh.cables.set_cut(name, True)
            said = f"{name} is cut off from the other sites"
        elif verb == "mend":
            self.mesh.cables.set_cut(name, False)
            said = f"{name} is joined to the others again"
        elif verb == "kill":
            self.mesh.kill(name)
            said = f"{name} was killed with -9"
        elif verb == "freeze":
            self.mesh.freeze(name, True)
            said = f"{name} stands still (SIGSTOP)"
        elif verb == "thaw":
            self.mesh.freeze(name, False)
            said = f"{name} goes on (SIGCONT)"
        elif verb == "stop":
            await site.process.stop()
            said = f"{name} was stopped in good order (SIGTERM)"
        else:
            if verb == "restart" and site.pid:
                await site.process.stop()
            self.mesh.start(name)
            await self.mesh.wait_ready(name)
            said = f"{name} runs again, as process {site.pid}"
        self.ended.discard(name) if verb in ("start", "restart") else self.ended.add(name)
        self.tell(said)
        return said

    # ---- running -------------------------------------------------------------------------

    async def watch(self):
        """Looks once a second and shows what it sees."""
        on_screen = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        colour = on_screen and not os.environ.get("NO_COLOR")
        with screen.Terminal() if on_screen else contextlib.nullcontext() as terminal:
            looking = asyncio.ensure_future(self.look_for_ever())
            logged = 0.0
            try:
                while not self.over.is_set():
                    if looking.done():
                        looking.result()
                    view, now = self.looker.view, time.monotonic()
                    view.running = now - self.began
                    view.events = self.events
                    clock = time.strftime("%H:%M:%S")
                    if on_screen:
                        terminal.draw(screen.render(view, *terminal.size(), colour, clock, now))
                    elif now - logged >= LOG_EVERY:
                        logged = now
                        print(screen.log_line(view, clock), flush=True)
                    with contextlib.suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(self.over.wait(), 1.0)
            finally:
                looking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await looking

    async def look_for_ever(self):
        while True:
            began = time.monotonic()
            await self.looker.look()
            view = self.looker.view
            view.customers = self.customers.look()
            self.notice()
            await asyncio.sleep(max(0.2, 1.0 - (time.monotonic() - began)))

    def notice(self):
        """What happened without an order is an event, too."""
        for name, one in self.looker.view.sites.items():
            if one.state == "down" and name not in self.ended:
                self.ended.add(name)
                self.tell(f"{name} is down; tools/demo --site {name} start brings it back")
        for process in self.helpers:
            if process.pid is None and process.name not in self.ended:
                self.ended.add(process.name)
                self.tell(f"the process '{process.name}' ended: see {process.log}")
                if not sys.stdout.isatty():
                    print(f"{process.name} ended:\n{tail(process.log, 10)}", flush=True)

    async def run(self):
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.over.set)
        try:
            opening = asyncio.ensure_future(self.open())
            ending = asyncio.ensure_future(self.over.wait())
            await asyncio.wait([opening, ending], return_when=asyncio.FIRST_COMPLETED)
            if opening.done():
                opening.result()
                await self.watch()
            else:
                opening.cancel()
            ending.cancel()
        finally:
            print("ending all processes", flush=True)
            await asyncio.gather(*(one.stop(within=2.0) for one in self.helpers), return_exceptions=True)
            await self.mesh.stop_all()
            with contextlib.suppress(FileNotFoundError):
                SOCKET.unlink()
        print(f"data, receipts and logs are kept in {FOLDER} until the next demo")


def is_running():
    import socket
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(SOCKET))
            return True
        except OSError:
            return False


def main():
    os.chdir(ROOT)
    if is_running():
        print("tools/demo: the demo runs already in another terminal", file=sys.stderr)
        return 1
    demo = None

    async def play():
        nonlocal demo
        demo = Demo()
        await demo.run()

    try:
        asyncio.run(play())
    except Failure as failure:
        print(f"tools/demo: {failure}\nlogs are in {FOLDER}", file=sys.stderr)
        return 1
    return 0


# ---- from other terminals -------------------------------------------------------------------


def note():
    try:
        return json.loads(NOTE.read_text())
    except (OSError, ValueError):
        return None


def not_running():
    print("tools/demo: the demo does not run; start it with tools/demo", file=sys.stderr)
    return 1


async def ask_demo(**order_words):
    reader, writer = await asyncio.open_unix_connection(str(SOCKET))
    writer.write(json.dumps(order_words).encode() + b"\n")
    await writer.drain()
    answer = json.loads(await asyncio.wait_for(reader.readline(), 60))
    writer.close()
    return answer


def order(site, verb):
    os.chdir(ROOT)
    if not is_running():
        return not_running()
    answer = asyncio.run(ask_demo(site=site, verb=verb))
    if "failed" in answer:
        print(f"tools/demo: {answer['failed']}", file=sys.stderr)
        return 1
    print(answer["said"])
    return 0


def join(site):
    """Becomes `crossfloor agent` as that site's guest."""
    os.chdir(ROOT)
    about = note() if is_running() else None
    if about is None:
        return not_running()
    password = FOLDER / f"guest-{site}.password"
    words = [CROSSFLOOR, "agent", "--as", f"guest-{site}", "--node", about["sites"][site]["url"],
             "--password-file", str(password)]
    print("$ " + " ".join(words) + f"\n(the password is {password.read_text().strip()})",
          flush=True)
    os.execv(CROSSFLOOR, words)
    return 1


def look(words, site):
    """Becomes `crossfloor WORDS` at that site's node; without one, at the node that the screen asks.
    """
    os.chdir(ROOT)
    about = note() if is_running() else None
    if about is None:
        return not_running()
    site = site or asyncio.run(ask_demo(verb=WHERE))["said"]
    words = [CROSSFLOOR, *words, "--data", about["sites"][site]["data"]]
    print("$ " + " ".join(words), file=sys.stderr, flush=True)
    os.execv(CROSSFLOOR, words)
    return 1
