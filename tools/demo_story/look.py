"""What the screen shows, asked from the nodes with the verbs that an operator would use:
`crossfloor status`, `agents`, `queue` and `links`, each with --json. Overflow is counted from
`agents`, which says for each conversation at work whose customer it is.
"""

import asyncio
import time
from dataclasses import dataclass, field

from mesh import Failure

MINUTE = 60.0
ASK_WITHIN = 8.0  # seconds; a node that stands still answers nobody
OLD = 10.0        # seconds; figures older than this are not shown


@dataclass
class SiteView:
    name: str
    state: str = "starting"   # up, down, frozen, cut off, not reached
    since: float = 0.0        # when it came into this state, by the demo's clock
    pid: int = 0
    told_by: str = ""         # which node told the figures; empty: nobody, lately
    told_at: float = 0.0      # by the demo's clock
    free: int = 0             # agents who can take more, who are full, and who are away
    busy: int = 0
    away: int = 0
    waiting: int = 0
    oldest_ms: int = 0
    target_ms: int = 0        # of the one who waits longest
    late: int = 0
    at_work: int = 0          # conversations with an agent
    lag: int = 0              # entries that others have and it has not
    links: dict = field(default_factory=dict)  # peer: up?


@dataclass
class View:
    sites: dict
    flows: dict = field(default_factory=dict)    # (customers of, answered by): in the last minute
    wrong: list = field(default_factory=list)    # of `status`, most urgent first
    events: list = field(default_factory=list)   # (time of day, what)
    customers: dict = field(default_factory=dict)
    asked: str = ""                              # which node was asked
    running: float = 0.0


def busyness(row):
    """free, busy or away, of a row of `crossfloor agents`."""
    if row["presence"] != "ready" or not row["connected"]:
        return "away"
    room = any(channel.get("free", 0) > 0 and channel["duty"] != "off"
               for channel in row["channels"])
    return "free" if room else "busy"


class Flows:
    """Who answered whose customers, in the last minute."""

    def __init__(self):
        self._seen = {}  # (conversation, customers of, answered by): when last seen at work

    def look(self, agents, now):
        for row in agents:
            for slot in row["slots"]:
                if slot["conversation"] and slot["state"] in ("busy", "wrapping_up", "wrapping-up"):
                    key = slot["conversation"], slot["home_site"], row["site"]
                    self._seen.setdefault(key, now)
        self._seen = {key: at for key, at in self._seen.items() if now - at < MINUTE}

    def counts(self):
        counts = {}
        for _, home, there in self._seen:
            counts[home, there] = counts.get((home, there), 0) + 1
        return counts


class Looker:
    def __init__(self, mesh):
        self.mesh = mesh
        self.flows = Flows()
        self.view = View({name: SiteView(name) for name in mesh.sites})

    def _state(self, site):
        if not site.pid:
            return "down"
        if site.frozen or stands_still(site.pid):
            return "frozen"
        if site.name in self.mesh.cables.cut:
            return "cut off"
        return "up"

    def _best_to_ask(self):
        """A node that is in the middle of things, else any."""
        order = sorted(self.view.sites.values(),
                       key=lambda one: (one.state != "up", one.state != "cut off"))
        return order[0].name if order[0].state in ("up", "cut off") else None

    async def look(self):
        now = time.monotonic()
        for name, one in self.view.sites.items():
            site = self.mesh[name]
            state, pid = self._state(site), site.pid or 0
            if (state, pid) != (one.state, one.pid):
                one.state, one.pid, one.since = state, pid, now
        best = self._best_to_ask()
        self.view.asked = best or ""
        told = set()
        if best is not None:
            # Who cannot be reached by the others goes on alone, and can still tell how it fares.
            alone = [one.name for one in self.view.sites.values()
                     if one.state == "cut off" and one.name != best]
            await asyncio.gather(self._ask(best, told, first=True),
                                 *(self._ask(name, told, first=False) for name in alone))
            await asyncio.gather(*(self._ask(one.name, told, first=False)
                                   for one in self.view.sites.values()
                                   if one.name not in told and one.state == "up"))
        for one in self.view.sites.values():
            gone = one.state in ("down", "frozen")
            if one.name not in told and (gone or now - one.told_at > OLD):
                one.told_by = ""
        self.view.flows = self.flows.counts()

    async def _ask(self, name, told, first):
        async def one(*words):
            try:
                return await self.mesh.ask(name, *words, within=ASK_WITHIN)
            except (Failure, ValueError):
                return {"rows": []}

        status, agents, links, queue = await asyncio.gather(
            one("status"), one("agents"), one("links"), one("queue"))
        if first:
            self.view.wrong = status.get("wrong", [])
        fresh = {row["site"]: row for row in status["rows"] if row["site"] not in told}
        told.update(fresh)
        for row in fresh.values():
            self._take_status(self.view.sites[row["site"]], row, name)
        for site in fresh:
            self._take_agents(self.view.sites[site],
                              [row for row in agents["rows"] if row["site"] == site])
            self._take_queue(self.view.sites[site],
                             [row for row in queue["rows"] if row["site"] == site])
        for row in links["rows"]:
            if row["site"] in fresh:
                self.view.sites[row["site"]].links[row["peer_site"]] = (
                    row["live_link"] and row["state"] == "alive")
        self.flows.look([row for row in agents["rows"] if row["site"] in fresh], time.monotonic())

    @staticmethod
    def _take_status(one, row, told_by):
        one.told_by, one.told_at = told_by, time.monotonic()
        one.waiting = row["waiting"] + row["ringing"] + row.get("not_placed", 0)
        one.late = row["late"]
        one.at_work = row["active"]
        one.lag = row["lag_entries"]

    @staticmethod
    def _take_agents(one, rows):
        one.free = one.busy = one.away = 0
        for row in rows:
            if row["agent"].startswith("guest-") and row["presence"] != "ready":
                continue
            kind = busyness(row)
            setattr(one, kind, getattr(one, kind) + 1)

    @staticmethod
    def _take_queue(one, rows):
        head = max(rows, key=lambda row: row["age_ms"] / max(1, row["target_ms"]), default=None)
        one.oldest_ms = head["age_ms"] if head else 0
        one.target_ms = head["target_ms"] if head else 0


def stands_still(pid):
    """Stopped by a signal (kill -STOP), by whomever."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] in ("T", "t")
    except OSError:
        return False

