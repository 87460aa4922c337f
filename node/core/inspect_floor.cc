// Agents, the line, open conversations, replies on their way, channel accounts.
#include <algorithm>

#include "node/core/accounts.h"
#include "node/core/inspect_parts.h"

namespace crossfloor {
namespace {

using namespace inspect_parts;
using Json = Inspector::Json;

bool wanted(const std::string& filter, const std::string& value) {
  return filter.empty() || filter == value;
}

std::size_t limit_of(std::uint64_t asked) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(asked, Inspector::max_rows));
}

// Cuts to `limit`, and says so.
void cut(Json& out, std::size_t limit) {
  const std::size_t all = out["rows"].size();
  if (all <= limit) return;
  out["left_out"] = all - limit;  // before the rows are touched: it moves them
  Json& rows = out["rows"];
  rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(limit), rows.end());
}

Json channels_of(const AgentRecord& record) {
  Json channels = Json::array();
  for (const auto& channel : record.channels) {
    channels.push_back({{"kind", word_of(channel.kind)},
                        {"duty", word_of(channel.duty)},
                        {"maximum", channel.maximum}});
  }
  return channels;
}

}  // namespace

// Each node tells of its own agents: it alone knows their slots.
Result<Json> Inspector::agents(const Asked& asked, Now now) const {
  Json out = head("agents", now);
  if (!wanted(asked.text("site"), core_.settings().site)) return out;
  std::map<std::string, AgentView> views;
  for (auto& view : core_.desk().floor().snapshot()) views[view.name] = std::move(view);
  for (const AgentRecord& record : core_.desk().records()) {
    if (record.node != core_.mesh().self()) continue;
    if (!wanted(asked.text("team"), record.team) || !wanted(asked.text("agent"), record.name)) {
      continue;
    }
    const auto at = views.find(record.name);
    const AgentView view = at == views.end() ? AgentView{} : at->second;
    if (record.disabled && !asked.flag("all") && asked.text("agent").empty()) continue;
    Json slots = Json::array();
    for (const auto& slot : view.slots) {
      Json one = {{"conversation", hex_or_empty(slot.conversation)},
                  {"state", word_of(slot.state)},
                  {"home", slot.home.hex()},
                  {"home_site", site_of(slot.home)}};
      if (const auto* work = core_.desk().floor().work_of(slot.conversation)) {
        one["age_ms"] = age_ms(work->held_since, now);
      }
      slots.push_back(std::move(one));
    }
    Json duties = channels_of(record);
    for (Json& duty : duties) {
      for (const auto& channel : view.channels) {
        if (duty["kind"] != word_of(channel.kind)) continue;
        duty["used"] = channel.used;
        duty["free"] = channel.free;
      }
    }
    out["rows"].push_back({{"agent", record.name},
                           {"display_name", record.display_name},
                           {"site", core_.settings().site},
                           {"node", record.node.hex()},
                           {"team", record.team},
                           {"presence", word_of(view.presence)},
                           {"reason", view.reason},
                           {"connected", view.connected},
                           {"disabled", record.disabled},
                           {"can_log_in", !record.password_hash.empty()},
                           {"brands", record.brands},
                           {"languages", record.languages},
                           {"skills", record.skills},
                           {"units_used", view.units_used},
                           {"units_total", record.total_units},
                           {"channels", std::move(duties)},
                           {"slots", std::move(slots)}});
  }
  cut(out, max_rows);
  return out;
}

Result<Json> Inspector::queue(const Asked& asked, Now now) const {
  Json out = head("queue", now);
  if (!wanted(asked.text("site"), core_.settings().site)) return out;
  for (const QueueRow& row : core_.desk().router().queue(now, max_rows)) {
    if (!wanted(asked.text("brand"), row.service.brand) ||
        !wanted(asked.text("channel"), word_of(row.service.kind))) {
      continue;
    }
    Json one = {{"conversation", row.conversation.hex()},
                {"home", core_.mesh().self().hex()},
                {"site", core_.settings().site},
                {"stage", word_of(row.stage)},
                {"age_ms", row.age_ms},
                {"target_ms", row.target_ms},
                {"late", row.age_ms > row.target_ms},
                {"brand", row.service.brand},
                {"channel", word_of(row.service.kind)},
                {"language", row.service.language},
                {"skills", row.service.skills},
                {"priority", row.priority},
                {"offers", row.offers},
                {"excluded", row.excluded}};
    if (!row.node.is_zero()) one["at_site"] = site_of(row.node);
    if (!row.agent.empty()) one["agent"] = row.agent;
    if (const Conversation* c = core_.home().find(row.conversation)) one["account"] = c->account;
    out["rows"].push_back(std::move(one));
  }
  // And what an agent has, whose customer waits longer than the answer due may take.
  for (const auto& id : core_.home().late()) {
    const Conversation* c = core_.home().find(id);
    if (!c || !wanted(asked.text("brand"), c->brand) ||
        !wanted(asked.text("channel"), c->channel)) {
      continue;
    }
    out["rows"].push_back({{"conversation", id.hex()},
                           {"home", core_.mesh().self().hex()},
                           {"site", core_.settings().site},
                           {"stage", word_of(c->state)},
                           {"age_ms", age_ms(c->waiting_since_ms(), now)},
                           {"target_ms", core_.home().target_of(*c).count()},
                           {"late", true},
                           {"brand", c->brand},
                           {"channel", c->channel},
                           {"language", c->language},
                           {"skills", c->skills},
                           {"priority", c->priority},
                           {"offers", 0},
                           {"excluded", 0},
                           {"account", c->account},
                           {"agent", c->agent},
                           {"at_site", site_of(c->agent_node)}});
  }
  out["waiting"] = core_.desk().router().size();
  out["not_placed"] = core_.home().unplaced();
  cut(out, limit_of(asked.number("limit", max_rows)));
  return out;
}

