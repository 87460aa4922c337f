#include "node/core/inspect.h"

#include "node/core/inspect_parts.h"

namespace crossfloor {
namespace {

using namespace inspect_parts;
using Json = Inspector::Json;

constexpr std::size_t max_arguments = 16 * 1024;

bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const auto end = words.find(' ');
    if (words.substr(0, end) == word) return true;
    if (end == std::string_view::npos) return false;
    words.remove_prefix(end + 1);
  }
  return false;
}

// Names that are numbers or flags; all others are texts.
bool is_number(std::string_view name) {
  return has_word("count limit", name);
}
bool is_flag(std::string_view name) {
  return has_word("local all", name);
}

Status check_arguments(const Json& arguments, const Inspector::Question& question) {
  const auto wrong = [](const std::string& name, std::string what, std::string mend) {
    return Error{ErrorCode::malformed, std::move(what), name, std::move(mend)};
  };
  if (!arguments.is_object()) return wrong("", "the arguments are not a JSON object", "send {…}");
  for (const auto& [name, value] : arguments.items()) {
    if (name != "local" && !has_word(question.arguments, name)) {
      return wrong(
          name, std::string("'") + question.name + "' takes no such argument",
          *question.arguments ? std::string("it takes: ") + question.arguments : "it takes none");
    }
    if (is_number(name) && !value.is_number_unsigned()) {
      return wrong(name, "must be a whole number, 0 or more", "");
    }
    if (is_flag(name) && !value.is_boolean()) return wrong(name, "must be true or false", "");
    if (!is_number(name) && !is_flag(name)) {
      if (!value.is_string()) return wrong(name, "must be text", "");
      if (value.get_ref<const std::string&>().size() > 512) {
        return wrong(name, "is over 512 bytes", "");
      }
    }
  }
  return {};
}

const char* word_of_state(MemberState state) {
  return word_of(state);
}

}  // namespace

const std::vector<Inspector::Question>& Inspector::questions() {
  static const std::vector<Question> all = {
      {"status", Reach::everybody, ""},
      {"sites", Reach::everybody, ""},
      {"agents", Reach::everybody, "site team agent all"},
      {"queue", Reach::everybody, "site brand channel limit"},
      {"conversations", Reach::everybody, "site brand account state agent limit"},
      {"conversation", Reach::holder, "id after limit"},
      {"explain", Reach::holder, "id after limit"},
      {"customer", Reach::holder, "handle before limit"},
      {"links", Reach::everybody, ""},
      {"outbox", Reach::everybody, "account state"},
      {"accounts", Reach::everybody, "account"},
      {"streams", Reach::here, "node"},
      {"wait", Reach::everybody, "for count"},
  };
  return all;
}

const Inspector::Question* Inspector::find(const std::string& what) {
  for (const Question& question : questions()) {
    if (what == question.name) return &question;
  }
  return nullptr;
}

Result<Json> Inspector::answer(const std::string& what, const std::string& arguments,
                               Now now) const {
  const Question* question = find(what);
  if (!question) {
    std::string known;
    for (const Question& one : questions())
      known += std::string(known.empty() ? "" : " ") + one.name;
    return Error{ErrorCode::not_found, "no question is called '" + what + "'", "",
                 "questions are: " + known};
  }
  if (arguments.size() > max_arguments) {
    return Error{ErrorCode::too_large, "arguments are over 16 KiB", "", ""};
  }
  Asked asked{arguments.empty() ? Json::object() : Json::parse(arguments, nullptr, false)};
  if (auto status = check_arguments(asked.arguments, *question); !status.ok()) {
    return status.error();
  }
  using Answer = Result<Json> (Inspector::*)(const Asked&, Now) const;
  static const std::map<std::string, Answer> answers = {
      {"status", &Inspector::status},
      {"sites", &Inspector::sites},
      {"agents", &Inspector::agents},
      {"queue", &Inspector::queue},
      {"conversations", &Inspector::conversations},
      {"conversation", &Inspector::conversation},
      {"explain", &Inspector::explain},
      {"customer", &Inspector::customer},
      {"links", &Inspector::links},
      {"outbox", &Inspector::outbox},
      {"accounts", &Inspector::accounts},
      {"streams", &Inspector::streams},
      {"wait", &Inspector::wait},
  };
  return (this->*answers.at(what))(asked, now);
}

Json Inspector::head(const std::string& what, Now now) const {
  return {{"question", what},
          {"node", core_.mesh().self().hex()},
          {"site", core_.settings().site},
          {"at_ms", ms_of(now.wall)},
          {"rows", Json::array()}};
}

std::string Inspector::site_of(const NodeId& node) const {
  if (node.is_zero()) return "";
  if (node == core_.mesh().self()) return core_.settings().site;
  return core_.mesh().site_of(node);
}

