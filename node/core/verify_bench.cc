#include "node/core/verify_bench.h"

#include <algorithm>

#include "node/channels/generic_receipt.h"

namespace crossfloor {
namespace {

// In the order in which they are told.
constexpr std::array all_checks = {"nodes", "copies",  "chains", "lost",    "forks",
                                   "rows",  "waiting", "twice",  "replies", "receipts"};

// The error or the absence that an answer stands for.
struct Refusal {
  std::string code;
  std::string what;
};
std::optional<Refusal> refusal_in(const std::string& json) {
  auto parsed = parse_json(json, JsonLimits{4u << 20, 400'000, 16});
  if (!parsed.ok()) return Refusal{"malformed", "its answer is no JSON"};
  const auto text = [](const JsonValue& of, const char* name) {
    const JsonValue* at = of.find(name);
    return at == nullptr ? std::string() : at->text;
  };
  if (const auto* error = parsed.value().find("error")) {
    std::string what = text(*error, "what");
    const std::string where = text(*error, "where");
    if (!where.empty()) what = where + ": " + what;
    return Refusal{text(*error, "code"), what};
  }
  if (const auto* absent = parsed.value().find("unreachable")) {
    return Refusal{"unreachable", text(*absent, "what")};
  }
  return std::nullopt;
}

}  // namespace

Region region_of_stream(const std::string& stream) {
  const auto parsed = parse_stream_text(stream);
  return parsed ? parsed->region : Region();
}

std::string counted(std::uint64_t number, const std::string& what) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  if (number == 1) return digits + " " + what;
  const bool y = what.size() > 1 && what.back() == 'y';
  return digits + " " + (y ? what.substr(0, what.size() - 1) + "ies" : what + "s");
}

std::string VerifyAsk::envelope() const {
  return json_text(VerifyEnvelope{node.is_zero() ? std::string() : node.hex(), FreeJson{ask}, ""});
}

void VerifyBench::ask_text(const NodeId& node, const char* what, std::string text,
                           std::function<void(const std::string&)> then) {
  const auto at = nodes_.find(node);
  if (at != nodes_.end() && !at->second.answers) return;
  questions_.push_back(
      {VerifyAsk{next_number_++, node, what, std::move(text)}, std::move(then), false});
}

std::vector<VerifyAsk> VerifyBench::take_questions() {
  std::vector<VerifyAsk> out;
  // Answers are bounded, and so is how much a node reads at once for all who verify.
  const std::size_t room = options_.under_way - std::min(options_.under_way, under_way_.size());
  const auto end =
      questions_.begin() + static_cast<std::ptrdiff_t>(std::min(room, questions_.size()));
  for (auto at = questions_.begin(); at != end; ++at) {
    out.push_back(at->ask);
    under_way_.emplace(at->ask.number, std::move(*at));
  }
  questions_.erase(questions_.begin(), end);
  return out;
}

void VerifyBench::answered(std::uint64_t number, const Result<std::string>& json) {
  const auto at = under_way_.find(number);
  if (at == under_way_.end()) return;
  UnderWay asked = std::move(at->second);
  under_way_.erase(at);
  const NodeId& node = asked.ask.node;
  const auto refusal =
      json.ok() ? refusal_in(json.value())
                : std::optional<Refusal>({name_of(json.error().code), json.error().text()});
  if (!refusal) {
    ++steps;
    asked.then(json.value());
    return;
  }
  if (node.is_zero()) {
    failed = json.ok() ? Error{ErrorCode::unavailable, refusal->what, "", ""} : json.error();
    return;
  }
  const auto known = nodes_.find(node);
  if (known == nodes_.end() || !known->second.answers) return;
  if (refusal->code == "corrupt" || refusal->code == "io") {
    find(Verdict::broken, "chains", node, "", "its store cannot be read: " + refusal->what,
         "replace the disk, start the node with an empty store: it fetches all from its peers");
    gone(node, "its store cannot be read");
  } else if (refusal->code == "unreachable" || asked.repeated) {
    gone(node, refusal->what);
  } else {
    asked.repeated = true;
    asked.ask.number = next_number_++;
    questions_.push_back(std::move(asked));
  }
}

std::vector<NodeId> VerifyBench::holders(const Region& region) const {
  std::vector<NodeId> out;
  for (const auto& [id, node] : nodes_) {
    if (node.answers && node.regions.count(region) == 1) out.push_back(id);
  }
  return out;
}

std::set<Region> VerifyBench::regions() const {
  std::set<Region> out;
  for (const auto& [id, node] : nodes_) {
    if (node.answers) out.insert(node.regions.begin(), node.regions.end());
  }
  return out;
}

bool VerifyBench::all_asked(const Region& region) const {
  return std::none_of(nodes_.begin(), nodes_.end(), [&](const auto& one) {
    const auto& may = one.second.member.regions;
    return !one.second.answers && std::find(may.begin(), may.end(), region) != may.end();
  });
}

std::string VerifyBench::site(const NodeId& node) const {
  const auto at = nodes_.find(node);
  if (at == nodes_.end()) return node.is_zero() ? std::string() : node.hex().substr(0, 8);
  // Several nodes of one site are told apart.
  const auto same = std::count_if(nodes_.begin(), nodes_.end(), [&](const auto& one) {
    return one.second.member.site == at->second.member.site;
  });
  const std::string& name = at->second.member.site;
  return same > 1 || name.empty() ? name + "/" + node.hex().substr(0, 8) : name;
}

void VerifyBench::gone(const NodeId& node, const std::string& why) {
  const auto at = nodes_.find(node);
  if (at == nodes_.end() || !std::exchange(at->second.answers, false)) return;
  std::erase_if(questions_, [&](const UnderWay& asked) { return asked.ask.node == node; });
  find(Verdict::not_proved, "nodes", node, "", why, "crossfloor sites");
}

void VerifyBench::find(Verdict verdict, const char* check, const NodeId& node,
                       const std::string& stream, std::string what, std::string mend) {
  if (verdict == Verdict::holds && ++told_[check] > options_.told_at_most) {
    ++left_out_;
    return;
  }
  findings_.push_back({verdict, check, site(node), stream, std::move(what), std::move(mend)});
}

void VerifyBench::damage(const NodeId& node, const Damage& damage) {
  if (!damages_.insert(node.hex() + damage.stream + damage.what).second) return;
  find(Verdict::broken, "chains", node, damage.stream, damage.what,
       "start the node with an empty store: it fetches all from its peers");
}

VerifyReport VerifyBench::report() const {
  VerifyReport out;
  out.findings = findings_;
  std::stable_sort(
      out.findings.begin(), out.findings.end(),
      [](const VerifyFinding& a, const VerifyFinding& b) { return a.verdict > b.verdict; });
  std::string missing;
  for (const auto& [id, node] : nodes_) {
    if (!node.answers) missing += (missing.empty() ? "" : ", ") + site(id);
  }
  for (const std::string check : all_checks) {
    const auto said = said_.find(check);
    VerifyCheck line{check, Verdict::holds, said == said_.end() ? "" : said->second};
    bool found = false;
    for (const auto& finding : findings_) {
      if (finding.check != check) continue;
      line.verdict = std::max(line.verdict, finding.verdict);
      found = true;
    }
    if (said == said_.end() && !found) continue;
    if (!missing.empty() && check != "nodes") {
      line.verdict = std::max(line.verdict, Verdict::not_proved);
      line.what += (line.what.empty() ? "without " : "; without ") + missing;
    }
    out.verdict = std::max(out.verdict, line.verdict);
    out.checks.push_back(std::move(line));
  }
  out.left_out = left_out_;
  if (out.findings.size() > VerifyReport::max_findings) {
    out.left_out += out.findings.size() - VerifyReport::max_findings;
    out.findings.resize(VerifyReport::max_findings);
  }
  return out;
}

}  // namespace crossfloor