Json Inspector::summary(const Conversation& c, Now now) const {
  const auto* account = core_.home().account(c.account);
  const bool waits = !c.unanswered.empty();
  Json row = {{"conversation", c.id.hex()},
              {"account", c.account},
              {"brand", c.brand},
              {"channel", c.channel},
              {"state", word_of(c.state)},
              {"reason", c.reason},
              {"public", c.is_public},
              {"agent", c.agent},
              {"agent_site", site_of(c.agent_node)},
              {"home", hex_or_empty(c.home())},
              {"home_site", site_of(c.home())},
              {"term", c.term()},
              {"state_age_ms", age_ms(c.since_ms, now)},
              {"last_age_ms", age_ms(c.last_ms, now)},
              {"unanswered", c.unanswered.size()},
              {"waiting_ms", waits ? age_ms(c.waiting_since_ms(), now) : 0},
              {"messages_in", c.messages_in},
              {"messages_out", c.messages_out},
              {"language", c.language},
              {"topic", c.topic},
              {"skills", c.skills},
              {"priority", c.priority},
              {"site_changes", c.site_changes},
              {"handled_twice", c.handled_twice},
              {"uncounted", c.uncounted}};
  if (account) {
    const auto target = core_.home().target_of(c).count();
    row["target_ms"] = target;
    row["late"] = waits && row["waiting_ms"].get<std::int64_t>() > target;
  }
  if (c.first_reply_ms > 0 && c.first_ms > 0) row["first_reply_ms"] = c.first_reply_ms - c.first_ms;
  if (c.pending_until_ms > 0) row["pending_for_ms"] = c.pending_until_ms - ms_of(now.wall);
  if (!c.home().is_zero()) row["home_reachable"] = core_.mesh().live(c.home());
  std::size_t open = 0;
  for (const auto& reply : c.replies) open += reply.open();
  row["replies_open"] = open;
  return row;
}

// Each node tells of those that it is home of; of a home that is out of reach, all tell, and the
// rows of one conversation become one.
Result<Json> Inspector::conversations(const Asked& asked, Now now) const {
  Json out = head("conversations", now);
  std::vector<const Conversation*> found;
  for (const auto& [id, c] : core_.home().conversations()) {
    const bool own = c.home() == core_.mesh().self();
    if (!own && core_.mesh().live(c.home())) continue;
    if (!wanted(asked.text("site"), site_of(c.home())) || !wanted(asked.text("brand"), c.brand) ||
        !wanted(asked.text("account"), c.account) ||
        !wanted(asked.text("state"), word_of(c.state)) || !wanted(asked.text("agent"), c.agent)) {
      continue;
    }
    found.push_back(&c);
  }
  // Who waits longest first, then what moved last.
  std::stable_sort(found.begin(), found.end(), [](const Conversation* a, const Conversation* b) {
    const auto since = [](const Conversation* c) {
      return c->unanswered.empty() ? INT64_MAX : c->waiting_since_ms();
    };
    if (since(a) != since(b)) return since(a) < since(b);
    return a->last_ms > b->last_ms;
  });
  const std::size_t limit = limit_of(asked.number("limit", 200));
  for (const Conversation* c : found) {
    if (out["rows"].size() == limit) break;
    out["rows"].push_back(summary(*c, now));
  }
  if (found.size() > limit) out["left_out"] = found.size() - limit;
  return out;
}