// One row: how much is going on at this node.
Json Inspector::figures(Now now) const {
  std::map<CourseState, std::uint64_t> states;
  std::uint64_t open = 0, late = 0, replies = 0, twice = 0;
  std::int64_t oldest = 0;
  const NodeId self = core_.mesh().self();
  for (const auto& [id, c] : core_.home().conversations()) {
    for (const auto& reply : c.replies) replies += reply.sender == self && reply.open();
    if (c.home() != self) continue;
    ++open;
    ++states[c.state];
    twice += c.handled_twice;
    if (c.unanswered.empty()) continue;
    const std::int64_t age = age_ms(c.waiting_since_ms(), now);
    oldest = std::max(oldest, age);
    const auto* account = core_.home().account(c.account);
    late += account && age > account->target.count();
  }
  std::uint64_t agents = 0, ready = 0, busy = 0;
  for (const auto& agent : core_.desk().floor().snapshot()) {
    agents += agent.presence != Presence::logged_out;
    ready += agent.presence == Presence::ready;
    busy += agent.slots.size();
  }
  std::uint64_t lag = 0;
  for (const auto& one : core_.replication().lags()) lag = std::max(lag, one.entries);
  return {{"node", self.hex()},
          {"site", core_.settings().site},
          {"region", core_.settings().home_region},
          {"version", core_.settings().version},
          {"acting", core_.home().acting()},
          {"drained", core_.mesh().own_drained()},
          {"members_live", core_.mesh().membership().live_count()},
          {"open", open},
          {"waiting", states[CourseState::waiting]},
          {"ringing", states[CourseState::ringing]},
          {"active", states[CourseState::active] + states[CourseState::wrap_up]},
          {"pending", states[CourseState::pending]},
          {"late", late},
          {"oldest_ms", oldest},
          {"agents", agents},
          {"agents_ready", ready},
          {"slots_taken", busy},
          {"replies_open", replies},
          {"handled_twice", twice},
          {"not_placed", core_.home().unplaced()},
          {"intakes_waiting", core_.intakes_waiting()},
          {"commands_waiting", core_.commands().waiting().size()},
          {"takeovers", core_.home().takeovers()},
          {"clock_behind_ms", core_.mesh().clocks().ahead().value_or(Duration{0}).count()},
          {"lag_entries", lag}};
}

Result<Json> Inspector::status(const Asked&, Now now) const {
  Json out = head("status", now);
  out["rows"].push_back(figures(now));
  out["accounts"] = account_rows(now);
  for (Json& row : accounts_of_absent_hosts()) out["accounts"].push_back(std::move(row));
  out["wrong"] = wrong(now);
  return out;
}

// Each node tells of itself; of those who cannot, the asked node tells what it knows.
Result<Json> Inspector::sites(const Asked&, Now now) const {
  Json out = head("sites", now);
  const Roster& roster = core_.mesh().roster();
  const NodeId self = core_.mesh().self();
  Json row = figures(now);
  row["state"] = core_.home().acting() ? "alive" : "catching up";
  if (const Certificate* own = roster.certificate(self)) {
    row["regions"] = own->regions;
    row["addresses"] = own->addresses;
    row["certificate_ends_in_ms"] = (own->expires - now.wall).count();
  }
  out["rows"].push_back(std::move(row));
  Json members = Json::array();
  for (const auto& [node, member] : core_.mesh().membership().members()) {
    Json one = {{"node", node.hex()},
                {"site", member.site},
                {"region", member.region},
                {"state", member.last_heard ? word_of_state(member.state) : "never heard"}};
    if (member.since) one["since_age_ms"] = age_ms(*member.since, now);
    if (member.last_heard) one["heard_age_ms"] = age_ms(*member.last_heard, now);
    one["drained"] = core_.mesh().drained(node);
    if (const LoadRecord* load = core_.mesh().loads().usable(node)) {
      std::uint64_t waiting = 0, free = 0;
      for (const auto& service : load->classes) {
        waiting += service.waiting;
        free += service.free_primary;
      }
      one["gossiped"] = {{"waiting", waiting},
                         {"free_primary", free},
                         {"age_ms", core_.mesh().loads().age(node, now).count()}};
    }
    members.push_back(std::move(one));
  }
  out["members"] = std::move(members);
  return out;
}

namespace {

Json link_row(const LinkFigures& link) {
  return {{"link", word_of(link.kind)},
          {"up", link.up},
          {"endpoint", link.endpoint},
          {"for_ms", link.for_how_long.count()},
          {"last_loss", link.last_loss},
          {"failures", link.failures},
          {"frames_sent", link.frames_sent},
          {"bytes_sent", link.bytes_sent},
          {"frames_received", link.frames_received},
          {"bytes_received", link.bytes_received},
          {"frames_queued", link.frames_queued},
          {"bytes_queued", link.bytes_queued},
          {"frames_dropped", link.frames_dropped},
          {"frames_over_rate", link.frames_over_rate}};
}

}  // namespace

