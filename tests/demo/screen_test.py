#!/usr/bin/env python3
"""The demo's screen fits any terminal, says what to try, and counts overflow once."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/demo_story"))

# pylint: disable=wrong-import-position
import cast
import channel
import screen
from look import Flows, SiteView, View, busyness


def a_view():
    sites = {name: SiteView(name, state="up", since=100.0, pid=4711, told_by="warsaw", free=1,
                            busy=2, links={other: True for other in cast.SITES if other != name})
             for name in cast.SITES}
    view = View(sites, asked="warsaw", running=192.0)
    drowning = sites["helsinki"]
    drowning.free, drowning.busy, drowning.waiting = 0, 3, 1234
    drowning.oldest_ms, drowning.target_ms, drowning.late = 721_000, 30_000, 40
    view.flows = {("helsinki", "helsinki"): 3, ("helsinki", "warsaw"): 9}
    view.customers = {"brands": {brand: {"written": 312, "replies": 309, "median_ms": 2100}
                                 for brand in cast.BRANDS},
                      "last": {"account": "aurora-page", "public": True,
                               "signature": "Alice, London"}}
    view.wrong = [{"site": "warsaw", "what": "something " * 30}] * 9
    view.events = [("18:42:07", "something happened " * 10)] * 30
    return view


def shown(view, width=80, height=24, colour=False):
    return screen.render(view, width, height, colour, "18:42:07", 130.0)


def it_fits_every_terminal():
    for width in (20, 79, 80, 81, 100, 120, 200):
        for height in (3, 19, 20, 24, 30, 50, 100):
            for colour in (False, True):
                lines = shown(a_view(), width, height, colour)
                assert len(lines) <= height, (width, height, len(lines))
                for line in lines:
                    assert screen.width_of(line) <= width, (width, height, line)
                    assert line.count("\x1b[") == 0 or line.endswith("\x1b[0m") or colour, line


def the_smallest_shows_all_sites_the_overflow_and_something_to_try():
    text = "\n".join(shown(a_view(), 80, 20))
    for name in cast.SITES:
        assert f" {name} " in text, text
    assert "→ 9" in text and "75 % overflow" in text, text
    assert "tools/demo --site london cut" in text, text
    assert "Ctrl-C" in text, text


def what_is_down_is_said_and_how_to_bring_it_back():
    view = a_view()
    view.sites["london"].state, view.sites["london"].told_by = "down", ""
    text = "\n".join(shown(view))
    assert "london    down     for 30 s" in text, text
    assert "tools/demo --site london start" in text, text
    assert "kill -9" not in text, text  # one thing at a time


def what_is_wrong_goes_on_in_a_second_line_where_there_is_room():
    view = a_view()
    view.wrong = [{"site": "warsaw", "what": "word " * 20 + "end"}]
    lines = shown(view, 80, 40)
    at = next(i for i, line in enumerate(lines) if "✗ warsaw: word" in line)
    assert lines[at + 1].strip().endswith("end"), lines[at:at + 2]
    view.wrong *= 9  # each gets one line; none is left out for another's second
    text = shown(view, 80, 40)
    assert sum("✗ warsaw: word" in line for line in text) == 5, text


def nothing_but_what_is_wrong_is_cut_short_in_80_columns():
    view = a_view()
    view.wrong, view.events = [], []
    assert not [line for line in shown(view, 80, 40) if "…" in line]


def a_narrow_line_ends_with_its_colours():
    assert screen.cut("\x1b[31mabcdef\x1b[0m", 4) == "\x1b[31mabc…\x1b[0m"
    assert screen.cut("abc", 3) == "abc"


def an_agent_is_free_only_with_room_in_some_channel():
    def agent(presence, connected, free):
        return {"presence": presence, "connected": connected,
                "channels": [{"duty": "primary", "free": free}, {"duty": "off", "free": 9}]}

    assert busyness(agent("ready", True, 1)) == "free"
    assert busyness(agent("ready", True, 0)) == "busy"
    assert busyness(agent("ready", False, 1)) == "away"
    assert busyness(agent("not_ready", True, 1)) == "away"


def overflow_is_counted_once_for_each_conversation_and_forgotten_after_a_minute():
    def at_work(conversation, home, there):
        return {"site": there, "slots": [{"conversation": conversation, "home_site": home,
                                          "state": "busy"}]}

    flows = Flows()
    flows.look([at_work("c1", "helsinki", "warsaw"), at_work("c2", "warsaw", "warsaw")], 0.0)
    flows.look([at_work("c1", "helsinki", "warsaw")], 1.0)
    assert flows.counts() == {("helsinki", "warsaw"): 1, ("warsaw", "warsaw"): 1}
    flows.look([], 61.5)
    assert flows.counts() == {}


def a_signature_is_that_of_the_channel_page():
    # The example of docs/channel.md.
    secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    body = b'{"external_id":"m-1","customer":{"external_id":"u-7"},"text":"Where is my parcel?"}'
    assert (channel.signature(secret, "delivery-1", "1769860800", body)
            == "v1,XyyaKuKZtHTdJ3rDksJZSJcYBq/NuWnDD9n9wOv9V6Q=")


def main():
    tests = [value for name, value in globals().items()
             if callable(value) and getattr(value, "__module__", "") == "__main__"
             and name not in ("a_view", "shown", "main")]
    for test in tests:
        test()
        print("ok", test.__name__.replace("_", " "))
    assert len(tests) == 9, len(tests)


if __name__ == "__main__":
    main()
