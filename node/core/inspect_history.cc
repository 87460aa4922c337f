// One conversation, one customer: read from the log's entries, so that what is shown is what was
// written, in the order on which all nodes agree.
#include <algorithm>

#include "node/core/inspect_parts.h"

namespace crossfloor {
namespace {

using namespace inspect_parts;
using Json = Inspector::Json;

constexpr std::size_t shortest_prefix = 4;  // hexadecimal digits of an abbreviated id

Json texts_of(const MessageBody& body) {
  const IncomingMessage& m = body.message;
  Json line = {{"external_id", m.external_id},
               {"from", m.direction == Direction::in ? m.customer.name : ""},
               {"text", m.text},
               {"public", m.is_public}};
  if (!m.attachments.empty()) line["attachments"] = m.attachments.size();
  if (!m.language.empty()) line["language"] = m.language;
  if (!m.parent_id.empty()) line["parent_id"] = m.parent_id;
  if (m.provider_time_ms != 0) line["provider_time_ms"] = m.provider_time_ms;
  return line;
}

Json trace_of(const std::string& text) {
  Json trace = text.empty() ? Json() : Json::parse(text, nullptr, false);
  return trace.is_discarded() ? Json() : trace;
}

std::vector<std::string> hex_list(const std::vector<MessageId>& ids) {
  std::vector<std::string> out;
  for (const auto& id : ids) out.push_back(id.hex());
  return out;
}

// What each kind of entry says. `course`: only what decided something, for `explain`.
struct Line {
  bool course;
  std::function<std::string(const NodeId&)> site_of;

  Json operator()(const MessageBody& b) const {
    if (course) return {};
    Json line = texts_of(b);
    const bool in = b.message.direction == Direction::in;
    line["what"] = b.message.kind != MessageKind::message ? word_of(b.message.kind)
                   : in                                   ? "customer"
                                                          : "answered elsewhere";
    line["account"] = b.account;
    return line;
  }
  Json operator()(const PlacedBody& b) const {
    if (!course && !b.opens && !b.reopens) return {};
    return {{"what", b.opens     ? "opened"
                     : b.reopens ? "reopened"
                                 : "placed"},
            {"message", b.message.hex()},
            {"why", b.reason},
            {"term", b.epoch.term}};
  }
  Json operator()(const CourseBody& b) const {
    Json line = {{"what", word_of(b.state)},
                 {"why", b.reason},
                 {"by", b.by},
                 {"agent", b.agent},
                 {"term", b.epoch.term}};
    if (!b.agent_node.is_zero()) line["agent_site"] = site_of(b.agent_node);
    if (!b.prefer_agent.empty()) line["prefer_agent"] = b.prefer_agent;
    if (!b.team.empty()) line["team"] = b.team;
    if (!b.skills.empty()) line["skills"] = b.skills;
    if (b.changes_site) line["changes_site"] = true;
    if (b.pending_until_ms != 0) line["pending_until_ms"] = b.pending_until_ms;
    if (!course) return line;
    if (Json trace = trace_of(b.trace); !trace.is_null()) {
      for (const char* list : {"candidates", "weighed"}) {
        if (!trace.contains(list)) continue;  // written by an older version
        for (Json& candidate : trace[list]) name_site(candidate, "node");
      }
      name_site(trace, "chosen_node");
      line["trace"] = std::move(trace);
    }
    return line;
  }
  Json operator()(const TookHomeBody& b) const {
    return {{"what", "took home"},
            {"why", b.reason},
            {"by", b.by},
            {"home_site", site_of(b.epoch.node)},
            {"term", b.epoch.term}};
  }
  Json operator()(const ReplyBody& b) const {
    Json line = {{"what", "reply"},
                 {"reply", b.reply.hex()},
                 {"agent", b.agent},
                 {"agent_site", site_of(b.agent_node)},
                 {"sender_site", site_of(b.sender)},
                 {"public", b.is_public},
                 {"seen", hex_list(b.seen)},
                 {"term", b.epoch.term}};
    if (!b.parent_id.empty()) line["parent_id"] = b.parent_id;
    if (!course) line["text"] = b.text;
    return line;
  }
  Json operator()(const NoteBody& b) const {
    if (course) return {};
    return {{"what", "note"}, {"agent", b.agent}, {"text", b.text}};
  }
  Json operator()(const AttemptBody& b) const {
    return {{"what", "sending"}, {"reply", b.reply.hex()}, {"attempt", b.number}};
  }
  Json operator()(const OutcomeBody& b) const {
    return {{"what", word_of(b.outcome)},
            {"reply", b.reply.hex()},
            {"external_id", b.external_id},
            {"why", b.detail},
            {"by", b.by}};
  }

