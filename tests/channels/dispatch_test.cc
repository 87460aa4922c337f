#include "node/channels/dispatch.h"

#include <doctest/doctest.h>

#include "protocol/fields.h"

using namespace crossfloor;
using namespace std::chrono_literals;

namespace {

ReplyId reply_id(unsigned number) {
  ReplyId id;
  id.raw[0] = static_cast<unsigned char>(number);
  id.raw[1] = static_cast<unsigned char>(number >> 8);
  return id;
}
unsigned number_of(const ReplyId& id) {
  return id.raw[0] + 256u * id.raw[1];
}
Now at(Duration since_start) {
  return {Instant{} + since_start, wall_from_ms(1'000'000) + since_start};
}
DeliveryResult accepted(const char* id) {
  return {DeliveryKind::accepted, id, "", {}};
}
DeliveryResult ended(DeliveryKind kind) {
  return {kind, "", "because", {}};
}

// A dispatcher whose effects are read as words: "attempt 1/1", "post 1/1", "outcome 1/1 accepted".
struct Sender {
  SeededRandom random{7};
  Dispatch dispatch{random};
  DispatchOutbox out;

  explicit Sender(DispatchAccount account = {.name = "chat"}) {
    dispatch.set_account(account, at(0s), out);
  }
  DispatchReply reply(unsigned number, unsigned conversation) const {
    ConversationId id;
    id.raw[0] = static_cast<unsigned char>(conversation);
    return {reply_id(number), id, "chat", HybridTime{number}};
  }
  void submit(unsigned number, unsigned conversation, Duration when = 0s) {
    dispatch.submit(reply(number, conversation), at(when), out);
  }
  void stored(unsigned number, std::uint32_t attempt, Duration when = 0s) {
    dispatch.attempt_stored(reply_id(number), attempt, at(when), out);
  }
  void posted(unsigned number, std::uint32_t attempt, const DeliveryResult& result,
              Duration when = 0s) {
    dispatch.posted(reply_id(number), attempt, result, at(when), out);
  }
  // Submits, stores and posts its first attempt.
  void send(unsigned number, unsigned conversation, const DeliveryResult& result,
            Duration when = 0s) {
    submit(number, conversation, when);
    stored(number, 1, when);
    posted(number, 1, result, when);
  }
  void withdraw(unsigned number) { dispatch.withdraw(reply_id(number), at(0s), out); }
  void tick(Duration when) { dispatch.tick(at(when), out); }
  void hold(bool holds) { dispatch.hold(holds, at(0s), out); }

  std::string said() {
    std::string text;
    for (const auto& effect : std::exchange(out, {})) {
      if (!text.empty()) text += ", ";
      std::visit(
          [&](const auto& e) {
            using E = std::decay_t<decltype(e)>;
            const auto name = [&](const char* verb) {
              text += std::string(verb) + " " + std::to_string(number_of(e.reply)) + "/" +
                      std::to_string(e.attempt);
            };
            if constexpr (std::is_same_v<E, StoreAttempt>) name("attempt");
            if constexpr (std::is_same_v<E, PostReply>) name("post");
            if constexpr (std::is_same_v<E, LookupReply>) name("lookup");
            if constexpr (std::is_same_v<E, StoreOutcome>) {
              name("outcome");
              text += std::string(" ") + word_of(e.result.kind);
            }
          },
          effect);
    }
    return text;
  }
  std::string state(unsigned number) const {
    for (const auto& row : dispatch.rows()) {
      if (row.reply.id == reply_id(number)) return word_of(row.state);
    }
    return "gone";
  }
};

}  // namespace

