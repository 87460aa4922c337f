#include "node/core/gate.h"

#include <doctest/doctest.h>

using namespace crossfloor;

namespace {
RequestId request_of(const Effect& effect) {
  return std::get<AnswerCommand>(effect).request;
}
Effect answer(RequestId request) {
  return AnswerCommand{request, {}};
}
}  // namespace

TEST_SUITE("gate") {
  TEST_CASE("what waits for a write leaves when that write is durable, and not before") {
    Gate gate;
    gate.hold(1, answer(10));
    gate.hold(2, answer(20));
    CHECK(gate.take().empty());
    gate.durable(1);
    auto first = gate.take();
    REQUIRE(first.size() == 1);
    CHECK(request_of(first[0]) == 10);
    gate.durable(2);
    CHECK(gate.take().size() == 1);
    CHECK(gate.held() == 0);
  }

  TEST_CASE("what needs no new write still leaves after what was said before it") {
    Gate gate;
    gate.durable(5);
    gate.hold(6, answer(1));
    gate.hold(5, answer(2));
    CHECK(gate.take().empty());
    gate.durable(6);
    auto both = gate.take();
    REQUIRE(both.size() == 2);
    CHECK(request_of(both[0]) == 1);
    CHECK(request_of(both[1]) == 2);
  }

  TEST_CASE("probes and the live stream pass freely") {
    Gate gate;
    gate.hold(9, answer(1));
    gate.pass(Redial{});
    CHECK(gate.take().size() == 1);
  }
}