 private:
  void name_site(Json& value, const char* field) const {
    if (!value.is_object() || !value.contains(field)) return;
    const auto node = NodeId::from_hex_text(value[field].get<std::string>());
    if (node && !node->is_zero()) value["site"] = site_of(*node);
  }
};

template <typename Body>
Json line_of(const Line& line, const Entry& entry) {
  if (entry.erased_body_hash) return {{"what", "erased"}};
  auto body = decode_body<Body>(entry.body);
  return body.ok() ? line(body.value()) : Json{{"what", "cannot be read"}};
}

// A message that several hosts took in is one: all but the first copy of a text say nothing new.
bool is_repeated(const Reader& reader, const Position& at, const ItemRow& item) {
  if (item.kind != static_cast<std::uint16_t>(EntryKind::message)) return false;
  auto row = rows::message(reader, item.message);
  if (!row.ok() || !row.value()) return false;
  const auto& copies = row.value()->copies;
  const auto own = std::find_if(copies.begin(), copies.end(),
                                [&](const MessageCopy& copy) { return copy.at == at; });
  return own != copies.end() && row.value()->find(own->kind, own->text)->at != at;
}

std::size_t within(std::uint64_t asked, std::size_t most) {
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(asked, 1, most));
}

}  // namespace

// The whole id, or as much of its beginning as names one conversation.
Result<Conversation> Inspector::conversation_named(const std::string& text) const {
  const Reader& reader = core_.scribe().glance();
  const auto missing = [&](const std::string& why) {
    return Error{ErrorCode::not_found, "no conversation " + text + why, "id",
                 "see `crossfloor conversations`, or `crossfloor customer HANDLE`"};
  };
  std::optional<ConversationId> id = ConversationId::from_hex_text(text);
  if (!id) {
    const auto bytes = from_hex(text.substr(0, text.size() / 2 * 2));
    if (text.size() < shortest_prefix || text.size() > 2 * ConversationId::size || !bytes) {
      return Error{ErrorCode::malformed, "'" + text + "' is no conversation's id", "id",
                   "give its 32 hexadecimal digits, or the first 4 or more of them"};
    }
    const Bytes prefix = "C" + *bytes;
    std::vector<ConversationId> found;
    auto status = reader.scan(prefix, after_prefix(prefix), [&](ByteView key, ByteView) {
      const auto one = ConversationId::from(key.substr(1));
      if (one && one->hex().rfind(text, 0) == 0) found.push_back(*one);
      return found.size() < 2;
    });
    if (!status.ok()) return status.error();
    if (found.empty()) return missing("…");
    if (found.size() > 1) {
      return Error{ErrorCode::conflict, "several conversations begin with " + text, "id",
                   "give more digits: " + found[0].hex() + ", " + found[1].hex()};
    }
    id = found[0];
  }
  auto standing = rows::canonical(reader, *id);
  if (!standing.ok()) return standing.error();
  auto row = rows::conversation(reader, standing.value());
  if (!row.ok()) return row.error();
  if (!row.value()) return missing("");
  return std::move(*row.value());
}

Status Inspector::may_be_told(const Region& region, Now now) const {
  if (!asker_ || core_.mesh().roster().may_hold(*asker_, region, now.wall)) return {};
  return Error{ErrorCode::forbidden,
               "customers of region " + region + " are not shown outside of it", "",
               "ask a node that holds the region, see `crossfloor sites`"};
}

Result<ConversationId> Inspector::conversation_id(const std::string& text) const {
  auto found = conversation_named(text);
  if (!found.ok()) return found.error();
  return found.value().id;
}

