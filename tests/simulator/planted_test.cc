// Each checker is shown to fail: a fault is planted from outside, never by a switch in the product.
#include <doctest/doctest.h>

#include "storage/log_keys.h"
#include "tools/simulator/checker.h"
#include "tools/simulator/scenario.h"

using namespace crossfloor;
using namespace crossfloor::simulator;

namespace {

Options short_story(std::uint64_t seed) {
  Options options;
  options.seed = seed;
  options.shape.length = Duration{40'000};
  options.shape.heal = Duration{60'000};
  return options;
}

// Runs a world to its end, whatever breaks on the way.
class Story {
 public:
  explicit Story(const Options& options) : world(options) { world.watch(watcher_); }

  void run() {
    world.run();
    judge();
  }
  void judge() {
    for (const auto& checker : checkers_) checker->at_end(world);
  }
  std::vector<std::string> broken() const {
    std::vector<std::string> promises;
    for (const auto& checker : checkers_) {
      if (!checker->broken().empty()) promises.emplace_back(checker->promise());
    }
    return promises;
  }
  bool breaks(const std::string& promise) const {
    const auto all = broken();
    return std::find(all.begin(), all.end(), promise) != all.end();
  }

  World world;

 private:
  struct Watcher final : World::Watcher {
    explicit Watcher(Story& watched) : story(watched) {}
    void called(const World& world, const Node& node) override {
      for (const auto& checker : story.checkers_) checker->called(world, node);
    }
    void each_second(const World& world) override {
      for (const auto& checker : story.checkers_) checker->each_second(world);
    }
    Story& story;
  };

  std::vector<std::unique_ptr<Checker>> checkers_ = all_checkers();
  Watcher watcher_{*this};
};

using Promises = std::vector<std::string>;

}  // namespace

TEST_SUITE("planted faults") {
  TEST_CASE("without a fault every promise holds") {
    Story story(short_story(11));
    story.run();
    CHECK(story.world.facts().acknowledged.size() > 5);
    CHECK(story.world.facts().told.size() > 5);
    CHECK(story.broken() == Promises{});
  }

  TEST_CASE("a message that a disk forgot is found lost") {
    Story story(short_story(12));
    story.world.run();
    REQUIRE_FALSE(story.world.facts().acknowledged.empty());
    Batch forget;
    forget.erase(rows::message_key(story.world.facts().acknowledged.front().receipt.message));
    REQUIRE(story.world.nodes()[1].disk->commit(forget).ok());
    story.run();
    CHECK(story.breaks("nothing acknowledged is lost"));
    CHECK(story.breaks("equal vectors mean equal rows"));
  }

  TEST_CASE("a byte that flipped in the log is found") {
    Story story(short_story(12));
    story.world.run();
    const auto& node = story.world.nodes()[2];
    Bytes third;
    (void)node.disk->scan(keys::entry(1, 3), keys::entry(1, 4), [&](ByteView key, ByteView) {
      third = Bytes(key);
      return false;
    });
    REQUIRE_FALSE(third.empty());
    REQUIRE(node.store->flip(third, 40));
    story.run();
    CHECK(story.breaks("chains verify"));
  }

  TEST_CASE("a node that keeps its entries to itself is found to disagree") {
    Story story(short_story(13));
    story.world.meddle = [](Node& node, Effect& effect) {
      const auto* message = std::get_if<SendMessage>(&effect);
      if (node.index != 2 || message == nullptr) return true;
      const auto* frame = std::get_if<ReplicationFrame>(&message->message);
      return frame == nullptr || !std::holds_alternative<RangeIs>(frame->message);
    };
    story.run();
    CHECK(story.breaks("equal vectors mean equal rows"));
  }

  TEST_CASE("an epoch that two agents get is found") {
    Options options = short_story(14);
    options.shape.agents = 1;
    options.people.accept = 0.3;
    options.people.decline = 0.7;
    options.people.arrivals_every = Duration{500};
    Story story(options);
    std::map<ConversationId, Epoch> first;
    story.world.meddle = [&](Node&, Effect& effect) {
      auto* message = std::get_if<SendMessage>(&effect);
      auto* frame = message == nullptr ? nullptr : std::get_if<RoutingFrame>(&message->message);
      if (frame == nullptr) return true;
      const auto repeat = [&](Assignment& assignment) {
        assignment.epoch =
            first.try_emplace(assignment.conversation, assignment.epoch).first->second;
      };
      if (auto* commit = std::get_if<Commit>(&frame->message)) repeat(commit->assignment);
      if (auto* grant = std::get_if<Grant>(&frame->message)) repeat(grant->assignment);
      return true;
    };
    story.run();
    CHECK(story.breaks("one assignee"));
  }

  TEST_CASE("a takeover without a cause is found") {
    Story story(short_story(15));
    bool taken = false;
    for (int second = 10; second < 40; ++second) {
      story.world.call(1, Duration{second * 1'000}, [&](Node& node) {
        for (const auto& [id, c] : node.core->home().conversations()) {
          if (taken || c.home() == node.id) continue;
          taken = node.core->force_takeover(id, "nobody", node.now(story.world.now())).ok();
        }
      });
    }
    story.run();
    CHECK(story.breaks("one assignee"));
  }

  TEST_CASE("a double handling that the rows do not count is found") {
    auto options = read_scenario("wan-cut");
    REQUIRE(options.ok());
    // Not in every seed do both sides of a cut answer a customer, and reach the provider.
    for (options.value().seed = 1; options.value().seed < 20; ++options.value().seed) {
      Story story(options.value());
      story.world.run();
      Batch forget;
      const Bytes prefix = "C";
      const auto& node = story.world.nodes()[0];
      REQUIRE(node.core->scribe()
                  .glance()
                  .scan(prefix, after_prefix(prefix),
                        [&](ByteView key, ByteView value) {
                          auto row = decode_row<Conversation>(value);
                          REQUIRE(row.ok());
                          if (row.value().handled_twice == 0) return true;
                          row.value().handled_twice = 0;
                          forget.put(Bytes(key), encode_row(row.value()));
                          return true;
                        })
                  .ok());
      if (forget.empty()) continue;
      REQUIRE(node.disk->commit(forget).ok());
      story.judge();
      if (story.breaks("one assignee")) return;
    }
    FAIL("found in no seed");
  }

  TEST_CASE("a fourth change of site while home has an agent for it is found") {
    Story story(short_story(15));
    story.world.plan(Duration{30'000}, [&] {
      const auto& taken = story.world.facts().taken;
      REQUIRE_FALSE(taken.empty());
      Taken moved = taken.back();
      moved.home_could = true;
      moved.done = false;
      for (std::size_t change = 0; change < 5; ++change) {
        moved.node = (moved.home + 1 + change % 2) % story.world.nodes().size();
        story.world.pretend_taken(moved);
      }
    });
    story.run();
    CHECK(story.breaks("age never resets"));
  }

  TEST_CASE("an agent whose limits fell under what is at work is found overloaded") {
    Options options = short_story(16);
    options.people.arrivals_every = Duration{500};
    options.people.handling_mean = Duration{30'000};
    Story story(options);
    for (std::size_t i = 0; i < 3; ++i) {
      story.world.call(i, Duration{20'000}, [&](Node& node) {
        for (const auto& agent : node.core->desk().floor().snapshot()) {
          AgentRecord record = *node.core->desk().floor().agent(agent.name);
          record.total_units = 4;
          for (auto& channel : record.channels) channel.maximum = 1;
          REQUIRE(node.core->set_agent(record, node.now(story.world.now())).ok());
        }
      });
    }
    story.run();
    CHECK(story.breaks("no agent is overloaded"));
  }

  TEST_CASE("a call to the provider made twice is found") {
    Story story(short_story(17));
    bool again = false;
    story.world.meddle = [&](Node& node, Effect& effect) {
      const auto* call = std::get_if<CallProvider>(&effect);
      if (call == nullptr || again) return true;
      story.world.call(node.index, Duration{2'000}, [&, twice = *call](Node& sender) {
        again = true;
        Effect second = twice;
        story.world.carry_out(sender, second);
        again = false;
      });
      return true;
    };
    story.run();
    CHECK(story.breaks("every reply ends once"));
  }

  TEST_CASE("agents who hear nothing leave customers waiting, which is found") {
    Story story(short_story(18));
    story.world.meddle = [](Node&, Effect& effect) {
      return !std::holds_alternative<NotifyAgent>(effect);
    };
    story.run();
    CHECK(story.breaks("nobody waits for ever"));
  }

  TEST_CASE("an age that begins anew is found") {
    Story story(short_story(19));
    story.world.meddle = [](Node&, Effect& effect) {
      return !std::holds_alternative<NotifyAgent>(effect);
    };
    story.world.plan(Duration{30'000}, [&] {
      for (const auto& node : story.world.nodes().all()) {
        Batch younger;
        for (const auto& [id, c] : node->core->home().conversations()) {
          Conversation changed = c;
          for (auto& one : changed.unanswered) one.since_ms += 5'000;
          younger.put(rows::conversation_key(id), encode_row(changed));
        }
        REQUIRE(node->disk->commit(younger).ok());
        story.world.restart(node->index);
      }
    });
    story.run();
    CHECK(story.breaks("age never resets"));
  }

  TEST_CASE("a live member that others call dead is found") {
    Story story(short_story(20));
    story.world.meddle = [](Node& node, Effect& effect) {
      const auto* message = std::get_if<SendMessage>(&effect);
      return node.index != 1 || message == nullptr ||
             !std::holds_alternative<MembershipFrame>(message->message);
    };
    story.run();
    CHECK(story.breaks("members agree"));
  }

  TEST_CASE("a text on the disk of another region is found") {
    Options options = short_story(21);
    options.shape.nodes = 4;
    options.shape.regions = 2;
    Story story(options);
    story.world.plan(Duration{50'000}, [&] {
      const auto& nodes = story.world.nodes();
      REQUIRE(nodes[0].region != nodes[1].region);
      Batch stray;
      stray.put("D stray", "a note about " + mark_of(nodes[1].region));
      REQUIRE(nodes[0].disk->commit(stray).ok());
    });
    story.run();
    CHECK(story.breaks("regions keep their data"));
  }

  TEST_CASE("a message in a conversation that nobody opened is found") {
    Story story(short_story(24));
    story.world.run();
    const auto& acknowledged = story.world.facts().acknowledged;
    REQUIRE_FALSE(acknowledged.empty());
    const auto& node = story.world.nodes()[0];
    const auto message = rows::message(*node.disk, acknowledged.front().receipt.message);
    REQUIRE((message.ok() && message.value() && !message.value()->placements.empty()));
    Batch unopened;
    for (const auto& place : message.value()->placements) {
      const auto id = rows::canonical(*node.disk, place.conversation);
      REQUIRE(id.ok());
      auto row = rows::conversation(*node.disk, id.value());
      REQUIRE((row.ok() && row.value()));
      row.value()->opened = false;
      unopened.put("C" + Bytes(id.value().view()), encode_row(*row.value()));
    }
    REQUIRE(node.disk->commit(unopened).ok());
    story.judge();
    CHECK(story.breaks("nothing acknowledged is lost"));
  }

  TEST_CASE("nodes that talk themselves into a flood are found") {
    Story story(short_story(23));
    story.world.call(0, Duration{20'000}, [&](Node& node) {
      const PeerMessage question = ReplicationFrame{VectorHash{}};
      for (int i = 0; i < 3'000; ++i) {
        node.core->receive(story.world.nodes()[1].id, LinkKind::live, question,
                           node.now(story.world.now()));
      }
    });
    story.run();
    CHECK(story.breaks("nothing grows without limit"));
  }

  TEST_CASE("a frame that no link carries is found") {
    Story story(short_story(22));
    story.world.call(0, Duration{20'000}, [&](Node& node) {
      InspectQuestion question;
      question.arguments = std::string(5'000, 'x');
      Effect large = SendMessage{story.world.nodes()[1].id, LinkKind::pulse, DeskFrame{question}};
      story.world.carry_out(node, large);
    });
    story.run();
    CHECK(story.breaks("nothing grows without limit"));
  }
}
