#include <doctest/doctest.h>

#include "tools/simulator/links.h"

using namespace crossfloor;
using namespace crossfloor::simulator;

namespace {

struct Wires {
  explicit Wires(NetworkOptions given = {}) : options(given), paths(timeline, options, 1) {}
  void run(Duration span) {
    const Instant end = timeline.now() + span;
    while (timeline.step(end)) {
    }
  }
  NetworkOptions options;
  Timeline timeline;
  Paths paths;
};

}  // namespace

TEST_SUITE("simulated wires") {
  TEST_CASE("things of one instant happen in the order in which they were planned") {
    Timeline timeline;
    std::string order;
    for (const char c : {'a', 'b', 'c', 'd'}) {
      timeline.after(Duration{5}, [&order, c] { order += c; });
    }
    timeline.after(Duration{1}, [&order] { order += '!'; });
    while (timeline.step(timeline.now() + Duration{10})) {
    }
    CHECK(order == "!abcd");
  }

  TEST_CASE("of datagrams the asked share is lost") {
    NetworkOptions lossy;
    lossy.loss = 0.25;
    Wires wires(lossy);
    int arrived = 0;
    for (int i = 0; i < 10'000; ++i) wires.paths.send_loose(0, 1, 100, [&] { ++arrived; });
    wires.run(Duration{1'000});
    CHECK(arrived > 7'300);
    CHECK(arrived < 7'700);
  }

  TEST_CASE("a stream stays in order through a short block, and nothing of it is lost") {
    Wires wires;
    std::vector<int> arrived;
    for (int i = 0; i < 50; ++i) {
      wires.timeline.after(Duration{i * 10}, [&, i] {
        wires.paths.send_ordered(0, 1, LinkKind::live, 100, [&, i] { arrived.push_back(i); });
      });
    }
    wires.timeline.after(Duration{100}, [&] { wires.paths.block(0, 1); });
    wires.timeline.after(Duration{300}, [&] { wires.paths.unblock(0, 1); });
    wires.run(Duration{3'000});
    CHECK(arrived.size() == 50);
    CHECK(std::is_sorted(arrived.begin(), arrived.end()));
  }

  TEST_CASE("a narrow link makes frames wait for each other") {
    NetworkOptions narrow;
    narrow.bandwidth = 80;  // kbit/s: 1,000 bytes take 100 ms
    Wires wires(narrow);
    Instant last{};
    for (int i = 0; i < 10; ++i) {
      wires.paths.send_ordered(0, 1, LinkKind::bulk, 1'000, [&] { last = wires.timeline.now(); });
    }
    const Instant begun = wires.timeline.now();
    wires.run(Duration{3'000});
    CHECK(last - begun >= Duration{1'000});
    CHECK(last - begun < Duration{1'100});
  }

  TEST_CASE("a link that is silent for three seconds is given up, and dialled until it is back") {
    Wires wires;
    std::vector<std::string> told;
    Links links(wires.timeline, wires.paths, 2, false, 1,
                {[&](auto from, auto) { told.push_back("up at " + std::to_string(from)); },
                 [&](auto from, auto, bool reset) {
                   told.push_back("down at " + std::to_string(from) + (reset ? ", reset" : ""));
                 }});
    links.started(0);
    links.started(1);
    wires.run(Duration{1'000});
    CHECK(told.size() == 2);
    told.clear();
    links.block(0, 1);
    wires.run(Duration{2'900});
    CHECK(told.empty());
    wires.run(Duration{200});
    CHECK(told == std::vector<std::string>{"down at 0", "down at 1"});
    links.unblock(0, 1);
    told.clear();
    wires.run(Duration{1'500});
    CHECK(told.size() == 2);
    told.clear();
    links.stopped(1, true);
    wires.run(Duration{100});
    CHECK(told == std::vector<std::string>{"down at 0, reset"});
  }
}
