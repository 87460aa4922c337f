// What operators may do, beside what home does for them.
#include <nlohmann/json.hpp>
#include <set>

#include "node/core/node_core.h"
#include "node/core/operators.h"
#include "protocol/document.h"
#include "protocol/json_codec.h"

namespace crossfloor {
namespace {

using Json = Operators::Json;

constexpr std::size_t max_arguments = 2 * 1024 * 1024;  // mesh_apply carries documents
constexpr std::size_t max_reason = 500;
constexpr std::size_t max_who = 128;

Error wrong(std::string field, std::string what, std::string mend = {}) {
  return {ErrorCode::malformed, std::move(what), std::move(field), std::move(mend)};
}

std::string text(const Json& arguments, const char* name) {
  const auto at = arguments.find(name);
  return at != arguments.end() && at->is_string() ? at->get<std::string>() : std::string();
}

bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const auto end = words.find(' ');
    if (words.substr(0, end) == word) return true;
    if (end == std::string_view::npos) return false;
    words.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace

struct Operators::Did {
  Json answer;
  std::string target;  // for the entry: nothing personal
};

struct Operators::Act {
  const char* required;  // names of texts (and of `on`, a flag), separated by blanks
  const char* optional;
  Result<Did> (Operators::*perform)(const Json&, std::optional<NodeId>&, Now);
};

const std::map<std::string, Operators::Act>& Operators::acts() {
  static constexpr const char* agent_fields =
      "site display_name signature team brands languages skills channels total_units disabled "
      "password_hash";
  static const std::map<std::string, Act> all = {
      {"drain", {"on", "site", &Operators::drain}},
      {"takeover", {"conversation", "site", &Operators::takeover}},
      {"outbox_retry", {"reply", "", &Operators::outbox_retry}},
      {"outbox_resolve", {"reply how", "external_id", &Operators::outbox_resolve}},
      {"customer_link", {"first second", "", &Operators::customer_link}},
      {"customer_unlink", {"first second", "", &Operators::customer_unlink}},
      {"agent_add", {"name", agent_fields, &Operators::agent_add}},
      {"agent_set", {"name", agent_fields, &Operators::agent_set}},
      {"agent_logout", {"name", "", &Operators::agent_logout}},
      {"mesh_apply", {"documents", "", &Operators::mesh_apply}},
  };
  return all;
}

bool Operators::knows(const std::string& what) {
  return Inspector::find(what) != nullptr || acts().count(what) == 1;
}

bool Operators::writes(const std::string& what) {
  return acts().count(what) == 1;
}

Result<Json> Operators::act(const std::string& what, const std::string& arguments_text,
                            std::optional<NodeId>& elsewhere, Now now) {
  const auto known = acts().find(what);
  if (known == acts().end()) {
    return Error{ErrorCode::not_found, "there is no question or act '" + what + "'", "",
                 "do both sides run the same version?"};
  }
  if (arguments_text.size() > max_arguments) {
    return Error{ErrorCode::too_large, "arguments are over 2 MiB", "", ""};
  }
  const Json arguments = Json::parse(arguments_text, nullptr, false);
  if (!arguments.is_object()) return wrong("", "the arguments are not a JSON object", "send {…}");
  const Act& act = known->second;
  for (const auto& [name, value] : arguments.items()) {
    if (name != "by" && name != "reason" && !has_word(act.required, name) &&
        !has_word(act.optional, name)) {
      return wrong(name, "'" + what + "' takes no such argument",
                   "it takes: " + std::string(act.required) + " " + act.optional);
    }
  }
  std::string_view required = act.required;
  while (!required.empty()) {
    const std::string name(required.substr(0, required.find(' ')));
    const bool there = name == "on" ? arguments.contains(name) && arguments[name].is_boolean()
                                    : !text(arguments, name.c_str()).empty();
    if (!there) return wrong(name, "is missing", name == "on" ? "say true or false" : "");
    required.remove_prefix(std::min(required.size(), name.size() + 1));
  }
  const std::string by = text(arguments, "by");
  const std::string reason = text(arguments, "reason");
  if (by.empty() || by.size() > max_who) return wrong("by", "says who does it, in 1 to 128 bytes");
  if (reason.size() > max_reason || (reason.empty() && what != "mesh_apply")) {
    return wrong("reason", "says why, in 1 to 500 bytes", "add --reason");
  }
  auto did = (this->*act.perform)(arguments, elsewhere, now);
  if (elsewhere) return Json();
  if (!did.ok()) return did.error();
  core_.act({what, did.value().target, by, reason}, now);
  Json answer = {{"done", what},
                 {"target", did.value().target},
                 {"node", core_.mesh().self().hex()},
                 {"site", core_.settings().site}};
  answer.update(did.value().answer);
  return answer;
}

// A node by its site or the beginning of its id.
Result<NodeId> Operators::node_named(const std::string& name) const {
  std::set<NodeId> found;
  const auto fits = [&](const NodeId& node, const std::string& site) {
    if (site == name || (name.size() >= 4 && node.hex().rfind(name, 0) == 0)) found.insert(node);
  };
  fits(core_.mesh().self(), core_.settings().site);
  for (const auto& [node, member] : core_.mesh().membership().members()) fits(node, member.site);
  if (found.size() == 1) return *found.begin();
  if (found.empty()) {
    return Error{ErrorCode::not_found, "no node is called '" + name + "'", "site",
                 "see `crossfloor sites`"};
  }
  return Error{ErrorCode::conflict, "site " + name + " has several nodes", "site",
               "give the beginning of the node's id, see `crossfloor sites`"};
}

Result<Operators::Did> Operators::drain(const Json& arguments, std::optional<NodeId>& elsewhere,
                                        Now now) {
  if (const std::string site = text(arguments, "site"); !site.empty()) {
    auto node = node_named(site);
    if (!node.ok()) return node.error();
    if (node.value() != core_.mesh().self()) {
      elsewhere = node.value();
      return Did{};
    }
  }
  const bool on = arguments["on"].get<bool>();
  if (on == core_.mesh().own_drained()) {
    return Error{ErrorCode::conflict, on ? "it is drained already" : "it is not drained", "on", ""};
  }
  core_.drain(on, now);
  return Did{{{"drained", on}}, core_.settings().site};
}

Result<Operators::Did> Operators::takeover(const Json& arguments, std::optional<NodeId>& elsewhere,
                                           Now now) {
  if (const std::string site = text(arguments, "site"); !site.empty()) {
    auto node = node_named(site);
    if (!node.ok()) return node.error();
    if (node.value() != core_.mesh().self()) {
      elsewhere = node.value();
      return Did{};
    }
  }
  auto id = Inspector(core_).conversation_id(text(arguments, "conversation"));
  if (!id.ok()) return id.error();
  const Conversation* c = core_.home().find(id.value());
  if (c && c->home() == core_.mesh().self()) {
    return Error{ErrorCode::conflict, "this node is its home already", "conversation", ""};
  }
  if (auto status = core_.force_takeover(id.value(), text(arguments, "by"), now); !status.ok()) {
    return status.error();
  }
  return Did{{{"conversation", id.value().hex()}, {"home", core_.mesh().self().hex()}},
             id.value().hex()};
}

// Whole, or the beginning of the id of a reply that is on its way; and who sends it, if another.
Result<ReplyId> Operators::reply_named(const std::string& id, std::optional<NodeId>& sender) const {
  std::map<ReplyId, NodeId> found;
  const auto fits = [&](const ReplyId& reply, const NodeId& who) {
    if (id.size() >= 4 && reply.hex().rfind(id, 0) == 0) found[reply] = who;
  };
  for (const auto& [conversation, c] : core_.home().conversations()) {
    for (const auto& reply : c.replies) fits(reply.reply, reply.sender);
  }
  for (const auto& row : core_.sender().rows()) fits(row.reply.id, core_.mesh().self());
  if (found.empty()) {
    return Error{ErrorCode::not_found, "no reply " + id + " is on its way", "reply",
                 "see `crossfloor outbox`; give its id, or the first 4 or more digits"};
  }
  if (found.size() > 1) {
    return Error{ErrorCode::conflict, "several replies begin with " + id, "reply",
                 "give more digits"};
  }
  const auto& [reply, who] = *found.begin();
  if (who.is_zero()) {
    return Error{ErrorCode::conflict, "no host of its account is there to send it", "reply",
                 "start a host of the account; see `crossfloor accounts`"};
  }
  if (who != core_.mesh().self()) sender = who;
  return reply;
}

Result<Operators::Did> Operators::outbox_retry(const Json& arguments,
                                               std::optional<NodeId>& elsewhere, Now now) {
  auto reply = reply_named(text(arguments, "reply"), elsewhere);
  if (!reply.ok()) return reply.error();
  if (elsewhere) return Did{};
  if (auto status = core_.retry(reply.value(), now); !status.ok()) return status.error();
  return Did{{{"reply", reply.value().hex()}}, reply.value().hex()};
}

Result<Operators::Did> Operators::outbox_resolve(const Json& arguments,
                                                 std::optional<NodeId>& elsewhere, Now now) {
  const std::string how = text(arguments, "how");
  if (how != "sent" && how != "resend") return wrong("how", "must be sent or resend");
  auto reply = reply_named(text(arguments, "reply"), elsewhere);
  if (!reply.ok()) return reply.error();
  if (elsewhere) return Did{};
  const auto resolution = how == "sent" ? Resolution::sent : Resolution::resend;
  auto status = core_.resolve(reply.value(), resolution, text(arguments, "external_id"), now);
  if (!status.ok()) return status.error();
  return Did{{{"reply", reply.value().hex()}, {"how", how}}, reply.value().hex()};
}

Result<Operators::Handle> Operators::handle_named(const std::string& name,
                                                  const char* field) const {
  const auto colon = name.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == name.size()) {
    return wrong(field, "is no handle", "give account:external_id, for example shop-chat:4711");
  }
  const auto* account = core_.home().account(name.substr(0, colon));
  const Subjects* subjects = account ? core_.scribe().subjects(account->region) : nullptr;
  if (!subjects) {
    return Error{ErrorCode::not_found, "no channel account " + name.substr(0, colon) + " here",
                 field, "see `crossfloor accounts`"};
  }
  return Handle{
      account->region, account->brand,
      subjects->handle(account->brand, word_of(account->channel), name.substr(colon + 1))};
}

Result<Operators::Did> Operators::link_handles(const Json& arguments, bool linked, Now now) {
  auto first = handle_named(text(arguments, "first"), "first");
  if (!first.ok()) return first.error();
  auto second = handle_named(text(arguments, "second"), "second");
  if (!second.ok()) return second.error();
  if (first.value().brand != second.value().brand ||
      first.value().region != second.value().region) {
    return Error{ErrorCode::forbidden,
                 "the handles are of different brands or regions, whose customers are never joined",
                 "second", "name two accounts of one brand and region"};
  }
  if (first.value().id == second.value().id) {
    return Error{ErrorCode::conflict, "both are the same handle already", "second", ""};
  }
  // An entry carries no platform's ids.
  const std::string target = first.value().id.hex() + " " + second.value().id.hex();
  auto status = core_.set_link(first.value().region,
                               LinkBody{first.value().id, second.value().id, linked,
                                        text(arguments, "by"), text(arguments, "reason")},
                               now);
  if (!status.ok()) return status.error();
  auto handles = rows::customer(core_.scribe().glance(), first.value().id);
  Json answer = {{"linked", linked}};
  if (handles.ok()) answer["handles_of_the_customer"] = handles.value().size();
  return Did{std::move(answer), target};
}

Result<Operators::Did> Operators::customer_link(const Json& arguments, std::optional<NodeId>&,
                                                Now now) {
  return link_handles(arguments, true, now);
}
Result<Operators::Did> Operators::customer_unlink(const Json& arguments, std::optional<NodeId>&,
                                                  Now now) {
  return link_handles(arguments, false, now);
}

// The record with what the arguments say in place of its own; the codec checks types and fields.
Result<Operators::Did> Operators::write_agent(AgentRecord base, const Json& arguments, Now now) {
  Json record = write_json(base);
  for (const auto& [name, value] : arguments.items()) {
    if (name != "by" && name != "reason" && name != "site") record[name] = value;
  }
  auto read = read_json<AgentRecord>(record.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (!read.ok()) return read.error();
  if (auto status = core_.set_agent(read.value(), now); !status.ok()) return status.error();
  return Did{{{"agent", read.value().name},
              {"disabled", read.value().disabled},
              {"can_log_in", !read.value().password_hash.empty()}},
             read.value().name};
}

Result<Operators::Did> Operators::agent_add(const Json& arguments, std::optional<NodeId>& elsewhere,
                                            Now now) {
  if (const std::string site = text(arguments, "site"); !site.empty()) {
    auto node = node_named(site);
    if (!node.ok()) return node.error();
    if (node.value() != core_.mesh().self()) {
      elsewhere = node.value();
      return Did{};
    }
  }
  const std::string name = text(arguments, "name");
  if (const auto known = core_.desk().record(name)) {
    return Error{
        ErrorCode::conflict,
        "agent " + name + " is there already, at site " + core_.mesh().site_of(known->node), "name",
        "to change the record: crossfloor agent set " + name + " …"};
  }
  AgentRecord record;
  record.name = name;
  record.display_name = name;
  record.node = core_.mesh().self();
  return write_agent(std::move(record), arguments, now);
}

Result<Operators::Did> Operators::agent_set(const Json& arguments, std::optional<NodeId>& elsewhere,
                                            Now now) {
  const std::string name = text(arguments, "name");
  auto known = core_.desk().record(name);
  if (!known) {
    return Error{ErrorCode::not_found, "there is no agent " + name, "name",
                 "see `crossfloor agent list --all`"};
  }
  const NodeId self = core_.mesh().self();
  if (const std::string site = text(arguments, "site"); !site.empty()) {  // moves the agent
    auto node = node_named(site);
    if (!node.ok()) return node.error();
    known->node = node.value();
  } else if (known->node != self && core_.mesh().live(known->node)) {
    elsewhere = known->node;  // it alone knows the sessions
    return Did{};
  }
  return write_agent(std::move(*known), arguments, now);
}

Result<Operators::Did> Operators::agent_logout(const Json& arguments,
                                               std::optional<NodeId>& elsewhere, Now now) {
  const std::string name = text(arguments, "name");
  const auto known = core_.desk().record(name);
  if (!known) {
    return Error{ErrorCode::not_found, "there is no agent " + name, "name",
                 "see `crossfloor agent list --all`"};
  }
  if (known->node != core_.mesh().self()) {
    elsewhere = known->node;
    return Did{};
  }
  if (auto status = core_.log_out(name, now); !status.ok()) return status.error();
  return Did{{{"agent", name}}, name};
}

Result<Operators::Did> Operators::mesh_apply(const Json& arguments, std::optional<NodeId>&,
                                             Now now) {
  auto documents = parse_documents(text(arguments, "documents"));
  if (!documents.ok()) return documents.error();
  std::size_t fresh = 0;
  std::string kinds;
  for (const Document& document : documents.value()) {
    if (document.kind == "mesh file") continue;  // its secrets are for one node, from its file
    auto added = core_.add_document(document.text, now);
    if (!added.ok()) return added.error();
    fresh += added.value();
    if (added.value()) kinds += (kinds.empty() ? "" : ", ") + document.kind;
  }
  return Did{{{"documents", documents.value().size()}, {"fresh", fresh}},
             kinds.empty() ? "nothing new" : kinds};
}

}  // namespace crossfloor
