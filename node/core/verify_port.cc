#include "node/core/verify_port.h"

#include "node/core/verify_node.h"
#include "protocol/json_codec.h"

namespace crossfloor {

VerifyPort::VerifyPort(const Scribe& scribe, const NodeSettings& settings, const Mesh& mesh,
                       const Roster& roster, const Home& home, Outlet& outlet, Options options)
    : scribe_(scribe),
      settings_(settings),
      mesh_(mesh),
      roster_(roster),
      home_(home),
      outlet_(outlet),
      options_(options) {}

void VerifyPort::ask(RequestId request, const std::string& what, const std::string& arguments,
                     Now now) {
  const Asker asker{request, {}, 0};
  auto envelope = read_json<VerifyEnvelope>(arguments);
  if (!envelope.ok()) return answer(asker, verify_error(envelope.error()));
  if (what == "verify.members") return answer(asker, members(now));
  const std::string& ask = envelope.value().ask.text;
  if (envelope.value().node.empty()) return read_here(asker, what, ask, now);
  const auto node = NodeId::from_hex_text(envelope.value().node);
  if (!node) {
    return answer(asker, verify_error(Error{ErrorCode::malformed, "names no node", "node",
                                            "64 hexadecimal digits; see `crossfloor sites`"}));
  }
  if (*node == mesh_.self()) return read_here(asker, what, ask, now);
  if (!mesh_.live(*node)) return answer(asker, unreachable(*node, "cannot be reached", now));
  if (passed_.size() >= options_.max_under_way) {
    return answer(asker, verify_error(Error{ErrorCode::full, "too many questions are under way", "",
                                            "ask again in a moment"}));
  }
  const std::uint64_t number = own_numbers | next_++;
  passed_[number] = {request, *node, now.steady + options_.answer_within};
  outlet_.send<DeskFrame>(*node, LinkKind::bulk, InspectQuestion{number, what, ask});
}

void VerifyPort::receive(const NodeId& from, const InspectQuestion& question, Now now) {
  read_here({0, from, question.number}, question.what, question.arguments, now);
}

void VerifyPort::receive(const NodeId& from, const InspectAnswer& said) {
  const auto at = passed_.find(said.number);
  if (at == passed_.end() || at->second.node != from) return;
  const RequestId request = at->second.request;
  passed_.erase(at);
  outlet_.emit(AnswerInspection{request, said.json});
}

void VerifyPort::read_here(const Asker& asker, const std::string& what, const std::string& ask,
                           Now now) {
  if (reading_.size() >= options_.max_under_way) {
    return answer(asker, verify_error(Error{ErrorCode::full, "too many questions are under way", "",
                                            "ask again in a moment"}));
  }
  auto question = std::make_shared<VerifyQuestion>();
  question->what = what;
  question->arguments = ask.empty() ? "{}" : ask;
  question->mesh = roster_.mesh();
  question->wall = now.wall;
  question->secrets = settings_.region_secrets;
  question->held = scribe_.log().vector();
  for (const auto& [stream, fork] : scribe_.log().forks()) question->forked[stream] = fork.common;
  for (const auto& [stream, head] : scribe_.log().heard_but_missing()) {
    // What lies beyond a revocation's last good entry is refused, not missed.
    if (roster_.entry(stream, head.sequence).take) question->heard[stream] = head;
  }
  for (const auto& [name, account] : home_.accounts()) question->targets[name] = account.target;
  const std::uint64_t ticket = next_++;
  reading_[ticket] = asker;
  // Held until all that was written so far is durable: the snapshot must reach `held`.
  outlet_.emit(ReadVerify{ticket, std::move(question)});
}

void VerifyPort::read(std::uint64_t ticket, const std::string& json) {
  const auto at = reading_.find(ticket);
  if (at == reading_.end()) return;
  const Asker asker = at->second;
  reading_.erase(at);
  answer(asker, json);
}

void VerifyPort::answer(const Asker& asker, std::string json) {
  if (asker.node.is_zero()) {
    outlet_.emit(AnswerInspection{asker.request, std::move(json)});
  } else {
    outlet_.send<DeskFrame>(asker.node, LinkKind::bulk,
                            InspectAnswer{asker.number, std::move(json)});
  }
}

void VerifyPort::tick(Now now) {
  std::vector<std::uint64_t> over;
  for (const auto& [number, passed] : passed_) {
    if (now.steady >= passed.until) over.push_back(number);
  }
  for (const auto number : over) {
    const Passed passed = passed_.at(number);
    passed_.erase(number);
    const bool live = mesh_.live(passed.node);
    // A live one may be busy: it is asked again.
    answer({passed.request, {}, 0},
           live ? verify_error(Error{ErrorCode::full, "did not answer in time",
                                     mesh_.site_of(passed.node), "crossfloor sites"})
                : unreachable(passed.node, "cannot be reached", now));
  }
}

std::optional<Instant> VerifyPort::deadline() const {
  std::optional<Instant> first;
  for (const auto& [number, passed] : passed_) {
    if (!first || passed.until < *first) first = passed.until;
  }
  return first;
}

std::int64_t VerifyPort::gone_ms(const NodeId& node, Now now) const {
  const auto since = mesh_.dead_since(node);
  return since ? (now.steady - *since).count() : 0;
}

std::string VerifyPort::unreachable(const NodeId& node, std::string what, Now now) const {
  const std::int64_t gone = gone_ms(node, now);
  what += " since " + std::to_string(gone / 1000) + " s";
  JsonValue out = JsonValue::empty_object();
  out.add("unreachable", to_json_value(Unreachable{node, std::move(what), gone}));
  return dump_json(out);
}

std::string VerifyPort::members(Now now) const {
  VerifyMembers out;
  out.self = mesh_.self();
  for (const auto& node : roster_.members(now.wall)) {
    VerifyMember member;
    member.node = node;
    const Certificate* certificate = roster_.certificate(node);
    member.site = certificate->site;
    member.regions = certificate->regions;
    member.reachable = node == mesh_.self() || mesh_.live(node);
    if (!member.reachable) member.gone_ms = gone_ms(node, now);
    out.nodes.push_back(std::move(member));
  }
  return json_text(out);
}

}  // namespace crossfloor