Json Inspector::entry_line(const Position& at, const Region& region, std::uint16_t kind,
                           bool course, Now now) const {
  auto entry =
      entry_at(core_.scribe().glance(), Stream{{at.node, at.generation}, region}, at.sequence);
  if (!entry.ok() || !entry.value()) return {{"what", "cannot be read"}};
  const Line line{course, [this](const NodeId& node) { return site_of(node); }};
  const auto said = [&]() -> Json {
    switch (static_cast<EntryKind>(kind)) {
      case EntryKind::message:
        return line_of<MessageBody>(line, *entry.value());
      case EntryKind::placed:
        return line_of<PlacedBody>(line, *entry.value());
      case EntryKind::course:
        return line_of<CourseBody>(line, *entry.value());
      case EntryKind::took_home:
        return line_of<TookHomeBody>(line, *entry.value());
      case EntryKind::reply:
        return line_of<ReplyBody>(line, *entry.value());
      case EntryKind::note:
        return line_of<NoteBody>(line, *entry.value());
      case EntryKind::attempt:
        return line_of<AttemptBody>(line, *entry.value());
      case EntryKind::outcome:
        return line_of<OutcomeBody>(line, *entry.value());
      default:
        return {{"what", "entry of kind " + std::to_string(kind)}};
    }
  }();
  if (said.is_null()) return said;
  Json out = {{"time_ms", ms_of(at.time.wall())},
              {"age_ms", age_ms(ms_of(at.time.wall()), now)},
              {"written_by", site_of(at.node)}};
  out.update(said);
  return out;
}

// The entries of a conversation in order, from behind `after`; `next` is where to go on.
Json Inspector::timeline(const ConversationId& id, bool course, const std::string& after,
                         std::size_t most, Now now, std::string& next) const {
  Json lines = Json::array();
  const Bytes prefix = rows::item_prefix(id);
  struct Found {
    Position at;
    ItemRow row;
  };
  std::vector<Found> found;
  Bytes from = prefix;
  if (const auto key = from_hex(after); key && !key->empty()) from = prefix + *key + '\0';
  const auto status =
      core_.scribe().glance().scan(from, after_prefix(prefix), [&](ByteView key, ByteView value) {
        const auto at = Position::from_key(key.substr(prefix.size()));
        auto row = decode_row<ItemRow>(value);
        if (!at || !row.ok()) return true;
        if (found.size() == most) {
          next = to_hex(found.back().at.key());
          return false;
        }
        found.push_back({*at, std::move(row).value()});
        return true;
      });
  if (!status.ok()) lines.push_back({{"what", "cannot be read: " + status.error().what}});
  for (const Found& one : found) {
    if (is_repeated(core_.scribe().glance(), one.at, one.row)) continue;
    Json line = entry_line(one.at, one.row.region, one.row.kind, course, now);
    if (line.is_null()) continue;
    if (one.row.subject != id) line["alias"] = one.row.subject.hex();
    lines.push_back(std::move(line));
  }
  return lines;
}

Result<Json> Inspector::conversation(const Asked& asked, Now now) const {
  auto found = conversation_named(asked.text("id"));
  if (!found.ok()) return found.error();
  if (auto may = may_be_told(core_.home().region_of(found.value()), now); !may.ok()) {
    return may.error();
  }
  Json out = head("conversation", now);
  out["conversation"] = summary(found.value(), now);
  Json homes = Json::array();
  for (const TermHome& home : found.value().homes) {
    homes.push_back({{"term", home.term}, {"site", site_of(home.node)}, {"node", home.node.hex()}});
  }
  out["homes"] = std::move(homes);
  const std::size_t limit = within(asked.number("limit", max_timeline), max_timeline);
  std::string next;
  out["rows"] = timeline(found.value().id, false, asked.text("after"), limit, now, next);
  if (!next.empty()) out["next"] = next;
  return out;
}

