// The side of a channel that receives replies, as a bridge's author would write it, with faults on
// demand: drops repetitions by the reply's id, and by chance is slow, fails, refuses, or takes a
// reply and says nothing. Pure: decides and remembers; the server around it waits and answers.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "protocol/crypto.h"
#include "protocol/json_value.h"
#include "protocol/result.h"
#include "protocol/time.h"

namespace crossfloor::cli {

struct CallbackFaults {
  double slow = 0;  // shares of requests, 0 to 1
  Duration slow_by{2'000};
  double fail = 0;    // 503 and not taken
  double refuse = 0;  // 422 and not taken, for good
  double drop = 0;    // taken, and the connection is closed without an answer
};

struct CallbackAnswer {
  Duration after{};
  int status = 200;  // 0: close without an answer
  std::string body;
  bool fresh = false;  // taken, for the first time
};

struct CallbackFigures {
  std::size_t requests = 0;
  std::size_t replies = 0;      // taken
  std::size_t repetitions = 0;  // of a reply that was taken before
  std::size_t different = 0;    // repetitions with other bytes: somebody is wrong
  std::size_t unsound = 0;      // not what docs/channel.md says
  std::size_t forged = 0;       // the signature is wrong
  std::size_t failed = 0;       // by our choice
  std::size_t refused = 0;
  std::size_t dropped = 0;
  std::size_t lookups = 0;
  std::size_t answered = 0;  // customers' messages that waited for an answer and got one
};

class CallbackDesk {
 public:
  CallbackDesk(CallbackFaults faults, Random& random) : faults_(faults), random_(random) {}

  // A signed POST for this account.
  CallbackAnswer reply(const std::string& account, const std::string& body, WallTime now);
  CallbackAnswer lookup(const std::string& account, const std::string& reply_id);
  void forged() { ++figures_.forged; }

  // A customer wrote: his wait begins, unless he waits already.
  void wrote(const std::string& account, const std::string& customer, WallTime now);

  // A line that this desk logged in an earlier life: its reply was taken.
  void restore(const std::string& log_line);

  // What the last reply() that was `fresh` took, as one line of JSON: account, reply_id,
  // conversation_id, to, public, text, thread_id, parent_id, language, signature, external_id,
  // received_at, waited_ms (since the customer's first unanswered message, if he wrote from here).
  const std::string& log_line() const { return log_line_; }

  const CallbackFigures& figures() const { return figures_; }
  std::size_t waiting() const { return waiting_.size(); }  // customers without an answer
  // Milliseconds that customers waited for an answer, of the last 100,000.
  const std::deque<std::int64_t>& waits() const { return waits_; }

 private:
  struct Taken {
    std::string external_id;
    std::string digest;  // of the body; empty: of an earlier life
  };
  CallbackAnswer repeated(const Taken& taken, const std::string& digest);
  std::string take(const std::string& account, const JsonValue& object,
                   const std::string& external_id, WallTime now);

  CallbackFaults faults_;
  Random& random_;
  std::map<std::pair<std::string, std::string>, Taken> taken_;       // account, reply id
  std::map<std::pair<std::string, std::string>, WallTime> waiting_;  // account, customer
  std::deque<std::int64_t> waits_;
  std::string log_line_;
  CallbackFigures figures_;
};

}  // namespace crossfloor::cli
