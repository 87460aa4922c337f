// At most one valid assignee per conversation and epoch. Without a cut, a death or a standstill no
// conversation ever has a second home or is handled twice; with them, every double handling is
// found and counted after healing.
//
// What was handled twice is reckoned from what each home knew when it wrote a reply, and from what
// reached the providers; not from what the rows say of it.
#include "protocol/bodies.h"
#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

class OneAssignee final : public Checker {
 public:
  const char* promise() const override { return "one assignee"; }

  void called(const World& world, const Node& node) override {
    if (writing_.anything_new(node)) note_replies(world, node);
    if (++calls_ % calls_between_looks(world) == 0) look(world, node);
  }
  void each_second(const World& world) override {
    for (const auto& node : world.nodes().all()) {
      if (node->up) look(world, *node);
    }
  }

  void at_end(const World& world) override {
    find_twice(world);
    for (const auto& node : world.nodes().all()) {
      if (!node->up) continue;
      (void)node->core->scribe()
          .glance()
          .scan("C", "D",
                [&](ByteView, ByteView value) {
                  auto row = decode_row<Conversation>(value);
                  if (row.ok()) check(world, *node, row.value());
                  return true;
                })
          .ok();
    }
  }

 private:
  // Who has an epoch is remembered for ever: a second one at another time is as wrong.
  void look(const World& world, const Node& node) {
    for (const auto& [nonce, work] : node.core->desk().floor().works()) {
      if (work.state == SlotState::held) continue;
      const auto [at, fresh] = holders_.try_emplace({work.conversation, work.epoch}, work.agent);
      if (fresh || at->second == work.agent) continue;
      breaks(world,
             work.conversation.hex() + " is with " + work.agent + " and " + at->second +
                 " in one epoch",
             work.conversation.hex());
    }
  }

  void check(const World& world, const Node& node, const Conversation& c) {
    if (!world.facts().ever_apart && c.homes.size() > 1) {
      breaks(world, c.id.hex() + " was taken over although nothing ever failed", c.id.hex());
    }
    const std::size_t beside = answers_beside(c);
    if (c.handled_twice < beside) {
      breaks(world,
             c.id.hex() + " was answered " + std::to_string(beside) +
                 " times beside another answer, and " + node.site + " counts " +
                 std::to_string(c.handled_twice),
             c.id.hex());
    }
    if (!world.facts().ever_apart && c.handled_twice > 0) {
      breaks(world, c.id.hex() + " was handled twice although nothing ever failed", c.id.hex());
    }
  }

  // Of each two the one that is not of the course that counts: the one of the lower term; but of
  // two homes of the higher term only one may have it, and only until the next one began: what else
  // they wrote is itself beside.
  std::size_t answers_beside(const Conversation& c) const {
    const auto pairs = twice_.find(c.id);
    if (pairs == twice_.end()) return 0;
    std::set<ReplyId> beside;
    for (const auto& [lower, higher] : pairs->second) {
      const Written& later = written_.at(higher).front();
      const auto begun = begun_.find(c.id);
      const bool over =
          begun != begun_.end() &&
          std::any_of(begun->second.begin(), begun->second.end(), [&](const Epoch& next) {
            return next.term > later.term && next.time < later.at;
          });
      const bool stands =
          !over && std::any_of(c.homes.begin(), c.homes.end(), [&](const TermHome& home) {
            return home.term == later.term && home.node == later.home;
          });
      beside.insert(stands ? lower : higher);
    }
    return beside.size();
  }

  // A reply that a home wrote, and which entries of others it held by then: by the numbers that
  // stand for streams here, for a long day has many of both.
  struct Written {
    ConversationId conversation;
    std::uint64_t term = 0;
    NodeId home;
    HybridTime at;
    std::size_t stream = 0;
    Sequence sequence = 0;
    std::vector<Sequence> knew;
  };