TEST_SUITE("dispatch") {
  TEST_CASE("the attempt is durable before the first byte leaves, the outcome ends it") {
    Sender sender;
    sender.submit(1, 1);
    CHECK(sender.said() == "attempt 1/1");
    sender.posted(1, 1, accepted("early"));  // nothing was posted yet
    CHECK(sender.said() == "");
    sender.stored(1, 1);
    CHECK(sender.said() == "post 1/1");
    sender.posted(1, 1, accepted("x"));
    CHECK(sender.said() == "outcome 1/1 accepted");
    CHECK(sender.state(1) == "gone");
    sender.posted(1, 1, accepted("x"));
    CHECK(sender.said() == "");
    CHECK_FALSE(sender.dispatch.deadline());
  }

  TEST_CASE("while it holds nothing is begun, and what is on its way comes to its end") {
    Sender sender;
    sender.submit(1, 1);
    CHECK(sender.said() == "attempt 1/1");
    sender.stored(1, 1);
    CHECK(sender.said() == "post 1/1");
    sender.hold(true);
    sender.submit(2, 1);
    sender.posted(1, 1, accepted("x"));
    CHECK(sender.said() == "outcome 1/1 accepted");
    CHECK_FALSE(sender.dispatch.deadline());
    sender.hold(false);
    CHECK(sender.said() == "attempt 2/1");
  }

  TEST_CASE("a reply submitted twice is sent once") {
    Sender sender;
    sender.submit(1, 1);
    sender.submit(1, 1);
    CHECK(sender.said() == "attempt 1/1");
  }

  TEST_CASE(
      "replies of one conversation leave one after the other, also when the first must wait") {
    Sender sender;
    sender.submit(1, 1);
    sender.submit(2, 1);
    sender.submit(3, 2);
    CHECK(sender.said() == "attempt 1/1, attempt 3/1");
    sender.stored(1, 1);
    sender.posted(1, 1, ended(DeliveryKind::retry_later));
    CHECK(sender.said() == "post 1/1, outcome 1/1 retry_later");
    CHECK(sender.dispatch.rows()[1].behind == reply_id(1));
    const auto next = sender.dispatch.deadline();
    REQUIRE(next);
    sender.dispatch.tick({*next, {}}, sender.out);
    CHECK(sender.said() == "attempt 1/2");
    sender.stored(1, 2);
    sender.posted(1, 2, accepted("x"));
    CHECK(sender.said() == "post 1/2, outcome 1/2 accepted, attempt 2/1");
  }

  TEST_CASE("at most eight replies of an account are on their way at once") {
    Sender sender;
    for (unsigned i = 1; i <= 10; ++i) sender.submit(i, i);
    CHECK(sender.out.size() == 8);
    sender.said();
    CHECK_FALSE(sender.dispatch.deadline());  // an answer comes first
    sender.stored(3, 1);
    sender.posted(3, 1, ended(DeliveryKind::refused));
    CHECK(sender.said() == "post 3/1, outcome 3/1 refused, attempt 9/1");
  }

  TEST_CASE("pauses double from a second to a quarter of an hour, with some chance") {
    Sender sender;
    sender.submit(1, 1);
    Duration now = 0s;
    std::uint32_t attempt = 1;
    for (const Duration nominal : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 512s, 900s, 900s}) {
      CAPTURE(nominal.count());
      sender.stored(1, attempt, now);
      sender.posted(1, attempt, ended(DeliveryKind::retry_later), now);
      const auto outcome = std::get<StoreOutcome>(sender.out.back());
      const auto next = sender.dispatch.deadline();
      REQUIRE(next);
      CHECK(outcome.next == at(now).wall + (*next - at(now).steady));
      const Duration pause = *next - at(now).steady;
      CHECK(pause >= std::max<Duration>(1s, nominal * 3 / 4));
      CHECK(pause <= std::min<Duration>(15min, nominal * 5 / 4));
      sender.tick(now + pause - 1ms);
      CHECK(sender.state(1) == "waiting");
      now += pause;
      sender.tick(now);
      CHECK(sender.state(1) == "attempting");
      ++attempt;
    }
  }

  TEST_CASE("a provider that asks for time gets it for the whole account, within an hour") {
    Sender sender;
    auto busy = ended(DeliveryKind::retry_later);
    busy.retry_after = 90s;
    sender.send(1, 1, busy);
    sender.submit(2, 2);
    CHECK(sender.state(2) == "waiting");
    CHECK(sender.dispatch.deadline() == at(90s).steady);
    sender.said();
    sender.tick(90s);
    CHECK(sender.said() == "attempt 2/1, attempt 1/2");
    busy.retry_after = 240h;
    sender.stored(1, 2, 90s);
    sender.posted(1, 2, busy, 90s);
    CHECK(sender.dispatch.deadline() == at(90s + 1h).steady);
  }

  TEST_CASE("sent and not answered: a repeatable account gets the same reply again") {
    Sender sender;
    sender.send(1, 1, ended(DeliveryKind::unknown));
    CHECK(sender.said() == "attempt 1/1, post 1/1, outcome 1/1 unknown");
    CHECK(sender.state(1) == "unknown");
    sender.tick(2s);
    CHECK(sender.said() == "attempt 1/2");
  }

  TEST_CASE("sent and not answered: an account with a look-up is asked, and only then sent again") {
    Sender sender({.name = "chat", .repeatable = false, .lookup = true});
    sender.send(1, 1, ended(DeliveryKind::unknown));
    sender.said();
    sender.tick(2s);
    CHECK(sender.said() == "lookup 1/1");
    sender.dispatch.looked_up(reply_id(1), 1, ended(DeliveryKind::unknown), at(2s), sender.out);
    CHECK(sender.said() == "");
    sender.tick(6s);
    CHECK(sender.said() == "lookup 1/1");
    SUBCASE("it has the reply") {
      sender.dispatch.looked_up(reply_id(1), 1, accepted("x"), at(6s), sender.out);
      CHECK(sender.said() == "outcome 1/1 accepted");
    }
    SUBCASE("it surely does not have the reply") {
      sender.dispatch.looked_up(reply_id(1), 1, ended(DeliveryKind::absent), at(6s), sender.out);
      CHECK(sender.said() == "outcome 1/1 absent, attempt 1/2");
    }
  }

  TEST_CASE("sent and not answered: without repetition and look-up a person decides, once") {
    Sender sender({.name = "chat", .repeatable = false});
    sender.send(1, 1, ended(DeliveryKind::unknown));
    sender.submit(2, 1);
    CHECK(sender.said() == "attempt 1/1, post 1/1, outcome 1/1 unknown, attempt 2/1");
    CHECK(sender.state(1) == "needs_person");
    sender.tick(1h);
    CHECK(sender.said() == "");
    CHECK_FALSE(sender.dispatch.retry(reply_id(1), at(1h), sender.out).ok());
    auto& dispatch = sender.dispatch;
    SUBCASE("sent") {
      CHECK(dispatch.resolve(reply_id(1), Resolution::sent, "x", at(1h), sender.out).ok());
      CHECK(sender.said() == "outcome 1/1 accepted");
      CHECK_FALSE(dispatch.resolve(reply_id(1), Resolution::sent, "x", at(1h), sender.out).ok());
    }
    SUBCASE("resend waits for the later reply that is on its way") {
      CHECK(dispatch.resolve(reply_id(1), Resolution::resend, "", at(1h), sender.out).ok());
      CHECK(sender.said() == "outcome 1/1 absent");
      CHECK_FALSE(dispatch.resolve(reply_id(1), Resolution::resend, "", at(1h), sender.out).ok());
      sender.stored(2, 1, 1h);
      sender.posted(2, 1, accepted("y"), 1h);
      CHECK(sender.said() == "post 2/1, outcome 2/1 accepted, attempt 1/2");
    }
    SUBCASE("the account turns out to be repeatable") {
      dispatch.set_account({.name = "chat", .repeatable = true}, at(1h), sender.out);
      CHECK(sender.state(1) == "unknown");
    }
  }

  TEST_CASE("a refused reply is shown and can be retried by a person") {
    Sender sender;
    sender.send(1, 1, ended(DeliveryKind::refused));
    CHECK(sender.state(1) == "refused");
    CHECK(sender.dispatch.rows()[0].reason == "because");
    sender.said();
    CHECK_FALSE(
        sender.dispatch.resolve(reply_id(1), Resolution::sent, "", at(1s), sender.out).ok());
    CHECK(sender.dispatch.retry(reply_id(1), at(1s), sender.out).ok());
    CHECK(sender.said() == "attempt 1/2");
  }

  TEST_CASE("a higher term voids what has not left, and never repeats what has") {
    Sender sender;
    auto& dispatch = sender.dispatch;
    SUBCASE("waiting behind another") {
      sender.submit(1, 1);
      sender.submit(2, 1);
      sender.said();
      dispatch.void_reply(reply_id(2), at(0s), sender.out);
      CHECK(sender.said() == "outcome 2/0 voided");
    }
    SUBCASE("while its attempt is being stored") {
      sender.submit(1, 1);
      sender.said();
      dispatch.void_reply(reply_id(1), at(0s), sender.out);
      CHECK(sender.said() == "");
      sender.stored(1, 1);
      CHECK(sender.said() == "outcome 1/1 voided");
      CHECK(sender.state(1) == "gone");
    }
    SUBCASE("on its way, and accepted") {
      sender.submit(1, 1);
      sender.stored(1, 1);
      dispatch.void_reply(reply_id(1), at(0s), sender.out);
      sender.said();
      sender.posted(1, 1, accepted("x"));
      CHECK(sender.said() == "outcome 1/1 accepted");
    }
    SUBCASE("on its way, and not answered") {
      sender.submit(1, 1);
      sender.stored(1, 1);
      dispatch.void_reply(reply_id(1), at(0s), sender.out);
      sender.said();
      sender.posted(1, 1, ended(DeliveryKind::unknown));
      CHECK(sender.said() == "outcome 1/1 unknown, outcome 1/1 voided");
      sender.tick(1h);
      CHECK(sender.said() == "");
    }
  }

  TEST_CASE("after a restart an attempt without an outcome is unknown") {
    struct Row {
      DispatchAccount account;
      DispatchHistory history;
      const char* at_once;
      const char* later;
    };
    const DispatchAccount repeatable{.name = "chat"};
    const DispatchAccount plain{.name = "chat", .repeatable = false};
    for (const auto& [account, history, at_once, later] :
         {Row{repeatable, {}, "attempt 1/1", ""},
          Row{repeatable, {1, {}, ""}, "outcome 1/1 unknown", "attempt 1/2"},
          Row{plain, {1, {}, ""}, "outcome 1/1 unknown", ""},
          Row{plain, {2, DeliveryKind::retry_later, ""}, "", "attempt 1/3"},
          Row{plain, {2, DeliveryKind::absent, ""}, "", "attempt 1/3"},
          Row{plain, {2, DeliveryKind::unknown, ""}, "", ""},
          Row{repeatable, {2, DeliveryKind::unknown, ""}, "", "attempt 1/3"},
          Row{repeatable, {2, DeliveryKind::refused, ""}, "", ""},
          Row{repeatable, {2, DeliveryKind::needs_person, ""}, "", ""},
          Row{repeatable, {2, DeliveryKind::accepted, ""}, "", ""},
          Row{repeatable, {2, DeliveryKind::voided, ""}, "", ""}}) {
      Sender sender(account);
      sender.dispatch.restore(sender.reply(1, 1), history, at(0s), sender.out);
      CHECK(sender.said() == at_once);
      sender.tick(2s);
      CHECK(sender.said() == later);
    }
  }

  TEST_CASE("what the log settled leaves the line, and who stood behind it is next") {
    Sender sender;
    sender.submit(1, 1);
    sender.submit(2, 1);
    CHECK(sender.said() == "attempt 1/1");
    sender.withdraw(1);  // on its way: it comes to its end
    CHECK(sender.state(1) == "attempting");
    sender.stored(1, 1);
    sender.posted(1, 1, ended(DeliveryKind::retry_later));
    CHECK(sender.said() == "post 1/1, outcome 1/1 retry_later");
    sender.withdraw(1);
    CHECK(sender.state(1) == "gone");
    CHECK(sender.said() == "attempt 2/1");
    sender.withdraw(99);
    CHECK(sender.said() == "");
  }

  TEST_CASE("what is a person's work is settled by the log, too") {
    Sender sender;
    sender.send(1, 1, ended(DeliveryKind::needs_person));
    CHECK(sender.state(1) == "needs_person");
    sender.withdraw(1);
    CHECK(sender.state(1) == "gone");
  }

  TEST_CASE("replies of an account that is not hosted here wait and say so") {
    Sender sender({.name = "other"});
    sender.submit(1, 1);
    CHECK(sender.said() == "");
    CHECK(sender.dispatch.rows()[0].reason == "this node does not host the account");
    CHECK_FALSE(sender.dispatch.deadline());
    sender.dispatch.set_account({.name = "chat"}, at(5s), sender.out);
    CHECK(sender.said() == "attempt 1/1");
  }

  TEST_CASE("by chance: order is kept, limits hold, a plain account never sends an unknown again") {
    const std::uint64_t seed = 20'261'123;
    CAPTURE(seed);
    SeededRandom chance(seed);
    for (const bool repeatable : {true, false}) {
      Sender sender({.name = "chat", .repeatable = repeatable, .concurrent = 4});
      std::map<unsigned, std::uint32_t> attempting;
      std::map<unsigned, std::uint32_t> posting;
      std::map<unsigned, bool> lost;  // was sent and not answered
      std::map<unsigned, unsigned> conversation_of;
      Duration now = 0s;
      unsigned made = 0;
      std::size_t accepted_count = 0;
      for (int step = 0; step < 20'000 && accepted_count < 200; ++step) {
        now += Duration(chance.below(400));
        if (made < 300) {
          conversation_of[++made] = static_cast<unsigned>(chance.below(9));
          sender.submit(made, conversation_of[made], now);
        }
        if (!attempting.empty()) {
          const auto [number, attempt] = *attempting.begin();
          attempting.erase(attempting.begin());
          sender.stored(number, attempt, now);
        }
        if (!posting.empty()) {
          const auto [number, attempt] = *posting.begin();
          posting.erase(posting.begin());
          const auto kind = static_cast<DeliveryKind>(chance.below(5));
          accepted_count += kind == DeliveryKind::accepted;
          if (kind == DeliveryKind::unknown) lost[number] = true;
          sender.posted(number, attempt, ended(kind), now);
        }
        sender.tick(now);
        for (const auto& effect : std::exchange(sender.out, {})) {
          if (const auto* attempt = std::get_if<StoreAttempt>(&effect)) {
            const unsigned number = number_of(attempt->reply);
            attempting[number] = attempt->attempt;
            if (!repeatable) REQUIRE_FALSE(lost[number]);
          }
          if (const auto* post = std::get_if<PostReply>(&effect)) {
            posting[number_of(post->reply)] = post->attempt;
          }
        }
        REQUIRE(attempting.size() + posting.size() <= 4);
        std::set<unsigned> busy;
        for (const auto* running : {&attempting, &posting}) {
          for (const auto& [number, attempt] : *running) {
            REQUIRE(busy.insert(conversation_of[number]).second);
          }
        }
      }
      CHECK(made == 300);
      CHECK(accepted_count > 50);
    }
  }
}
