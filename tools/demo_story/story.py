"""tools/demo --once: a bounded story over three real nodes, and whether each promise held.

Mira wrote to Helsinki's chat yesterday. Today Helsinki drowns, and she writes on its public page.
An agent of another site answers, and what he quotes shows that he saw both. Meanwhile each message
is delivered to two hosts at the same instant, some of the customers' side's answers to replies get
lost, Helsinki is killed with -9 and Warsaw stands still for 20 s. In the end everything that was
asked has exactly one answer, given where it was asked, and every receipt is proved.

Waiting is always for a condition, with a deadline; the one fixed time is how long Warsaw is frozen.
"""

import asyncio
import contextlib
import pathlib
import random
import shutil
import sys
import tempfile
import time
import traceback

import cast
from channel import Customers, tags_in, until
from mesh import Failure, Mesh, Process, CROSSFLOOR, free_ports, tail

# What the agents answer: the parts are cut out again at the customers' side.
REPLY = "You asked: {seen} || Before that you wrote: {earlier} || {agent} at {site}"
FREEZE = 20.0          # seconds
RATE = 6.0             # customers' messages per second while Helsinki drowns
HANDLING = "1200ms"    # mean time that an agent works on one case
LOSE_EVERY = 20        # of the answers to replies
PATIENCE = 60.0        # seconds: what takes one on a machine of its own, on one that is busy

REGULARS = ("mira", "noor", "otto")  # who wrote yesterday


def asked_part(text):
    return text.split("||")[0]


def earlier_part(text):
    parts = text.split("||")
    return parts[1] if len(parts) > 1 else ""


class Promise:
    def __init__(self, what):
        self.what, self.seen, self.held = what, "not reached", False

    def judge(self, held, seen):
        self.held, self.seen = bool(held), seen


