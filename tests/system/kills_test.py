#!/usr/bin/env python3
"""Nodes killed at any moment under load: nothing acknowledged is lost, and every receipt holds."""

import http.client
import json
import os
import pathlib
import random
import re
import subprocess
import threading
import time

from crossfloor_testing import DEADLINE, Mesh, main, message, wait_for

CROSSFLOOR = os.environ.get("CROSSFLOOR", "build/bin/crossfloor")
KILLING = 25.0  # seconds
PROMISES = ["nodes", "copies", "chains", "lost", "forks", "rows", "replies", "receipts"]


class Customers(threading.Thread):
    """Writes to one host after the other, and sends again what was not acknowledged."""

    def __init__(self, mesh, number, receipts, lock):
        super().__init__(daemon=True)
        self.mesh = mesh
        self.number = number
        self.receipts = receipts
        self.lock = lock
        self.enough = threading.Event()
        self.tries = 0

    def run(self):
        luck = random.Random(self.number)
        names = list(self.mesh.nodes)
        written = 0
        while not self.enough.is_set():
            external_id = f"m-{self.number}-{written}"
            content = message(external_id, customer={"external_id": f"u-{luck.randrange(20)}"})
            while not self.enough.is_set():
                self.tries += 1
                node = self.mesh[luck.choice(names)]
                try:
                    answer = node.intake(content)
                except (OSError, http.client.HTTPException):
                    self.enough.wait(0.02)  # it is dead; another may live
                    continue
                if answer.status in (200, 201):
                    line = {"account": "acme-chat", "external_id": external_id, **answer.json}
                    with self.lock:
                        self.receipts.append(line)
                    break
            written += 1


def nodes_killed_at_random_moments_lose_nothing_acknowledged():
    seed = int(os.environ.get("CROSSFLOOR_SEED", random.randrange(1 << 32)))
    print(f"CROSSFLOOR_SEED={seed}", flush=True)
    luck = random.Random(seed)
    with Mesh(["helsinki", "warsaw", "porto"]) as mesh:
        mesh.start_all().wait_joined()
        receipts, lock = [], threading.Lock()
        customers = [Customers(mesh, number, receipts, lock) for number in range(4)]
        for one in customers:
            one.start()
        kills, clean_ends = 0, 0
        end = time.monotonic() + KILLING
        # A busy machine starts nodes slowly: it gets more time, but not for ever.
        while time.monotonic() < end or kills < 5 and time.monotonic() < end + KILLING:
            node = mesh[luck.choice(list(mesh.nodes))]
            # Not a wait for something: the moment of the kill is what is tried.
            time.sleep(luck.uniform(0.05, 1.0))
            if luck.random() < 0.25:
                took, code = node.terminate()
                assert code == 0 and took < 2, (node.name, code, took)
                clean_ends += 1
            else:
                node.kill()
                kills += 1
            if luck.random() < 0.5:
                time.sleep(luck.uniform(0.0, 1.0))
            node.start()
        for one in customers:
            one.enough.set()
        for one in customers:
            one.join(DEADLINE)
        assert kills > 1 and len(receipts) > 50, (kills, len(receipts))
        mesh.wait_joined()
        for node in mesh.nodes.values():
            node.wait_ready()
        kept = pathlib.Path(mesh.folder) / "receipts.jsonl"
        kept.write_text("".join(json.dumps(line) + "\n" for line in receipts))

        def verified():
            """All that verify proves; who waits for an agent is no fault here, for there is none."""
            done = subprocess.run(
                [CROSSFLOOR, "verify", "--receipts", str(kept), "--data",
                 str(mesh["helsinki"].folder)],
                capture_output=True, text=True, check=False, timeout=60)
            verified.out = done.stdout + done.stderr
            return all(re.search(rf"^{promise} +holds", done.stdout, re.MULTILINE)
                       for promise in PROMISES)

        verified.out = ""
        try:
            wait_for("verify holds", verified, within=60)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{verified.out}") from error
        print(f"{kills} kills, {clean_ends} clean ends, {len(receipts)} receipts of "
              f"{sum(one.tries for one in customers)} tries", flush=True)


if __name__ == "__main__":
    main([nodes_killed_at_random_moments_lose_nothing_acknowledged])
