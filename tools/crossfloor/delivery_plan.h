// When which message is handed to which host: recorded time squeezed, repetitions and disorder as
// careless providers make them, all from one seed.
#pragma once

#include <optional>
#include <vector>

#include "protocol/crypto.h"
#include "protocol/result.h"
#include "protocol/time.h"

namespace crossfloor::cli {

struct Delivery {
  Duration at{};            // since the start; 0 in a plan without times
  std::size_t message = 0;  // its place in what was planned
  std::size_t host = 0;     // its place in the account's list
};

struct DeliveryOptions {
  std::size_t least = 1;  // deliveries of each message
  std::size_t most = 1;
  std::size_t shuffle = 0;  // places by which a delivery may come too late, or be overtaken
  bool timed = true;        // false: as fast as it goes
  double speed = 1;         // times as fast as recorded
  std::optional<Duration> gap_max = std::nullopt;  // longest pause that is left after that
};

// "2" or "1-3" → least and most. Errors name `where`.
Result<std::pair<std::size_t, std::size_t>> parse_range(const std::string& text,
                                                        const std::string& where);

// What is planned: the time, and the number of hosts of the account.
struct Planned {
  std::int64_t time_ms = 0;
  std::size_t hosts = 1;
};

// `messages` are in order of time. The first delivery of a message is to its first host unless it
// is delivered more than once; then hosts take turns from a random one on, so that two deliveries
// meet two hosts wherever there are two. The moments stay those of the undisturbed order.
std::vector<Delivery> plan_deliveries(const std::vector<Planned>& messages,
                                      const DeliveryOptions& options, Random& random);

}  // namespace crossfloor::cli