class Story:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        [self.callback_port] = free_ports(1)
        self.mesh = Mesh(self.folder, lambda account: self.callback_port)
        self.receipts = self.folder / "receipts.jsonl"
        self.customers = Customers(self.mesh, self.receipts, asked_part, LOSE_EVERY)
        self.agents = []           # processes
        self.random = random.Random(20)
        self.count = 0
        self.flooding = False
        self.flood = None
        self.began = time.monotonic()
        self.promises = {}
        for key, what in (
                ("history", "one history over channels and sites"),
                ("overflow", "overflow goes to free agents elsewhere"),
                ("once", "delivered to two hosts, stored once"),
                ("kill", "kill -9 of Helsinki: the others go on"),
                ("freeze", "Warsaw stands still: the others go on"),
                ("answered", "nothing stays unanswered"),
                ("twice", "nothing is answered twice"),
                ("channel", "replies go where it was asked"),
                ("resent", "an unknown reply is sent again, taken once"),
                ("verify", "receipts proved, all copies agree")):
            self.promises[key] = Promise(what)

    def say(self, what):
        print(f"{time.monotonic() - self.began:6.1f} s  {what}", flush=True)

    # ---- the parts -----------------------------------------------------------------------

    async def open_sites(self):
        self.say("three sites: keys, certificates, configs")
        await self.mesh.found()
        await self.mesh.lay_cables()
        await self.mesh.start_all()
        self.say("joined over encrypted links; agents are imported and log in")
        crew = cast.crew()
        await self.mesh.employ(crew)
        await self.customers.listen(self.callback_port)
        for site in self.mesh.sites.values():
            passwords = self.folder / f"{site.name}-passwords.csv"
            passwords.write_text(
                cast.passwords_csv([one for one in crew if one.site == site.name]))
            passwords.chmod(0o600)
            self.agents.append(Process(
                f"agents of {site.name}",
                [CROSSFLOOR, "agent", "--auto", "--agents", passwords, "--node", site.url,
                 "--mean", HANDLING, "--reaction", "100ms", "--reply", REPLY],
                self.folder / f"{site.name}-agents.log"))

        async def all_ready():
            rows = (await self.mesh.ask("london", "agents"))["rows"]
            return sum(row["presence"] == "ready" for row in rows) == len(crew)

        await until(f"all {len(crew)} agents are ready", all_ready, PATIENCE)
        self.say(f"{len(crew)} agents are ready")

    async def yesterday(self):
        chat = cast.account("aurora-chat")
        asked = [self.customers.write(chat, f"yesterday-{name}", f"{name}-in-chat",
                                      f"I ordered a lamp, {name} is my name.", ref=f"crm-{name}")
                 for name in REGULARS]
        await until("yesterday's chats are answered", lambda: all(a.answers for a in asked),
                    PATIENCE)

        async def all_closed():
            return not (await self.mesh.ask("helsinki", "conversations"))["rows"]

        await until("yesterday's chats are closed", all_closed, PATIENCE)
        who = {self.customers.replies[a.answers[0]].get("signature", "?") for a in asked}
        self.say(f"yesterday: {len(asked)} chats with Helsinki, answered by "
                 f"{' and '.join(sorted(who))}, closed")

    def one_more(self, account):
        self.count += 1
        customer = f"customer-{self.count}"
        public = account.kind == "social"
        return self.customers.write(
            account, f"q-{self.count}", customer, "My train stands still, what now?",
            public=public, thread=f"thread-{self.count}" if public else "")

    async def drown(self):
        """Most of what comes is for Helsinki's accounts, a little for Warsaw's and London's."""
        accounts = ([cast.account("aurora-chat")] * 5 + [cast.account("aurora-page")] * 3
                    + [cast.account("marlin-chat"), cast.account("marlin-page")])
        while self.flooding:
            self.one_more(self.random.choice(accounts))
            await asyncio.sleep(self.random.expovariate(RATE))

    def answered_by_others(self):
        return [reply for reply in self.customers.replies.values()
                if cast.account(reply["account"]).home == "helsinki"
                and not reply.get("signature", "").endswith("Helsinki")]

    async def overflow(self):
        self.say("Helsinki drowns")
        for _ in range(24):
            self.one_more(cast.account("aurora-chat"))
        for _ in range(8):
            self.one_more(cast.account("aurora-page"))
        self.flooding = True
        self.flood = asyncio.ensure_future(self.drown())
        page = cast.account("aurora-page")
        public = [self.customers.write(page, f"today-{name}", f"{name}-in-public",
                                       "Nobody tells me when my lamp comes!", ref=f"crm-{name}",
                                       public=True, thread=f"post-of-{name}")
                  for name in REGULARS]
        await until("other sites answer Helsinki's customers",
                    lambda: len(self.answered_by_others()) >= 5, PATIENCE)
        await until("the public posts of yesterday's customers are answered",
                    lambda: all(a.answers for a in public), PATIENCE)
        self.judge_history(public)

    def judge_history(self, public):
        elsewhere, blind = [], []
        for name, asked in zip(REGULARS, public):
            reply = self.customers.replies[asked.answers[0]]
            if f"yesterday-{name}" not in tags_in(earlier_part(reply["text"])):
                blind.append(f"{name} was answered by {reply.get('signature')} without the chat")
            elif not reply.get("signature", "").endswith("Helsinki"):
                elsewhere.append(reply["signature"])
        if blind or not elsewhere:
            seen = "; ".join(blind) or "no other site's agent answered any of them"
        else:
            seen = f"{elsewhere[0]} quoted yesterday's chat and today's post"
        self.promises["history"].judge(elsewhere and not blind, seen)
        self.say(seen)

    async def kill_one(self):
        self.mesh.kill("helsinki")
        killed = time.monotonic()
        self.say("Helsinki is killed with -9; messages keep coming")

        def new_ones_answered():
            return any(a.at > killed and a.answers and cast.account(a.account).home == "helsinki"
                       for a in self.customers.asked.values())

        await until("somebody else answers what Helsinki's customers ask now", new_ones_answered,
                    PATIENCE)
        after = time.monotonic() - killed
        self.mesh.start("helsinki")
        await self.mesh.wait_ready("helsinki", PATIENCE)
        back = time.monotonic() - killed
        self.promises["kill"].judge(
            True, f"new customers answered after {after:.1f} s, back after {back:.1f} s")
        self.say(f"its new customers were answered elsewhere after {after:.1f} s; it is back")

    async def freeze_one(self):
        self.mesh.freeze("warsaw", True)
        frozen = time.monotonic()
        self.say(f"Warsaw stands still for {FREEZE:.0f} s")
        await asyncio.sleep(FREEZE)
        self.mesh.freeze("warsaw", False)
        answers = sum(reply["at"] > frozen + 1 for reply in self.customers.replies.values())
        self.promises["freeze"].judge(answers > 0, f"{answers} replies in these {FREEZE:.0f} s")
        self.say(f"Warsaw goes on; {answers} replies were taken meanwhile")

    async def settle(self):
        self.flooding = False
        await self.flood
        self.say("nobody writes any more")
        await self.customers.delivered()  # each gives up by itself and is told below
        with contextlib.suppress(Failure):  # judged below
            await until("everything is answered", lambda: not self.customers.unanswered(),
                        PATIENCE)

        async def sent():
            return not (await self.mesh.ask("london", "outbox"))["rows"]

        with contextlib.suppress(Failure):
            await until("no reply is on its way", sent, PATIENCE)
        try:
            await self.mesh.run("wait", "settled", "--timeout", f"{PATIENCE:.0f}s", "--data",
                                self.mesh["london"].data, within=PATIENCE + 5)
            self.say("settled")
        except Failure as failure:  # what is missing is told with the promises
            self.say(f"not settled: {str(failure).splitlines()[-1]}")

    # ---- the judgement -------------------------------------------------------------------

    async def judge(self):
        asked, replies = self.customers.asked.values(), self.customers.replies
        others = self.answered_by_others()
        to_helsinki = [r for r in replies.values()
                       if cast.account(r["account"]).home == "helsinki"]
        self.promises["overflow"].judge(
            others, f"{len(others)} of {len(to_helsinki)} of Helsinki's by Warsaw and London")

        apart = [a for a in asked if len({r["message_id"] for r in a.receipts}) != 1
                 or {r["node"] for r in a.receipts} != set(cast.account(a.account).hosts[:2])]
        ids = {r["message_id"] for a in asked for r in a.receipts}
        receipts = sum(len(a.receipts) for a in asked)
        self.promises["once"].judge(
            not apart and len(ids) == len(asked),
            f"{receipts} receipts for {len(asked)} messages, {len(ids)} ids"
            + named(apart, lambda a: a.external_id))

        unanswered = self.customers.unanswered()
        self.promises["answered"].judge(
            not unanswered, f"{len(asked) - len(unanswered)} of {len(asked)} answered"
            + named(unanswered, lambda a: a.external_id))

        twice = [a for a in asked if len(a.answers) > 1]
        status = await self.mesh.ask("london", "status")
        counted = sum(row.get("handled_twice", 0) for row in status["rows"])
        self.promises["twice"].judge(
            not twice and not counted, f"{len(twice)} at the customers' side, {counted} in status"
            + named(twice, lambda a: a.external_id))

        wrong = self.customers.wrong
        self.promises["channel"].judge(
            not wrong, f"{len(replies)} replies: account, customer, thread, public or private"
            + named(wrong, str))

        missing = self.customers.lost - self.customers.repeated
        self.promises["resent"].judge(
            self.customers.lost and not missing,
            f"{len(self.customers.lost)} answers lost, {len(self.customers.lost - missing)} resent"
            + named(sorted(missing), str))
        await self.verify()

    async def verify(self):
        try:
            out = await self.mesh.run("verify", "--receipts", self.receipts, "--data",
                                      self.mesh["london"].data, within=60)
            lines = [line for line in out.splitlines() if line.strip()]
            self.promises["verify"].judge(True, lines[-1].strip() if lines else "holds")
            (self.folder / "verify.txt").write_text(out)
        except Failure as failure:
            (self.folder / "verify.txt").write_text(str(failure))
            self.promises["verify"].judge(False, str(failure).splitlines()[-1])

    def table(self):
        width = max(len(one.what) for one in self.promises.values())
        print(f"\n{'promise':{width}}  held  seen")
        for one in self.promises.values():
            print(f"{one.what:{width}}  {'yes ' if one.held else 'NO  '}  {one.seen}")
        print(flush=True)

    async def close(self):
        await asyncio.gather(*(one.stop() for one in self.agents))
        await self.customers.close()
        await self.mesh.stop_all()

    async def play(self):
        for part in (self.open_sites, self.yesterday, self.overflow, self.kill_one,
                     self.freeze_one, self.settle, self.judge):
            await part()