  std::size_t number_of(const Stream& stream) {
    return streams_.try_emplace(stream, streams_.size()).first->second;
  }
  std::vector<Sequence> held_by(const Scribe& scribe) {
    std::vector<Sequence> held;
    for (const auto& [stream, last] : scribe.log().vector()) {
      const std::size_t number = number_of(stream);
      if (number >= held.size()) held.resize(number + 1);
      held[number] = last;
    }
    return held;
  }

  void note_replies(const World& world, const Node& node) {
    const Scribe& scribe = node.core->scribe();
    if (world.facts().copied.contains({node.id, scribe.generation()})) return;
    const Stream own{{node.id, scribe.generation()}, node.region};
    const auto head = scribe.log().head(own);
    if (!head) return;
    Sequence& noted = noted_[own];
    for (; noted < head->sequence; ++noted) {
      auto entry = entry_at(scribe.glance(), own, noted + 1);
      if (!entry.ok() || !entry.value()) return;  // looked for again when more is written
      const auto header = EntryHeader::decode(entry.value()->header);
      if (!header.ok()) continue;
      const auto conversation = header.value().subject.as<ConversationId>();
      if (header.value().kind == static_cast<std::uint16_t>(EntryKind::took_home)) {
        auto took = decode_body<TookHomeBody>(entry.value()->body);
        if (took.ok()) begun_[conversation].push_back(took.value().epoch);
      }
      if (header.value().kind != static_cast<std::uint16_t>(EntryKind::reply)) continue;
      auto body = decode_body<ReplyBody>(entry.value()->body);
      if (!body.ok()) continue;
      written_[body.value().reply].push_back({conversation, body.value().epoch.term, node.id,
                                              header.value().time, number_of(own), noted + 1,
                                              held_by(scribe)});
    }
  }

  // Whether who wrote `later` held the reply written by then.
  static bool knew(const Written& later, const std::vector<Written>& reply) {
    for (const Written& one : reply) {
      if (one.stream == later.stream) return true;
      if (one.stream < later.knew.size() && later.knew[one.stream] >= one.sequence) return true;
    }
    return false;
  }
  static bool unknown_to_each_other(const std::vector<Written>& a, const std::vector<Written>& b) {
    return !knew(a.front(), b) && !knew(b.front(), a);
  }

  // Both reached their provider, and neither home knew of the other's answer. Of homes of one term
  // it may be either that counts.
  void find_twice(const World& world) {
    std::map<ConversationId, std::vector<ReplyId>> replies;
    for (const auto& [reply, written] : written_) {
      const auto handed = world.facts().handed.find(reply);
      if (handed == world.facts().handed.end() || handed->second.calls == 0) continue;
      replies[standing(world, written.front().conversation)].push_back(reply);
    }
    for (const auto& [id, all] : replies) {
      for (const auto& one : all) {
        for (const auto& other : all) {
          const auto& a = written_.at(one);
          const auto& b = written_.at(other);
          if (a.front().term >= b.front().term || !unknown_to_each_other(a, b)) continue;
          twice_[id].emplace(one, other);
        }
      }
      if (world.facts().ever_apart || twice_[id].empty()) continue;
      breaks(world, id.hex() + " was answered by two homes although nothing ever failed", id.hex());
    }
  }

  // A conversation that was joined to another counts as that one.
  static ConversationId standing(const World& world, const ConversationId& id) {
    for (const auto& node : world.nodes().all()) {
      if (!node->up) continue;
      if (auto known = rows::canonical(node->core->scribe().glance(), id); known.ok()) {
        return known.value();
      }
    }
    return id;
  }

  std::uint64_t calls_ = 0;
  Writing writing_;
  std::map<Stream, Sequence> noted_;
  std::map<Stream, std::size_t> streams_;
  std::map<ReplyId, std::vector<Written>> written_;
  std::map<ConversationId, std::vector<Epoch>> begun_;  // terms, also those that another took over
  std::map<ConversationId, std::set<std::pair<ReplyId, ReplyId>>> twice_;  // lower term, higher
  std::map<std::pair<ConversationId, Epoch>, std::string> holders_;
};

}  // namespace

std::unique_ptr<Checker> one_assignee() {
  return std::make_unique<OneAssignee>();
}

}  // namespace crossfloor::simulator
