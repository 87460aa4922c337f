#include "node/core/inspect_fanout.h"

#include <nlohmann/json.hpp>

#include "node/core/inspect_merge.h"

namespace crossfloor {
namespace {

using Json = Inspector::Json;

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// A bare question's condition, for `wait`.
std::pair<std::string, std::size_t> condition_of(const std::string& arguments) {
  const Json json = Json::parse(arguments, nullptr, false);
  if (!json.is_object()) return {"ready", 0};
  return {json.value("for", std::string("ready")), json.value("count", std::size_t{0})};
}

}  // namespace

std::string error_json(const Error& error) {
  Json json = {{"code", name_of(error.code)}, {"what", error.what}};
  if (!error.where.empty()) json["where"] = error.where;
  if (!error.mend.empty()) json["mend"] = error.mend;
  return dumped({{"error", json}});
}

std::optional<Error> error_of(const Json& answer) {
  if (!answer.is_object() || !answer.contains("error") || !answer["error"].is_object()) {
    return std::nullopt;
  }
  const Json& said = answer["error"];
  const auto text = [&](const char* name) {
    const auto at = said.find(name);
    return at != said.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  Error error{ErrorCode::io, text("what"), text("where"), text("mend")};
  for (const auto code :
       {ErrorCode::malformed, ErrorCode::too_large, ErrorCode::unauthenticated,
        ErrorCode::forbidden, ErrorCode::not_found, ErrorCode::conflict, ErrorCode::stale,
        ErrorCode::full, ErrorCode::unavailable, ErrorCode::corrupt, ErrorCode::io}) {
    if (text("code") == name_of(code)) error.code = code;
  }
  return error;
}

std::string fitted(Json answer, std::size_t max_bytes) {
  std::string text = dumped(answer);
  while (text.size() > max_bytes && answer.contains("rows") && answer["rows"].is_array() &&
         !answer["rows"].empty()) {
    const std::size_t all = answer["rows"].size(), keep = all / 2;
    // Fields first: they move the rows to another place.
    answer["left_out"] = answer.value("left_out", std::size_t{0}) + all - keep;
    answer["cut"] = "the answer was over " + std::to_string(max_bytes / 1024) + " KiB";
    Json& rows = answer["rows"];
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(keep), rows.end());
    text = dumped(answer);
  }
  return text;
}

std::uint64_t InspectFanout::begin(RequestId request, const Inspector::Question& question,
                                   const std::string& arguments, Result<Json> own,
                                   const std::vector<Peer>& peers, Now now) {
  if (running_.size() >= options_.max_running) {
    done_.push_back({request, error_json(Error{ErrorCode::full, "too many questions are under way",
                                               "", "ask again in a moment"})});
    return 0;
  }
  const std::uint64_t number = next_++;
  Running& running = running_[number];
  running.request = request;
  running.question = &question;
  running.arguments = arguments;
  running.own = own.ok() ? dumped(own.value()) : error_json(own.error());
  running.since = now.steady;
  const bool have_it = own.ok() && question.reach == Inspector::Reach::holder;
  const bool hopeless = !own.ok() && (question.reach != Inspector::Reach::holder ||
                                      own.error().code != ErrorCode::not_found);
  if (question.reach != Inspector::Reach::here && !have_it && !hopeless) running.peers = peers;
  for (const Peer& peer : running.peers) {
    if (peer.reachable) running.awaited.insert(peer.node);
  }
  if (running.awaited.empty()) finish(number, now);
  return number;
}

std::uint64_t InspectFanout::forward(RequestId request, const Peer& peer, Now now) {
  const std::uint64_t number = next_++;
  Running& running = running_[number];
  running.request = request;
  running.peers = {peer};
  running.since = now.steady;
  if (peer.reachable) running.awaited.insert(peer.node);
  if (running.awaited.empty()) finish(number, now);
  return number;
}

std::vector<NodeId> InspectFanout::awaited(std::uint64_t number) const {
  const auto at = running_.find(number);
  if (at == running_.end()) return {};
  return {at->second.awaited.begin(), at->second.awaited.end()};
}

void InspectFanout::receive(const NodeId& from, const InspectAnswer& answer, Now now) {
  const auto at = running_.find(answer.number);
  if (at == running_.end() || at->second.awaited.erase(from) == 0) return;
  Running& running = at->second;
  running.answers[from] = answer.json;
  running.took_ms[from] = (now.steady - running.since).count();
  const bool found = running.question && running.question->reach == Inspector::Reach::holder &&
                     !error_of(Json::parse(answer.json, nullptr, false));
  if (running.awaited.empty() || found) finish(at->first, now);
}

void InspectFanout::tick(Now now) {
  std::vector<std::uint64_t> over;
  for (const auto& [number, running] : running_) {
    if (now.steady >= running.since + options_.answer_within) over.push_back(number);
  }
  for (const auto number : over) finish(number, now);
}

std::optional<Instant> InspectFanout::deadline() const {
  std::optional<Instant> first;
  for (const auto& [number, running] : running_) {
    const Instant end = running.since + options_.answer_within;
    if (!first || end < *first) first = end;
  }
  return first;
}

void InspectFanout::finish(std::uint64_t number, Now now) {
  const auto at = running_.find(number);
  std::string json;
  try {
    json = joined(at->second, now);
  } catch (const Json::exception& wrong) {  // a peer's answer has fields of other types
    json = error_json(Error{ErrorCode::corrupt,
                            std::string("an answer of a node is unfit: ") + wrong.what(), "",
                            "do all nodes run the same version? see `crossfloor sites`"});
  }
  done_.push_back({at->second.request, std::move(json)});
  running_.erase(at);
}

std::string InspectFanout::joined(const Running& running, Now) const {
  if (!running.question) {
    if (!running.answers.empty()) return running.answers.begin()->second;
    const Peer& peer = running.peers.front();
    return error_json(Error{ErrorCode::unavailable,
                            "this is for " + peer.site + ", which " +
                                (peer.reachable ? "did not answer" : "cannot be reached"),
                            "",
                            "see `crossfloor sites`; if it did not answer, look whether it "
                            "was done before you repeat it"});
  }
  Json own = Json::parse(running.own, nullptr, false);
  std::vector<Json> others;
  for (const auto& [node, text] : running.answers) {
    Json answer = Json::parse(text, nullptr, false);
    if (!answer.is_object() || error_of(answer)) continue;
    if (running.question->reach == Inspector::Reach::holder) return dumped(answer);
    others.push_back(std::move(answer));
  }
  if (error_of(own)) return running.own;
  merge_answers(running.question->name, own, others);
  Json asked = Json::array();
  for (const Peer& peer : running.peers) {
    const bool answered = running.answers.count(peer.node) == 1;
    Json one = {{"node", peer.node.hex()},
                {"site", peer.site},
                {"reachable", peer.reachable},
                {"answered", answered}};
    if (answered) one["took_ms"] = running.took_ms.at(peer.node);
    if (peer.gone_ms) one["gone_ms"] = *peer.gone_ms;
    asked.push_back(std::move(one));
  }
  own["asked"] = std::move(asked);
  if (own["question"] == "wait") {
    const auto [condition, count] = condition_of(running.arguments);
    judge_wait(own, condition, count);
  }
  return dumped(own);
}

}  // namespace crossfloor