Result<Json> Inspector::explain(const Asked& asked, Now now) const {
  auto found = conversation_named(asked.text("id"));
  if (!found.ok()) return found.error();
  const Conversation& c = found.value();
  if (auto may = may_be_told(core_.home().region_of(c), now); !may.ok()) return may.error();
  Json out = head("explain", now);
  out["conversation"] = summary(c, now);
  const std::size_t limit = within(asked.number("limit", max_timeline), max_timeline);
  std::string next;
  out["rows"] = timeline(c.id, true, asked.text("after"), limit, now, next);
  if (!next.empty()) out["next"] = next;
  // What holds it up now, which no entry says.
  if (c.home() == core_.mesh().self()) {
    for (const QueueRow& row : core_.desk().router().queue(now, max_rows)) {
      if (row.conversation != c.id) continue;
      out["now"] = {{"stage", word_of(row.stage)}, {"age_ms", row.age_ms},
                    {"target_ms", row.target_ms},  {"offers", row.offers},
                    {"excluded", row.excluded},    {"at_site", site_of(row.node)},
                    {"agent", row.agent}};
    }
  }
  return out;
}

// All conversations of a customer over all linked handles, newest first, by pages.
Result<Json> Inspector::customer(const Asked& asked, Now now) const {
  const std::string name = asked.text("handle");
  const auto colon = name.find(':');
  HandleId handle;
  if (const auto id = HandleId::from_hex_text(name)) {
    handle = *id;
  } else if (colon == std::string::npos || colon == 0 || colon + 1 == name.size()) {
    return Error{ErrorCode::malformed, "'" + name + "' is no handle", "handle",
                 "give account:external_id, for example shop-chat:4711"};
  } else {
    const auto* account = core_.home().account(name.substr(0, colon));
    const Subjects* subjects = account ? core_.scribe().subjects(account->region) : nullptr;
    if (!subjects) {
      return Error{ErrorCode::not_found, "no channel account " + name.substr(0, colon) + " here",
                   "handle", "see `crossfloor accounts`"};
    }
    handle = subjects->handle(account->brand, word_of(account->channel), name.substr(colon + 1));
  }
  const Reader& reader = core_.scribe().glance();
  auto handles = rows::customer(reader, handle);
  if (!handles.ok()) return handles.error();
  // Handle rows end on the age and the conversation: the newest of each, then of all.
  const std::size_t limit = within(asked.number("limit", 20), 100);
  const auto before = from_hex(asked.text("before"));
  std::set<Bytes> found;  // as in the keys: when it was opened, and its id
  for (const HandleId& one : handles.value()) {
    const Bytes prefix = rows::handle_prefix(one);
    const Bytes until = before && !before->empty() ? prefix + *before : after_prefix(prefix);
    std::size_t taken = 0;
    auto status = reader.scan_back(prefix, until, [&](ByteView key, ByteView) {
      found.emplace(key.substr(prefix.size()));
      return ++taken <= limit;
    });
    if (!status.ok()) return status.error();
  }
  if (found.empty()) {
    return Error{ErrorCode::not_found, "nobody is known as " + name, "handle",
                 "check account and external id; `crossfloor accounts` lists the accounts"};
  }
  Json out = head("customer", now);
  Json names = Json::array();
  for (const HandleId& one : handles.value()) names.push_back(one.hex());
  out["handles"] = std::move(names);
  for (auto at = found.rbegin(); at != found.rend(); ++at) {
    if (out["rows"].size() == limit) {
      out["next"] = to_hex(*std::prev(at));
      break;
    }
    const auto id = at->size() == 24 ? ConversationId::from(ByteView(*at).substr(8)) : std::nullopt;
    if (!id) continue;
    auto row = rows::conversation(reader, *id);
    if (!row.ok() || !row.value() || row.value()->is_alias()) continue;
    if (auto may = may_be_told(core_.home().region_of(*row.value()), now); !may.ok()) {
      return may.error();
    }
    Json one = summary(*row.value(), now);
    one["handle"] = row.value()->handle.hex();
    one["opened_age_ms"] = age_ms(static_cast<std::int64_t>(get_be64(at->data()) >> 16), now);
    std::string next;
    one["timeline"] = timeline(*id, false, "", 100, now, next);
    if (!next.empty()) one["more"] = true;
    out["rows"].push_back(std::move(one));
  }
  return out;
}

}  // namespace crossfloor
