#include "tools/simulator/checkers.h"

namespace crossfloor::simulator {
namespace {

std::map<Bytes, Bytes> rows_of(const Host& host) {
  std::map<Bytes, Bytes> rows;
  const Reader& view = host.core->scribe().view();
  (void)view
      .scan("A", "Z",
            [&](ByteView key, ByteView value) {
              if (key[0] != 'D') rows.emplace(Bytes(key), Bytes(value));
              return true;
            })
      .ok();
  return rows;
}

}  // namespace

std::vector<Broken> nothing_acknowledged_is_lost(const World& world) {
  std::vector<Broken> broken;
  for (const auto& host : world.hosts()) {
    if (!host->up) continue;
    for (const auto& one : world.acknowledged()) {
      auto row = rows::message(host->core->scribe().view(), one.receipt.message);
      if (!row.ok() || !row.value() || row.value()->copies.empty()) {
        broken.push_back(
            {"nothing acknowledged is lost", one.external_id + " is not at " + host->site +
                                                 (one.receipt.mesh ? " (mesh)" : " (site)")});
      } else if (row.value()->placements.empty()) {
        broken.push_back({"nothing acknowledged is lost",
                          one.external_id + " has no conversation at " + host->site});
      }
    }
  }
  return broken;
}

std::vector<Broken> all_copies_agree(const World& world) {
  std::vector<Broken> broken;
  const Host* first = nullptr;
  std::map<Bytes, Bytes> expected;
  for (const auto& host : world.hosts()) {
    if (!host->up) continue;
    auto rows = rows_of(*host);
    if (first == nullptr) {
      first = host.get();
      expected = std::move(rows);
      continue;
    }
    if (host->core->scribe().log().vector() != first->core->scribe().log().vector()) {
      broken.push_back(
          {"all copies agree", host->site + " and " + first->site + " hold different entries"});
    } else if (rows != expected) {
      std::string which;
      for (const auto& [key, value] : expected) {
        const auto other = rows.find(key);
        if (other == rows.end() || other->second != value) {
          which = std::string(1, key[0]) + " " + to_hex(ByteView(key).substr(1, 8));
          break;
        }
      }
      broken.push_back({"all copies agree", host->site + " and " + first->site +
                                                " hold the same entries and other rows: " + which});
    }
  }
  return broken;
}

std::vector<Broken> nobody_waits_for_ever(const World& world) {
  std::vector<Broken> broken;
  for (const auto& host : world.hosts()) {
    if (!host->up) continue;
    for (const auto& [id, conversation] : host->core->home().conversations()) {
      if (conversation.unanswered.empty()) continue;
      broken.push_back({"nobody waits for ever",
                        id.hex().substr(0, 8) + " is " + word_of(conversation.state) + " (" +
                            conversation.reason + ") with " +
                            std::to_string(conversation.unanswered.size()) + " unanswered, agent " +
                            conversation.agent + ", home " +
                            conversation.home().hex().substr(0, 6) + ", as " + host->site + " " +
                            host->id.hex().substr(0, 6) + " sees it"});
    }
    if (host->core->home().unplaced() > 0) {
      broken.push_back({"nobody waits for ever", std::to_string(host->core->home().unplaced()) +
                                                     " messages have no conversation at " +
                                                     host->site});
    }
  }
  return broken;
}

std::vector<Broken> every_reply_ends(const World& world) {
  std::vector<Broken> broken;
  for (const auto& [reply, times] : world.provider().taken) {
    if (times > 1 && world.options().crashes_every == Duration{0}) {
      broken.push_back({"every reply ends", reply.hex().substr(0, 8) + " was sent " +
                                                std::to_string(times) + " times"});
    }
  }
  for (const auto& host : world.hosts()) {
    if (!host->up) continue;
    for (const auto& row : host->core->sender().rows()) {
      broken.push_back({"every reply ends", row.reply.id.hex().substr(0, 8) + " at " + host->site +
                                                " is still " +
                                                names_of(row.state)[static_cast<int>(row.state)]});
    }
  }
  return broken;
}

std::vector<Broken> one_assignee_and_no_overload(const World& world) {
  std::vector<Broken> broken;
  struct Holder {
    Epoch epoch;
    std::string agent;
  };
  std::map<ConversationId, std::vector<Holder>> holders;
  for (const auto& host : world.hosts()) {
    if (!host->up) continue;
    for (const auto& agent : host->core->desk().floor().snapshot()) {
      if (agent.units_used > agent.units_total) {
        broken.push_back({"no overload", agent.name + " has " + std::to_string(agent.units_used) +
                                             " of " + std::to_string(agent.units_total)});
      }
      for (const auto& channel : agent.channels) {
        if (channel.used > channel.maximum) {
          broken.push_back({"no overload", agent.name + " has too many of one channel"});
        }
      }
      for (const auto& slot : agent.slots) {
        if (slot.state == SlotState::held) continue;
        const Work* work = host->core->desk().floor().work_of(slot.conversation);
        if (work != nullptr) holders[slot.conversation].push_back({work->epoch, agent.name});
      }
    }
  }
  for (const auto& [id, all] : holders) {
    if (all.size() < 2) continue;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t k = i + 1; k < all.size(); ++k) {
        if (all[i].epoch == all[k].epoch && all[i].agent != all[k].agent) {
          broken.push_back({"one assignee", id.hex().substr(0, 8) + " is with " + all[i].agent +
                                                " and " + all[k].agent + " in one epoch"});
        }
      }
    }
  }
  return broken;
}

std::vector<Broken> judge_at_the_end(const World& world) {
  std::vector<Broken> all;
  for (const auto check : {nothing_acknowledged_is_lost, all_copies_agree, nobody_waits_for_ever,
                           every_reply_ends, one_assignee_and_no_overload}) {
    for (auto& one : check(world)) all.push_back(std::move(one));
  }
  return all;
}

}  // namespace crossfloor::simulator
