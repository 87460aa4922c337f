// What a session's client is told without having asked.
#include <algorithm>

#include "node/core/history.h"
#include "node/core/sessions.h"

namespace crossfloor {
namespace {

constexpr std::size_t items_looked_at = 20;
constexpr std::size_t items_of_ring = 5;
constexpr std::size_t max_snapshot = 200;

// What of an item may become different while its place stays.
std::string changeable(const client::HistoryItem& item) {
  return item.outcome + '/' + item.outcome_detail + (item.handled_twice ? "/2" : "");
}

}  // namespace

void Sessions::push(Session& session, client::Message message) {
  const std::uint64_t seq = ++session.seq;
  std::visit(
      [&](auto& one) {
        if constexpr (requires { one.seq; }) one.seq = seq;
      },
      message);
  Pushed pushed{seq, client::to_text(message)};
  if (session.connection != 0) actions_.push_back(SendText{session.connection, pushed.text});
  session.pushed_bytes += pushed.text.size();
  session.pushed.push_back(std::move(pushed));
  while (session.pushed.size() > options_.max_pushes ||
         session.pushed_bytes > options_.max_push_bytes) {
    session.pushed_bytes -= session.pushed.front().text.size();
    session.pushed.pop_front();
  }
}

client::SlotsView Sessions::slots_of(const std::string& agent) const {
  client::SlotsView out;
  const auto view = desk_.view(agent);
  if (!view) return out;
  out.presence = static_cast<client::Presence>(view->presence);
  out.reason = view->reason;
  out.units_used = view->units_used;
  out.units_total = view->units_total;
  for (const auto& channel : view->channels) {
    out.channels.push_back(
        {channel.kind, channel.duty, channel.used, channel.maximum, channel.free});
  }
  for (const auto& slot : view->slots) {
    client::WorkView work;
    work.state = static_cast<client::WorkState>(slot.state);
    if (!slot.conversation.is_zero()) work.conversation = slot.conversation;
    out.work.push_back(work);
  }
  return out;
}

void Sessions::refresh_slots(const std::string& agent, Session& session) {
  auto slots = slots_of(agent);
  if (slots == session.slots) return;
  session.slots = slots;
  push(session, client::SlotsChanged{0, std::move(slots)});
}

std::vector<client::ConversationView> Sessions::views_of(const std::string& agent) const {
  std::set<ConversationId> ids;
  for (const auto& id : desk_.conversations_of(agent)) ids.insert(id);
  for (const auto& work : slots_of(agent).work) {
    if (work.conversation && work.state != client::WorkState::held) ids.insert(*work.conversation);
  }
  std::vector<client::ConversationView> views;
  for (const auto& id : ids) {
    if (views.size() >= max_snapshot) break;
    auto conversation = standing_conversation(durable_, id);
    if (conversation.ok()) views.push_back(view_of(conversation.value()));
  }
  return views;
}

void Sessions::push_snapshot(const std::string& agent, Session& session) {
  session.shown.clear();
  session.slots = slots_of(agent);
  push(session, client::Snapshot{0, session.slots, views_of(agent)});
}

std::vector<client::HistoryItem> Sessions::fresh_items(Session& session, const ConversationId& id) {
  auto page = conversation_history(durable_, id, {"", items_looked_at});
  if (!page.ok()) return {};
  auto& shown = session.shown[id].items;
  std::map<std::string, std::string> now_shown;
  std::vector<client::HistoryItem> fresh;
  for (auto& item : page.value().items) {
    auto state = changeable(item);
    const auto known = shown.find(item.cursor);
    const bool is_new = known == shown.end() || known->second != state;
    now_shown.emplace(item.cursor, std::move(state));
    if (is_new) fresh.push_back(std::move(item));
  }
  shown = std::move(now_shown);
  return fresh;
}

void Sessions::push_ring(const std::string&, Session& session, const NotifyAgent& notice, Now now) {
  client::Ring ring;
  ring.conversation = notice.conversation;
  ring.epoch = notice.epoch;
  ring.complete = notice.complete;
  const Duration left = std::max(Duration{0}, notice.until - now.steady);
  ring.ring_ms = left.count();
  ring.until_ms = ms_of(now.wall + left);
  auto conversation = standing_conversation(durable_, notice.conversation);
  if (conversation.ok()) {
    ring.view = view_of(conversation.value());
    session.shown.erase(notice.conversation);
    ring.items = fresh_items(session, notice.conversation);
    if (ring.items.size() > items_of_ring) ring.items.resize(items_of_ring);
    session.shown[notice.conversation].view = *ring.view;
  } else {
    ring.complete = false;
  }
  push(session, std::move(ring));
}

void Sessions::push_changed(const std::string& agent, Session& session, const NotifyAgent& notice) {
  auto conversation = standing_conversation(durable_, notice.conversation);
  if (!conversation.ok()) return;
  client::Changed changed;
  changed.reason = notice.reason;
  changed.view = view_of(conversation.value());
  changed.yours = conversation.value().agent == agent;
  const auto id = changed.view.conversation;
  changed.items = fresh_items(session, id);
  auto& shown = session.shown[id];
  if (shown.view == changed.view && changed.items.empty()) return;  // nothing to see
  shown.view = changed.view;
  if (!changed.yours) session.shown.erase(id);
  push(session, std::move(changed));
}

}  // namespace crossfloor
