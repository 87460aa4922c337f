#include "node/core/operators.h"

#include <nlohmann/json.hpp>

#include "node/core/node_core.h"

namespace crossfloor {

Operators::Operators(NodeCore& core, Outlet& outlet)
    : core_(core), outlet_(outlet), fanout_(InspectFanout::Options{}) {}

InspectFanout::Peer Operators::peer(const NodeId& node, Now now) const {
  InspectFanout::Peer one{node, core_.mesh().site_of(node), core_.mesh().live(node), {}};
  if (one.reachable) return one;
  if (const auto since = core_.mesh().dead_since(node)) {
    one.gone_ms = (now.steady - *since).count();
  }
  return one;
}

std::vector<InspectFanout::Peer> Operators::peers(Now now) const {
  std::vector<InspectFanout::Peer> all;
  // Without the right nobody would answer.
  const NodeId self = core_.mesh().self();
  if (!core_.mesh().roster().has_right(self, Certificate::right_operate, now.wall)) return all;
  for (const auto& [node, member] : core_.mesh().membership().members()) {
    all.push_back(peer(node, now));
  }
  return all;
}

void Operators::ask(RequestId request, const std::string& what, const std::string& arguments,
                    Now now) {
  const Inspector::Question* question = Inspector::find(what);
  if (!question) {
    std::optional<NodeId> elsewhere;
    auto did = act(what, arguments, elsewhere, now);
    if (!elsewhere) {
      outlet_.emit(AnswerInspection{
          request, did.ok() ? did.value().dump(-1, ' ', false, Json::error_handler_t::replace)
                            : error_json(did.error())});
      return;
    }
    const auto there = peer(*elsewhere, now);
    const auto number = fanout_.forward(request, there, now);
    if (there.reachable) {
      outlet_.send<DeskFrame>(*elsewhere, LinkKind::live, InspectQuestion{number, what, arguments});
    }
    answer_done();
    return;
  }
  auto own = Inspector(core_).answer(what, arguments, now);
  const Json parsed = Json::parse(arguments, nullptr, false);
  const bool local = parsed.is_object() && parsed.contains("local") && parsed["local"] == true;
  const auto all = local ? std::vector<InspectFanout::Peer>{} : peers(now);
  const auto number = fanout_.begin(request, *question, arguments, std::move(own), all, now);
  for (const NodeId& node : fanout_.awaited(number)) {
    outlet_.send<DeskFrame>(node, LinkKind::live, InspectQuestion{number, what, arguments});
  }
  answer_done();
}

void Operators::receive(const NodeId& from, const InspectQuestion& question, Now now) {
  InspectAnswer answer{question.number, ""};
  constexpr std::size_t max_bytes = 1024 * 1024;
  if (Inspector::find(question.what)) {
    auto own = Inspector(core_, from).answer(question.what, question.arguments, now);
    answer.json = own.ok() ? fitted(std::move(own).value(), max_bytes) : error_json(own.error());
  } else {
    std::optional<NodeId> elsewhere;
    auto did = act(question.what, question.arguments, elsewhere, now);
    if (elsewhere) {  // passed on once is enough: the asking node knows less than it thought
      answer.json =
          error_json(Error{ErrorCode::stale, "this is for another node by now", "", "ask again"});
    } else {
      answer.json = did.ok() ? did.value().dump(-1, ' ', false, Json::error_handler_t::replace)
                             : error_json(did.error());
    }
  }
  outlet_.send<DeskFrame>(from, LinkKind::live, std::move(answer));
}

void Operators::receive(const NodeId& from, const InspectAnswer& answer, Now now) {
  fanout_.receive(from, answer, now);
  answer_done();
}

void Operators::tick(Now now) {
  fanout_.tick(now);
  answer_done();
}

void Operators::answer_done() {
  for (auto& done : fanout_.take_done()) {
    outlet_.emit(AnswerInspection{done.request, std::move(done.json)});
  }
}

}  // namespace crossfloor