Result<Json> Inspector::outbox(const Asked& asked, Now now) const {
  Json out = head("outbox", now);
  const auto add = [&](Json row) {
    if (!wanted(asked.text("account"), row["account"].get<std::string>()) ||
        !wanted(asked.text("state"), row["state"].get<std::string>())) {
      return;
    }
    out["rows"].push_back(std::move(row));
  };
  for (const DispatchRow& row : core_.sender().rows()) {
    Json one = {{"reply", row.reply.id.hex()},
                {"conversation", row.reply.conversation.hex()},
                {"account", row.reply.account},
                {"sender", core_.mesh().self().hex()},
                {"sender_site", core_.settings().site},
                {"state", word_of(row.state)},
                {"attempts", row.attempts},
                {"reason", row.reason},
                {"age_ms", age_ms(ms_of(row.reply.written.wall()), now)}};
    if (row.next) one["next_in_ms"] = std::max<std::int64_t>(0, (*row.next - now.steady).count());
    if (row.behind) one["behind"] = row.behind->hex();
    add(std::move(one));
  }
  // Of a sender that is none, or that cannot be asked, home tells.
  for (const auto& [id, c] : core_.home().conversations()) {
    if (c.home() != core_.mesh().self()) continue;
    for (const auto& reply : c.replies) {
      if (!reply.open() || !reply.counts) continue;
      if (!reply.sender.is_zero() && core_.mesh().live(reply.sender)) continue;
      const bool none = reply.sender.is_zero();
      add({{"reply", reply.reply.hex()},
           {"conversation", id.hex()},
           {"account", c.account},
           {"sender", hex_or_empty(reply.sender)},
           {"sender_site", site_of(reply.sender)},
           {"state", none ? "no_host" : "sender_unreachable"},
           {"attempts", reply.attempts},
           {"reason", none ? "no host of the account is there" : reply.detail},
           {"age_ms", age_ms(reply.written_ms, now)}});
    }
  }
  cut(out, max_rows);
  return out;
}

// The accounts of this node's own config; with a fingerprint, so that hosts can be compared.
Json Inspector::account_rows(Now now) const {
  Json rows = Json::array();
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> load;  // open, waiting
  for (const auto& [id, c] : core_.home().conversations()) {
    if (c.home() != core_.mesh().self()) continue;
    ++load[c.account].first;
    load[c.account].second += c.state == CourseState::waiting;
  }
  for (const auto& [name, account] : core_.settings().accounts) {
    const AccountBody said = account_body(account);
    Json promised = {{"brand", account.brand},
                     {"channel", word_of(account.channel)},
                     {"region", account.region},
                     {"hosts", account.hosts},
                     {"target_ms", said.target_ms},
                     {"next_target_ms", said.next_target_ms},
                     {"helper_after_ms", said.helper_after_ms},
                     {"optional_skills", account.optional_skills},
                     {"optional_skills_after_ms", said.optional_skills_after_ms},
                     {"last_agent_wait_ms", said.last_agent_wait_ms},
                     {"pull_margin_ms", said.pull_margin_ms},
                     {"ring_ms", said.ring_ms},
                     {"lease_ms", said.lease_ms},
                     {"agent_gone_after_ms", said.agent_gone_after_ms},
                     {"requeue_when_late", account.requeue_when_late},
                     {"auto_accept", account.auto_accept},
                     {"trusted_ref", account.trusted_ref},
                     {"repeatable", account.repeatable},
                     {"lookup", account.lookup}};
    Json row = {{"account", name},
                {"site", core_.settings().site},
                {"node", core_.mesh().self().hex()},
                {"hosted_here", account.hosted_here}};
    Json prints = Json::object();
    for (const auto& [setting, print] : account.prints) prints[setting] = print;
    if (account.prints.empty()) prints = promised;
    row["fingerprint"] = core_.scribe().crypto().hash(name, prints.dump()).hex().substr(0, 16);
    row["prints"] = std::move(prints);
    row.update(promised);
    Json order = Json::array();
    for (const auto& node : core_.home().hosts_of(account, now).nodes) {
      order.push_back({{"site", site_of(node)}, {"live", core_.mesh().live(node)}});
    }
    row["host_order"] = std::move(order);
    row["open_here"] = load[name].first;
    row["waiting_here"] = load[name].second;
    rows.push_back(std::move(row));
  }
  return rows;
}

// As a host that cannot be asked now wrote it down last.
Json Inspector::accounts_of_absent_hosts() const {
  Json rows = Json::array();
  for (const auto& [name, account] : core_.settings().accounts) {
    const Subjects* subjects = core_.scribe().subjects(account.region);
    if (!subjects) continue;
    const auto said = published_account(core_.scribe().glance(), subjects->account(name));
    if (!said || core_.mesh().live(said->by)) continue;
    Json prints = Json::object();
    for (const auto& [setting, print] : prints_of(said->body)) prints[setting] = print;
    rows.push_back({{"account", name}, {"site", site_of(said->by)}, {"prints", std::move(prints)}});
  }
  return rows;
}

Result<Json> Inspector::accounts(const Asked& asked, Now now) const {
  Json out = head("accounts", now);
  out["rows"] = account_rows(now);
  if (const std::string only = asked.text("account"); !only.empty()) {
    Json& rows = out["rows"];
    for (std::size_t i = rows.size(); i-- > 0;) {
      if (rows[i]["account"] != only) rows.erase(i);
    }
  }
  return out;
}

}  // namespace crossfloor
