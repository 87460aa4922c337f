#!/usr/bin/env python3
"""A node that is taken out of the mesh hears of it, says so, and serves nobody any more: at once
over its links, or when it comes back, over HTTP, for no link lets it in."""

import shutil
import signal

from crossfloor_testing import DEADLINE, Mesh, main, message, wait_for


def revoked_at(mesh, node, name, reason="machine stolen"):
    """The operator's two commands, at `node`: which entries are good, and that the rest is not."""
    good = mesh.folder / f"{name}.good"
    good.write_text(node.cli("streams", name, "--last-good"))
    revocation = mesh.folder / f"{name}.revocation"
    # The authority keeps what it issued beside its key.
    shutil.copy(mesh.folder / "issued", mesh.folder / "authority.key.issued")
    node.cli("mesh", "revoke", name, "--reason", reason, "--last-good", good, "--authority",
             mesh.folder / "authority.key", "--out", revocation)
    node.cli("mesh", "apply", revocation)


def ends_by_itself(node):
    code = node.process.wait(DEADLINE)
    assert code == 1, code
    told = [line for line in node.log.read_text().splitlines() if "this node was revoked" in line]
    assert told and "machine stolen" in told[-1], node.log.read_text()[-2000:]


def is_refused_a_start(node):
    process = node.launch()
    out, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1 and "ready" not in out, (process.returncode, out)
    assert "this node was revoked: machine stolen" in node.log.read_text().splitlines()[-1], \
        node.log.read_text()[-2000:]


def a_node_that_is_linked_is_told_at_once():
    with Mesh(["helsinki", "warsaw", "london"]) as mesh:
        mesh.start_all().wait_joined()
        helsinki, warsaw, london = mesh.nodes.values()
        assert london.intake(message("m-1")).status == 201
        wait_for("helsinki holds it",
                 lambda: helsinki.metric("crossfloor_conversations", state="waiting") == 1)
        revoked_at(mesh, helsinki, "london")
        ends_by_itself(london)
        for node in (helsinki, warsaw):
            wait_for(f"{node.name} counts without it",
                     lambda node=node: node.metric("crossfloor_members", state="alive") == 1)
            assert "london" not in node.cli("sites")
        is_refused_a_start(london)
        # What it took in before that is good for ever.
        assert helsinki.intake(message("m-1")).status == 200


def a_node_that_was_away_is_told_when_it_comes_back():
    with Mesh(["helsinki", "warsaw"]) as mesh:
        mesh.start_all().wait_joined()
        helsinki, warsaw = mesh.nodes.values()
        warsaw.kill()
        revoked_at(mesh, helsinki, "warsaw")
        warsaw.start()
        ends_by_itself(warsaw)
        is_refused_a_start(warsaw)


def a_node_whose_key_is_refused_asks_why():
    with Mesh(["helsinki", "warsaw"]) as mesh:
        mesh.start_all().wait_joined()
        helsinki, warsaw = mesh.nodes.values()
        warsaw.process.send_signal(signal.SIGSTOP)
        wait_for("no link is left over which it could be told", lambda: helsinki.metric(
            "crossfloor_links_up") == 0)
        revoked_at(mesh, helsinki, "warsaw")
        warsaw.process.send_signal(signal.SIGCONT)
        ends_by_itself(warsaw)


if __name__ == "__main__":
    main([
        a_node_that_is_linked_is_told_at_once,
        a_node_that_was_away_is_told_when_it_comes_back,
        a_node_whose_key_is_refused_asks_why,
    ])