Result<Json> Inspector::links(const Asked&, Now now) const {
  Json out = head("links", now);
  std::map<NodeId, Replication::Lag> lags;
  for (const auto& lag : core_.replication().lags()) lags[lag.peer] = lag;
  std::map<NodeId, std::vector<LinkFigures>> transport;
  if (core_.links() != nullptr) {
    for (auto& link : core_.links()->link_figures()) transport[link.peer].push_back(link);
  }
  const auto& stored = core_.replication().stored();
  for (const auto& [node, member] : core_.mesh().membership().members()) {
    Json row = {{"node", core_.mesh().self().hex()},
                {"site", core_.settings().site},
                {"peer", node.hex()},
                {"peer_site", member.site},
                {"address", member.address},
                {"state", member.last_heard ? word_of_state(member.state) : "never heard"},
                {"live_link", core_.replication().connected().count(node) == 1}};
    if (member.last_heard) row["heard_age_ms"] = age_ms(*member.last_heard, now);
    if (const auto lag = lags.find(node); lag != lags.end()) {
      row["lag_entries"] = lag->second.entries;
      row["compared_age_ms"] = age_ms(lag->second.compared, now);
    }
    if (const auto at = stored.find(node); at != stored.end()) {
      // Of what this node wrote, how much the peer has not yet said to have on its disk.
      std::uint64_t unproven = 0;
      for (const auto& [stream, sequence] : at->second) {
        if (stream.origin.node != core_.mesh().self()) continue;
        const auto head = core_.scribe().log().sealed_head(stream);
        if (head && head->sequence > sequence) unproven += head->sequence - sequence;
      }
      row["not_on_its_disk"] = unproven;
    }
    if (const auto own = transport.find(node); own != transport.end()) {
      Json links = Json::array();
      std::uint64_t queued = 0, dropped = 0, over_rate = 0;
      for (const LinkFigures& link : own->second) {
        links.push_back(link_row(link));
        queued += link.frames_queued;
        dropped += link.frames_dropped;
        over_rate += link.frames_over_rate;
      }
      row["frames_queued"] = queued;
      row["frames_dropped"] = dropped;
      row["frames_over_rate"] = over_rate;
      row["links"] = std::move(links);
    }
    out["rows"].push_back(std::move(row));
  }
  return out;
}

// Up to where this node holds each stream: what a revocation names as good.
Result<Json> Inspector::streams(const Asked& asked, Now now) const {
  Json out = head("streams", now);
  const std::string wanted = asked.text("node");
  const Log& log = core_.scribe().log();
  for (const auto& [stream, sequence] : log.vector()) {
    const std::string node = stream.origin.node.hex();
    const std::string site = site_of(stream.origin.node);
    if (!wanted.empty() && site != wanted && node.rfind(wanted, 0) != 0) continue;
    Bytes generation;
    put_be64(generation, stream.origin.generation);
    const auto sealed = log.sealed_head(stream);
    Json row = {{"origin", node},
                {"origin_site", site},
                {"generation", to_hex(generation)},
                {"region", stream.region},
                {"sequence", sequence},
                {"hash", sealed ? sealed->hash.hex() : ""},
                {"forked", log.forked(stream)}};
    const auto heard = log.heard_but_missing().find(stream);
    if (heard != log.heard_but_missing().end()) row["heard_of"] = heard->second.sequence;
    out["rows"].push_back(std::move(row));
  }
  return out;
}

// What `crossfloor wait` needs to know; whether it is met is reckoned from the rows of all.
Result<Json> Inspector::wait(const Asked&, Now now) const {
  Json out = head("wait", now);
  Json row = figures(now);
  std::uint64_t missing = 0;
  for (const auto& lag : core_.replication().lags()) missing += lag.entries;
  row["ready"] = core_.home().acting() && core_.failed().ok();
  if (!core_.failed().ok()) {
    row["why_not"] = "its store failed: " + core_.failed().error().what;
  } else if (!core_.home().acting()) {
    row["why_not"] = "it is catching up with its peers";
  }
  row["missing_entries"] = missing;
  row["heard_but_missing"] = core_.scribe().log().heard_but_missing().size();
  row["connected"] = core_.replication().connected().size();
  std::vector<std::string> regions;
  for (const auto& [region, secret] : core_.settings().region_secrets) regions.push_back(region);
  row["regions"] = regions;
  row["vector_hash"] = hash_of(core_.scribe().crypto(), core_.scribe().log().vector()).hex();
  out["rows"].push_back(std::move(row));
  return out;
}

}  // namespace crossfloor
