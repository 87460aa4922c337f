#!/usr/bin/env python3
"""Two nodes: what one takes in the other holds; a newcomer is let in; a restart catches up."""

from crossfloor_testing import Mesh, main, message, wait_for


def a_message_at_one_site_is_known_at_the_other():
    with Mesh(["helsinki", "warsaw"]) as mesh:
        mesh.start_all().wait_joined()
        first = mesh["helsinki"].intake(message("m-1"))
        assert first.status == 201 and first.json["durable"] == "mesh", first
        again = mesh["warsaw"].intake(message("m-1"))
        assert again.status == 200 and again.json["durable"] == "mesh", again
        for field in ("message_id", "stream", "sequence", "hash"):
            assert again.json[field] == first.json[field], (field, again, first)
        for node in mesh.nodes.values():
            wait_for(f"{node.name} holds the conversation",
                     lambda node=node: node.metric("crossfloor_conversations",
                                                   state="waiting") == 1)
        assert sum(node.metric("crossfloor_waiting") for node in mesh.nodes.values()) == 1


def what_one_missed_it_fetches_when_it_is_back():
    with Mesh(["helsinki", "warsaw"]) as mesh:
        mesh.start_all().wait_joined()
        mesh["warsaw"].kill()
        receipts = {}
        for i in range(50):
            answer = mesh["helsinki"].intake(message(f"m-{i}", customer={"external_id": f"u-{i}"}))
            assert answer.status == 201, answer
            receipts[i] = answer.json
        assert receipts[49]["durable"] == "site", receipts[49]
        mesh["warsaw"].start()
        wait_for("warsaw holds all 50 conversations",
                 lambda: mesh["warsaw"].metric("crossfloor_conversations", state="waiting") == 50)
        mesh["helsinki"].kill()
        for i, receipt in receipts.items():
            again = mesh["warsaw"].intake(message(f"m-{i}", customer={"external_id": f"u-{i}"}))
            assert again.status == 200 and again.json["message_id"] == receipt["message_id"], again


def a_newcomer_shows_its_certificate_and_joins():
    with Mesh(["helsinki"], hosts=["helsinki", "warsaw"]) as mesh:
        mesh.start_all()
        assert mesh["helsinki"].intake(message("m-1")).status == 201
        mesh.admit(["warsaw"])  # helsinki has never heard of it
        mesh["warsaw"].start()
        mesh.wait_joined()
        again = mesh["warsaw"].intake(message("m-1"))
        wait_for("warsaw knows the message",
                 lambda: mesh["warsaw"].intake(message("m-1")).status == 200)
        assert again.status in (200, 201), again


def only_genuine_documents_are_taken_over_http():
    with Mesh(["helsinki"]) as mesh:
        node = mesh.start_all()["helsinki"]
        [own] = mesh.certificates()
        known = node.request("PUT", "/v1/certificates", own.encode())
        assert known.status == 200 and known.json["fresh"] is False, known
        forged = node.request("PUT", "/v1/certificates",
                              own.replace("site helsinki", "site warsaw").encode())
        assert 400 <= forged.status < 500, forged
        assert node.request("PUT", "/v1/certificates", b"nonsense").status == 400
        answers = [node.request("PUT", "/v1/certificates", b"x").status for _ in range(60)]
        assert 429 in answers, answers


def sigterm_of_one_is_told_to_the_other_at_once():
    with Mesh(["helsinki", "warsaw"]) as mesh:
        mesh.start_all().wait_joined()
        took, code = mesh["warsaw"].terminate()
        assert code == 0 and took < 2, (code, took)
        wait_for("helsinki knows that warsaw left",
                 lambda: mesh["helsinki"].metric("crossfloor_members", state="left") == 1,
                 within=2)
        answer = mesh["helsinki"].intake(message("m-1"))
        assert answer.status == 201 and answer.json["durable"] == "site", answer


if __name__ == "__main__":
    main([
        a_message_at_one_site_is_known_at_the_other,
        what_one_missed_it_fetches_when_it_is_back,
        a_newcomer_shows_its_certificate_and_joins,
        only_genuine_documents_are_taken_over_http,
        sigterm_of_one_is_told_to_the_other_at_once,
    ])