def named(wrong, name, most=3):
    """" (a, b and 4 more)", or nothing if there are none."""
    if not wrong:
        return ""
    more = f" and {len(wrong) - most} more" if len(wrong) > most else ""
    return f" ({', '.join(name(one) for one in list(wrong)[:most])}{more})"


async def tell(folder):
    """True if every promise held."""
    story = Story(folder)
    failure = None
    try:
        await story.play()
    except (Failure, OSError, asyncio.TimeoutError) as error:
        failure = str(error) or repr(error)
    except Exception:  # pylint: disable=broad-except
        failure = traceback.format_exc()
    finally:
        if story.flood:
            story.flood.cancel()
        with contextlib.suppress(Exception):
            await story.close()
    story.table()
    if failure:
        print(f"the story broke off: {failure}\n", file=sys.stderr)
    return failure is None and all(one.held for one in story.promises.values()), story


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="crossfloor-story-"))
    began = time.monotonic()
    held = False
    try:
        held, story = asyncio.run(tell(folder))
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        print("\ntools/demo: ended by Ctrl-C before anything was judged", file=sys.stderr)
        return 130
    finally:
        if held:
            shutil.rmtree(folder, ignore_errors=True)
    if held:
        print(f"every promise held, in {time.monotonic() - began:.0f} s")
        return 0
    broken = [one.what for one in story.promises.values() if not one.held]
    print(f"NOT held: {'; '.join(broken) or 'the story broke off'}\n", file=sys.stderr)
    for site in story.mesh.sites.values():
        print(f"--- the last lines of {site.log}\n{tail(site.log, 12)}", file=sys.stderr)
    print(f"\neverything is kept in {folder}: *.log of nodes and agents, receipts.jsonl, verify.txt,"
          f"\nand the nodes' data, to be started again with crossfloord --config {folder}/SITE.toml",
          file=sys.stderr)
    return 1
