#!/usr/bin/env python3
"""Recorded messages played into three nodes: each is stored once everywhere, answers stand with
what they answer, and scripted agents can give the recorded answers themselves.

    tests/system/replay_test.py                     the made-up recording beside this file
    tests/system/replay_test.py FILE.csv            one of yours, columns as in the public set
    tests/system/replay_test.py FILE.csv PRESET     "customer support on Twitter" (docs/replay.md)

With a file of yours the figures are printed, too.
"""

import collections
import csv
import http.server
import json
import pathlib
import re
import subprocess
import sys
import threading
import time

from crossfloor_testing import CROSSFLOOR, SECRET_TEXT, Account, Mesh, main, wait_for

SITES = ("helsinki", "warsaw", "london")
MADE_UP = pathlib.Path(__file__).resolve().parent / "recording.csv"
FILE = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else MADE_UP
PRESET = sys.argv[2] if len(sys.argv) > 2 else "customer-support-on-twitter"
PATIENCE = 60 + FILE.stat().st_size / 2_000  # seconds: a large recording takes its time
MOST_BRANDS = 24  # of one agent


def tell(what):
    if FILE != MADE_UP:
        print(f"       {what}", flush=True)


def crossfloor(*words, good=(0,)):
    done = subprocess.run([CROSSFLOOR, *map(str, words)], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode in good, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout


def plain_id(cell):
    return re.sub(r"\.0+$", "", cell)


def account_name(brand):
    return re.sub(r"[^a-z0-9]+", "-", brand.lower()).strip("-")


class Recording:
    """The table, read by the csv module: what the nodes hold is compared with this."""

    def __init__(self):
        with open(FILE, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        # What one damage breaks into several is one damaged row.
        whole = [len(row) == len(rows[0]) for row in rows]
        self.damaged = sum(before and not now for before, now in zip(whole, whole[1:]))
        self.rows = {row["tweet_id"]: row for row in (
            dict(zip(rows[0], row)) for row, good in zip(rows[1:], whole[1:]) if good)}
        self.brands = sorted(row["brand"] for row in json.loads(
            crossfloor("replay", FILE, "--preset", PRESET, "--brands", "--json")))

    def inbound(self, external_id):
        return self.rows[external_id]["inbound"] == "True"

    def parent(self, external_id):
        return plain_id(self.rows[external_id]["in_response_to_tweet_id"])

    def customer(self, external_id):
        """Who wrote it or, of an answer, to whom it went: the nearest customer above it, else whom
        it names; "" if nobody can tell."""
        above, seen = external_id, set()
        while above in self.rows and above not in seen:
            if self.inbound(above):
                return self.rows[above]["author_id"]
            seen.add(above)
            above = self.parent(above)
        brands = {brand.lower() for brand in self.brands}
        for name in re.findall(r"@(\w+)", self.rows[external_id]["text"]):
            return "" if name.lower() in brands else name
        return ""


class Platform:
    """Takes the replies, each once, and gives it an id of its own."""

    def __init__(self, port):
        self.replies = {}
        platform = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                reply = json.loads(self.rfile.read(int(self.headers["content-length"])))
                account = self.path.rsplit("/", 1)[-1]
                known = reply["reply_id"] in platform.replies
                platform.replies.setdefault(reply["reply_id"], (account, reply))
                body = json.dumps({"external_id": "sent-" + reply["reply_id"]}).encode()
                self.send_response(409 if known else 200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Floor:
    """Three sites that share a recording's brands, each the first host of every third."""

    def __init__(self, recording):
        self.recording = recording
        accounts = []
        for i, brand in enumerate(recording.brands):
            hosts = tuple(SITES[(i + k) % len(SITES)] for k in range(len(SITES)))
            name = account_name(brand)
            accounts.append(Account(name, name, "social", hosts, 'pull_margin = "1s"'))
        self.mesh = Mesh(SITES, accounts=accounts)
        self.brand_of = {account_name(brand): brand for brand in recording.brands}
        self.targets = self.mesh.folder / "accounts.toml"
        self.targets.touch(mode=0o600)
        self.receipts_file = self.mesh.folder / "receipts.jsonl"

    def __enter__(self):
        self.mesh.start_all().wait_joined()
        urls = {node.name: f"http://127.0.0.1:{node.http_port}" for node in self.nodes}
        self.targets.write_text("".join(
            f'[[account]]\naccount = "{one.name}"\nbrands = ["{self.brand_of[one.name]}"]\n'
            f'hosts = {json.dumps([urls[host] for host in one.hosts])}\n'
            f'secret = "{SECRET_TEXT}"\n' for one in self.mesh.accounts))
        return self

    def __exit__(self, *what):
        return self.mesh.__exit__(*what)

    @property
    def nodes(self):
        return list(self.mesh.nodes.values())

    def play(self, *more):
        """Each message one to three times, to several hosts, out of order."""
        report = json.loads(crossfloor(
            "replay", FILE, "--preset", PRESET, "--targets", self.targets, "--fast",
            "--deliveries", "1-3", "--shuffle", 20, "--seed", 11, "--receipts", self.receipts_file,
            *more, "--json", good=(0, 1)))
        tell(f"{report['accepted']} messages accepted in {report['deliveries']} deliveries, "
             f"{report['per_second']:.0f} a second; refused: {report['refused_for']}")
        assert report["refused"] == self.recording.damaged, report
        assert report["given_up"] == 0 and not report["contradictions"], report
        return report

    def receipts(self):
        """{external id: its account}, {external id: its message id}"""
        lines = list(map(json.loads, self.receipts_file.read_text().splitlines()))
        return ({line["external_id"]: line["account"] for line in lines},
                {line["external_id"]: line["message_id"] for line in lines})

    def settle(self):
        for node in self.nodes:
            node.cli("wait", "settled", "--timeout", f"{PATIENCE:.0f}s", within=PATIENCE + 10)
            wait_for(f"{node.name} has placed everything",
                     lambda node=node: node.metric("crossfloor_unplaced") == 0, PATIENCE)

    def prove(self):
        node = self.nodes[-1]
        said = node.cli("verify", "--receipts", self.receipts_file, within=PATIENCE)
        assert "holds" in said, said
        tell("verify --receipts: " + said.strip().splitlines()[-1])


class Histories:
    """What one node holds of all customers, as `crossfloor customer` tells it, and of messages that
    name no customer: those are conversations of their own, named after the message."""

    def __init__(self, node, handles, nameless):
        self.handles = collections.defaultdict(set)        # (account, customer): conversations
        self.heads = {}                                    # conversation: its first line
        self.lines = collections.defaultdict(list)         # conversation: rows
        self.places = collections.defaultdict(list)        # (account, external id): conversations
        for account, customer in handles:
            before = {}
            while True:
                told = node.ask("customer", handle=f"{account}:{customer}", limit=100, local=True,
                                **before)
                for row in told["rows"]:
                    self._take(node, account, customer, row)
                if "next" not in told:
                    break
                before = {"before": told["next"]}
        for message in nameless:
            told = node.ask("conversation", id=message, local=True, good=(200, 404))
            if "conversation" in told:
                head = told["conversation"]
                self._take(node, head["account"], "", {**head, "timeline": told["rows"]})

    def _take(self, node, account, customer, row):
        conversation = row["conversation"]
        rows = row["timeline"]
        if row.get("more"):
            told = node.ask("conversation", id=conversation, local=True)
            rows = told["rows"]
            while "next" in told:
                told = node.ask("conversation", id=conversation, after=told["next"], local=True)
                rows += told["rows"]
        self.handles[account, customer].add(conversation)
        self.heads[conversation] = row
        self.lines[conversation] = rows
        for line in rows:
            if line["what"] in ("customer", "answered elsewhere"):
                self.places[line["account"], line["external_id"]].append(conversation)


def read_back(floor):
    """The histories of all customers at each node; every message stands once in each."""
    recording, (receipts, ids) = floor.recording, floor.receipts()
    whose = {one: recording.customer(one) for one in receipts}
    handles = sorted({(receipts[one], who) for one, who in whose.items() if who})
    nameless = [ids[one] for one, who in whose.items() if not who]
    began, out = time.monotonic(), []
    for node in floor.nodes:
        histories = Histories(node, handles, nameless)
        missing = [one for one in receipts if (receipts[one], one) not in histories.places]
        assert not missing, (node.name, len(missing), missing[:10])
        twice = [one for one, where in histories.places.items() if len(where) != 1]
        assert not twice, (node.name, len(twice), twice[:10])
        assert len(histories.places) == len(receipts), (node.name, len(histories.places))
        out.append(histories)
    for other in out[1:]:
        assert other.places == out[0].places and other.handles == out[0].handles
    tell(f"{len(receipts)} messages of {len(handles)} customers' histories, each once at each of "
         f"{len(out)} nodes; {3 * len(handles)} histories read in {time.monotonic() - began:.1f} s")
    return receipts, out[0]


def one_history_for_each_brand(receipts, recording, histories):
    brands_of = collections.defaultdict(set)
    for one, account in receipts.items():
        brands_of[recording.customer(one)].add(account)
    several = {who: brands for who, brands in brands_of.items() if who and len(brands) > 1}
    conversations = collections.defaultdict(set)
    for (account, customer), held in histories.handles.items():
        for conversation in held:
            conversations[conversation].add((account, customer))
            assert histories.heads[conversation]["account"] == account
    shared = [one for one, owners in conversations.items() if len(owners) != 1]
    assert not shared, shared[:5]
    tell(f"{len(several)} customers of more than one brand, each with a history for each")
    return several


def chained(receipts, recording, histories):
    """Of one customer and brand, what answers stands in the conversation of what it answers."""
    place = {one: histories.places[account, one][0] for one, account in receipts.items()}
    links, apart = 0, []
    for one, account in receipts.items():
        parent = recording.parent(one)
        if receipts.get(parent) != account:
            continue
        if recording.customer(one) == recording.customer(parent) != "":
            links += 1
            if place[one] != place[parent]:
                apart.append((one, parent))
    assert not apart, (len(apart), apart[:10])
    tell(f"{links} messages stand in the conversation of the one that they answer")
    return place


def what_was_recorded_is_stored_once_and_chained_at_every_node():
    recording = Recording()
    with Floor(recording) as floor:
        report = floor.play()
        assert report["accepted"] >= len(recording.rows), report
        assert report["duplicates"] > 0, report
        floor.settle()
        receipts, histories = read_back(floor)
        assert set(receipts) == set(recording.rows)
        several = one_history_for_each_brand(receipts, recording, histories)
        place = chained(receipts, recording, histories)
        # What the recording answers is answered, also if the answer came first.
        answered = {(place[one], recording.parent(one)) for one in receipts
                    if not recording.inbound(one)}
        vague = {place[one] for one in receipts if not recording.inbound(one)
                 and recording.parent(one) not in recording.rows}  # answers all before it
        open_ones = collections.Counter(
            place[one] for one in receipts
            if recording.inbound(one) and (place[one], one) not in answered)
        wrong = [(one, head["unanswered"], open_ones[one])
                 for one, head in histories.heads.items()
                 if one not in vague and head["unanswered"] != open_ones[one]]
        assert not wrong, (len(wrong), wrong[:10])
        tell(f"{sum(open_ones.values())} messages that nobody answered wait for an agent")
        if FILE == MADE_UP:
            assert several == {"9001": {"lumen-care", "ferrowrail"}}, several
            assert sum(head["unanswered"] for head in histories.heads.values()) == 3
        floor.prove()


def scripted_agents_give_the_recorded_answers():
    recording = Recording()
    with Floor(recording) as floor:
        platform = Platform(floor.mesh.callback_port)
        answers_file = floor.mesh.folder / "answers.csv"
        crossfloor("replay", FILE, "--preset", PRESET, "--answers", answers_file)
        with open(answers_file, encoding="utf-8", newline="") as file:
            answers = [tuple(row) for row in csv.reader(file)][1:]
        floor.play("--only", "in")
        began = time.monotonic()
        crews = [hire(floor, node, answers_file) for node in floor.nodes]
        try:
            floor.nodes[0].cli("wait", "waiting", 0, "--timeout", f"{PATIENCE:.0f}s",
                               within=PATIENCE + 10)
            floor.settle()
            wait_for("no conversation is open", lambda: not floor.nodes[0].ask(
                "conversations")["rows"], PATIENCE)
            wait_for("no reply is on its way", lambda: not floor.nodes[0].ask("outbox")["rows"],
                     PATIENCE)
        finally:
            for crew in crews:
                crew.terminate()
            for crew in crews:
                crew.wait(30)
            platform.close()
        took = time.monotonic() - began
        receipts, histories = read_back(floor)
        one_history_for_each_brand(receipts, recording, histories)
        chained(receipts, recording, histories)
        told = sorted((reply["parent_id"], reply["text"]) for _, reply in
                      platform.replies.values())
        wanted = sorted(answers)
        lacking = collections.Counter(wanted) - collections.Counter(told)
        beyond = collections.Counter(told) - collections.Counter(wanted)
        assert not lacking and not beyond, (len(lacking), list(lacking)[:5],
                                            len(beyond), list(beyond)[:5])
        for account, reply in platform.replies.values():
            parent = reply["parent_id"]
            assert account == receipts[parent], (account, reply)
            assert reply["to"] == recording.customer(parent), reply
        tell(f"{len(told)} recorded answers given by agents of three sites in {took:.0f} s, each "
             "once, to the message that it answers")
        floor.settle()
        floor.prove()


def hire(floor, node, answers_file):
    """Agents for all brands at one node, in groups of as many brands as one may have."""
    folder = floor.mesh.folder
    brands = [one.name for one in floor.mesh.accounts]
    groups = [brands[at:at + MOST_BRANDS] for at in range(0, len(brands), MOST_BRANDS)]
    crew = folder / f"{node.name}-agents.csv"
    crew.touch(mode=0o600)
    rows = [f"{node.name}-{g}-{i},{' '.join(group)},,social:6,password of {node.name}"
            for g, group in enumerate(groups) for i in range(1 if FILE == MADE_UP else 4)]
    crew.write_text("name,brands,languages,channels,password\n" + "\n".join(rows) + "\n")
    node.cli("agent", "import", crew, "--reason", "a test", within=120)
    log = open(folder / f"{node.name}-crew.log", "w", encoding="utf-8")
    return subprocess.Popen(
        [CROSSFLOOR, "agent", "--auto", "--agents", str(crew), "--replies", str(answers_file),
         "--no-reply", "--mean", "5ms", "--reaction", "5ms", "--node",
         f"http://127.0.0.1:{node.http_port}", "--json"], stdout=log, stderr=log)


if __name__ == "__main__":
    sys.argv = sys.argv[:1]
    main([
        what_was_recorded_is_stored_once_and_chained_at_every_node,
        scripted_agents_give_the_recorded_answers,
    ])
