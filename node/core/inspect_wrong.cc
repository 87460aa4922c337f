// What is wrong, most urgent first, each with the command that shows it and the one that mends it.
#include <algorithm>
#include <cstdlib>

#include "node/core/inspect_parts.h"

namespace crossfloor {
namespace {

using namespace inspect_parts;
using Json = Inspector::Json;

// Many of a kind are one line.
constexpr std::size_t named_of_a_kind = 3;

std::string ids_text(const std::vector<std::string>& ids) {
  std::string text;
  for (std::size_t i = 0; i < ids.size() && i < named_of_a_kind; ++i) {
    text += (i ? ", " : "") + ids[i].substr(0, 12);
  }
  if (ids.size() > named_of_a_kind) {
    text += " and " + std::to_string(ids.size() - named_of_a_kind) + " more";
  }
  return text;
}

std::string count_text(std::size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

}  // namespace

Json Inspector::wrong(Now now) const {
  Json list = Json::array();
  wrong_store(list, now);
  wrong_replies(list, now);
  wrong_conversations(list, now);
  wrong_mesh(list, now);
  for (Json& line : list) {
    line["node"] = core_.mesh().self().hex();
    line["site"] = core_.settings().site;
  }
  std::stable_sort(list.begin(), list.end(), [](const Json& a, const Json& b) {
    return a["urgency"].get<int>() < b["urgency"].get<int>();
  });
  return list;
}

void Inspector::wrong_store(Json& list, Now) const {
  if (!core_.failed().ok()) {
    list.push_back(complaint(Urgency::disk, "the store failed: " + core_.failed().error().what,
                             "journalctl -u crossfloord",
                             "make room or replace the disk, then restart crossfloord"));
  }
  if (const auto& why = core_.read_only()) {
    list.push_back(complaint(Urgency::disk,
                             "nothing can be written: " + why->what +
                                 "; this node shows what it has and takes nothing in",
                             "df " + why->where, "make room; it goes on by itself"));
  }
  const Log& log = core_.scribe().log();
  for (const auto& [stream, fork] : log.forks()) {
    const NodeId& node = stream.origin.node;
    const std::string name = "node " + node.hex().substr(0, 12) + " (" + site_of(node) + ")";
    const std::string same = "fork " + node.hex() + std::to_string(stream.origin.generation);
    const Member* member = core_.mesh().membership().find(node);
    const auto generation = member != nullptr ? member->mark.generation
                                              : core_.mesh().membership().own_mark().generation;
    // Not heard of since this node started: nobody knows that it has begun anew.
    const bool broken = generation == stream.origin.generation || generation == 0;
    list.push_back(complaint(
        broken ? Urgency::fork : Urgency::note,
        name +
            (broken ? " is broken: it signed two histories behind entry "
                    : " signed two histories in an earlier life, behind entry ") +
            std::to_string(fork.common),
        "crossfloor streams " + node.hex().substr(0, 12),
        broken ? "restart that node; if its key was copied: crossfloor mesh revoke"
               : "is a copy of its machine running? If its key was stolen: crossfloor mesh revoke",
        same));
  }
  if (const PeerClocks& clocks = core_.mesh().clocks(); clocks.worth_showing()) {
    const std::int64_t ahead = clocks.ahead()->count();
    std::string what = "this node's clock is " + duration_text(std::abs(ahead)) +
                       (ahead > 0 ? " behind" : " ahead of") + " its peers'";
    if (clocks.wrong()) what += "; it is not ready, and stamps with theirs";
    list.push_back(complaint(clocks.wrong() ? Urgency::disk : Urgency::clock, what,
                             "crossfloor sites", "set the clock by NTP"));
  }
  if (const auto from_the_future = core_.scribe().entries_from_the_future(); from_the_future > 0) {
    list.push_back(complaint(Urgency::clock,
                             count_text(from_the_future, "entry has", "entries have") +
                                 " a time over 60 s ahead of this node's clock",
                             "crossfloor sites", "set the clocks by NTP, at both ends"));
  }
}

void Inspector::wrong_replies(Json& list, Now now) const {
  std::vector<std::string> person, refused;
  for (const auto& row : core_.sender().rows()) {
    if (row.state == DispatchState::needs_person) person.push_back(row.reply.id.hex());
    if (row.state == DispatchState::refused) refused.push_back(row.reply.id.hex());
  }
  if (!person.empty()) {
    list.push_back(complaint(
        Urgency::person_needed,
        count_text(person.size(), "reply needs", "replies need") +
            " a person: sent, and not known whether it arrived (" + ids_text(person) + ")",
        "crossfloor outbox",
        "crossfloor outbox resolve " + person[0].substr(0, 12) + " sent|resend --reason …"));
  }
  if (!refused.empty()) {
    list.push_back(complaint(Urgency::person_needed,
                             count_text(refused.size(), "reply was", "replies were") +
                                 " refused by the provider (" + ids_text(refused) + ")",
                             "crossfloor outbox",
                             "crossfloor outbox retry " + refused[0].substr(0, 12) +
                                 " --reason …, or answer the customer in another way"));
  }
  std::vector<std::string> no_host, dead_sender;
  for (const auto& [id, c] : core_.home().conversations()) {
    if (c.home() != core_.mesh().self()) continue;
    for (const auto& reply : c.replies) {
      if (!reply.open() || !reply.counts) continue;
      if (reply.sender.is_zero()) {
        no_host.push_back(id.hex());
      } else if (!core_.mesh().live(reply.sender)) {
        dead_sender.push_back(id.hex());
      }
    }
  }
  if (!no_host.empty()) {
    list.push_back(complaint(
        Urgency::no_host,
        count_text(no_host.size(), "reply waits", "replies wait") +
            " because no host of its account is there (conversation " + ids_text(no_host) + ")",
        "crossfloor accounts", "start a host of that account, or add one in site.toml"));
  }
  if (!dead_sender.empty()) {
    list.push_back(complaint(Urgency::no_host,
                             count_text(dead_sender.size(), "reply lies", "replies lie") +
                                 " with a sender that cannot be reached (conversation " +
                                 ids_text(dead_sender) + ")",
                             "crossfloor outbox", "bring that node back"));
  }
  (void)now;
}

void Inspector::wrong_conversations(Json& list, Now now) const {
  std::vector<std::pair<std::int64_t, std::string>> late;
  std::map<NodeId, std::vector<std::string>> homeless;
  std::vector<std::string> twice;
  const NodeId self = core_.mesh().self();
  for (const auto& [id, c] : core_.home().conversations()) {
    if (!c.opened) continue;
    const NodeId home = c.home();
    if (home != self) {
      if (!core_.mesh().live(home) && c.state != CourseState::closed) {
        homeless[home].push_back(id.hex());
      }
      continue;
    }
    if (c.handled_twice > 0) twice.push_back(id.hex());
    const auto* account = core_.home().account(c.account);
    if (c.unanswered.empty() || !account) continue;
    const std::int64_t age = age_ms(c.waiting_since_ms(), now);
    if (age > core_.home().target_of(c).count()) late.emplace_back(age, id.hex());
  }
  for (const auto& [home, ids] : homeless) {
    const auto since = core_.mesh().dead_since(home);
    std::string what = count_text(ids.size(), "conversation has its", "conversations have their") +
                       " home at " + site_of(home) + " (" + home.hex().substr(0, 12) +
                       "), which cannot be reached";
    if (since) what += " for " + duration_text(age_ms(*since, now));
    list.push_back(complaint(Urgency::unreachable_home, what, "crossfloor sites",
                             "it is taken over by itself, or now: crossfloor takeover " +
                                 ids[0].substr(0, 12) + " --reason …",
                             "home " + home.hex()));
  }
  if (!late.empty()) {
    std::sort(late.rbegin(), late.rend());
    std::vector<std::string> ids;
    for (const auto& [age, id] : late) ids.push_back(id);
    list.push_back(complaint(Urgency::unanswered,
                             count_text(late.size(), "conversation is", "conversations are") +
                                 " unanswered beyond the target, the oldest for " +
                                 duration_text(late[0].first) + " (" + ids_text(ids) + ")",
                             "crossfloor explain " + ids[0].substr(0, 12),
                             "crossfloor assign " + ids[0].substr(0, 12) + " AGENT --reason …"));
  }
  if (const auto& alarms = core_.desk().alarms(); !alarms.empty()) {
    const auto& [first, why] = *alarms.begin();
    const std::string name = first.hex().substr(0, 12);
    std::string what = "conversation " + name + " " + why;
    if (alarms.size() > 1) {
      std::vector<std::string> ids;
      for (const auto& [id, each] : alarms) ids.push_back(id.hex());
      what = std::to_string(ids.size()) + " conversations are such a case (" + ids_text(ids) +
             "): " + what;
    }
    list.push_back(complaint(Urgency::unanswered, what, "crossfloor explain " + name,
                             "crossfloor assign " + name + " AGENT --reason …"));
  }
  if (!twice.empty()) {
    list.push_back(
        complaint(Urgency::handled_twice,
                  count_text(twice.size(), "open conversation was", "open conversations were") +
                      " handled twice in a cut (" + ids_text(twice) + ")",
                  "crossfloor conversation " + twice[0].substr(0, 12),
                  "tell the customer which answer counts"));
  }
}

void Inspector::wrong_mesh(Json& list, Now now) const {
  for (const auto& [node, member] : core_.mesh().membership().members()) {
    if (member.state == MemberState::left || member.live()) continue;
    std::string what = "node " + node.hex().substr(0, 12) + " (" + member.site + ") ";
    what += member.last_heard ? "cannot be reached, last heard " +
                                    duration_text(age_ms(*member.last_heard, now)) + " ago"
                              : std::string("was never heard of since this node started");
    list.push_back(complaint(Urgency::no_path, what, "crossfloor links",
                             "is it running, and is the way to it open? It is tried for ever",
                             "path " + node.hex()));
  }
  for (const auto& [node, overstepped] : core_.overstepped()) {
    list.push_back(
        complaint(Urgency::certificate,
                  "node " + node.hex().substr(0, 12) + " (" + site_of(node) + ") said " +
                      count_text(overstepped.times, "thing", "things") +
                      " that its certificate gives no right to; lately: " + overstepped.last.what,
                  "crossfloor sites",
                  "give it the right (" + overstepped.last.mend +
                      "), or if it should not do this: crossfloor mesh revoke"));
  }
  for (const auto& expiry : core_.mesh().roster().expiring(now.wall)) {
    if (expiry.node != core_.mesh().self()) continue;  // each tells of its own
    list.push_back(complaint(
        Urgency::certificate,
        "the certificate ends in " + duration_text((expiry.expires - now.wall).count()),
        "crossfloor sites", "crossfloor node keygen --keep-key …, then mesh admit and mesh apply"));
  }
  for (const auto& lag : core_.replication().lags()) {
    constexpr std::uint64_t worth_telling = 1000;
    if (lag.entries < worth_telling) continue;
    list.push_back(complaint(Urgency::lag,
                             std::to_string(lag.entries) + " entries that " + site_of(lag.peer) +
                                 " has are not here yet",
                             "crossfloor links", "it catches up by itself"));
  }
  if (const auto waiting = core_.commands().waiting(); !waiting.empty()) {
    const auto oldest =
        std::min_element(waiting.begin(), waiting.end(),
                         [](const auto& a, const auto& b) { return a.since < b.since; });
    const std::int64_t age = age_ms(oldest->since, now);
    if (age > 5'000) {
      list.push_back(complaint(
          Urgency::unreachable_home,
          count_text(waiting.size(), "command of an agent waits", "commands of agents wait") +
              " for its home, the oldest for " + duration_text(age),
          "crossfloor conversation " + oldest->command.conversation.hex().substr(0, 12),
          "crossfloor takeover " + oldest->command.conversation.hex().substr(0, 12) +
              " --reason …"));
    }
  }
  if (core_.mesh().own_drained()) {
    list.push_back(complaint(Urgency::note, "this node is drained: it takes no new work",
                             "crossfloor sites", "crossfloor drain off --reason …"));
  }
}

}  // namespace crossfloor
