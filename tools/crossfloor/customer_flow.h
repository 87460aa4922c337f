// Customers who write: when, to whom, in which thread and what, from one seed. They come as a
// Poisson stream, in bursts, or both; some write again in the thread that they have.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/crypto.h"
#include "protocol/incoming_message.h"
#include "protocol/time.h"

namespace crossfloor::cli {

struct FlowOptions {
  double per_second = 0;         // Poisson
  Duration burst_every{};        // 0: no bursts
  std::size_t burst_size = 0;    // written at one moment
  std::size_t customers = 1000;  // people of each account; each has one external id
  double in_public = 0.3;        // share of first messages that others can read
  double again = 0.3;            // share of messages that go on where somebody wrote before
  std::string prefix = {};       // of external ids of messages, so that two runs differ
};

struct FlowMessage {
  Duration at{};            // since the start
  std::size_t account = 0;  // its place
  IncomingMessage message;
};

class CustomerFlow {
 public:
  CustomerFlow(FlowOptions options, std::size_t accounts, Random& random);

  // In order of time; nothing if neither rate nor bursts were asked for.
  std::optional<FlowMessage> next();

 private:
  struct Talk {
    std::string customer;
    std::string thread;
    std::string last;  // external id of what was written last
    bool is_public = false;
  };
  double gap();  // milliseconds to the next of the Poisson stream
  IncomingMessage write(std::size_t account);

  FlowOptions options_;
  std::size_t accounts_;
  Random& random_;
  double poisson_at_ = 0;  // milliseconds
  double burst_at_ = 0;
  std::size_t burst_left_ = 0;
  std::uint64_t written_ = 0;
  std::map<std::size_t, std::deque<Talk>> talks_;  // by account; the last ones
};

}  // namespace crossfloor::cli
