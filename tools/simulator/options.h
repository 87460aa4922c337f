// All that makes one run what it is. Printed with the seed; the same options give the same run.
//
// Each option has a name ("network.loss"), under which a scenario file, the command line and a
// failure's replay command know it. Those that are bad luck have a value at which they are off, so
// that --minimise can switch them off one by one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/result.h"
#include "protocol/time.h"

namespace crossfloor::simulator {

struct ShapeOptions {
  std::int64_t nodes = 3;           // one per site
  std::int64_t regions = 1;         // nodes are dealt to them in turn; each has its account
  std::int64_t agents = 2;          // of each node
  Duration length{120'000};         // of the part with bad luck; then the world heals
  Duration heal{180'000};           // in which everything must come to its end
  Duration takeover_after{60'000};  // as in site.toml
  bool chat = true;                 // the accounts' kind: chat, else social (public threads)
  bool mesh_durability = true;      // receipts wait for a second disk
  bool real_crypto = true;          // libsodium; else the cheap keyed stand-in
  std::int64_t codec_one_in = 1;    // messages that pass through the real codec
};

struct NetworkOptions {
  std::string profile = "lan";  // machine, lan, continent, world, mixed: delay of each pair
  double loss = 0;              // of the pulse's frames; the other links are TCP
  double duplicate = 0;         // of the pulse's frames: delivered twice
  double reorder = 0;           // of the pulse's frames: up to 200 ms late
  std::int64_t bandwidth = 0;   // kbit/s of each direction of a pair; 0: no limit
  Duration clogs_every{0};      // mean; one direction of a pair stands still for up to clog_max
  Duration clog_max{4'000};
  Duration one_way_every{0};  // mean; one direction of a pair loses everything
  Duration cuts_every{0};     // mean; one node is cut off from all others
  Duration cut_max{30'000};
  Duration partitions_every{0};  // mean; the nodes fall into two or three groups
  Duration partition_max{40'000};
  Duration flaps_every{0};  // mean; a pair's links come and go for up to flap_max
  Duration flap_max{20'000};
};

struct NodeOptions {
  Duration sync_min{1};  // how long a commit takes
  Duration sync_max{4};
  Duration slow_disks_every{0};  // mean; a disk needs 50 to 500 ms a commit for up to 20 s
  Duration crashes_every{0};     // mean; what was not synced is gone
  double mid_batch = 0.5;        // of crashes during a commit: the batch was on the disk
  double power = 0.3;            // of crashes: the machine went with it, nobody resets the links
  Duration down_max{20'000};
  Duration pauses_every{0};  // mean; a node stands still
  Duration pause_max{20'000};
  Duration stops_every{0};         // mean; a clean stop (an upgrade), and a start soon after
  Duration lost_disks_every{0};    // mean; a crash, and the node comes back with nothing
  Duration old_backups_every{0};   // mean; a crash, and it comes back from an older copy
  Duration write_errors_every{0};  // mean; a commit fails, written or not; the node restarts
  Duration read_errors_every{0};   // mean; one read fails
  Duration full_disks_every{0};    // mean; a disk is full for up to full_max, and only read
  Duration full_max{20'000};
  Duration flips_every{0};  // mean; a byte of a stored entry flips; the disk is replaced within
                            // flip_max
  Duration flip_max{20'000};
  Duration clones_every{0};    // mean; a machine is copied while it runs, and both go on for up to
  Duration clone_max{20'000};  // so long: one key, one generation, two processes
  std::int64_t drift_ppm = 0;  // steady clocks run fast or slow by up to this
  Duration clock_offset{0};    // wall clocks differ by up to this
  Duration jumps_every{0};     // mean; a wall clock jumps by up to jump_max
  Duration jump_max{1'500};
};

struct PeopleOptions {
  std::int64_t customers = 12;
  Duration arrivals_every{2'000};        // mean, of customers' messages
  std::string arrivals_from;             // instead: a recording (configs/scenarios/arrivals)
  Duration bursts_every{0};              // mean; then 20 messages within a second
  std::string handling = "exponential";  // or lognormal, fixed
  Duration handling_mean{4'000};
  double accept = 0.9;          // of offers
  double decline = 0.05;        // of offers; the rest is missed
  double transfer = 0;          // of answers: handed to somebody else instead
  double wrap_up = 0.2;         // of closings: through wrap-up
  Duration vanish_every{0};     // mean; an agent shuts the laptop without a word, for up to
  Duration vanish_max{90'000};  // so long
  Duration log_outs_every{0};   // mean; an agent logs out, and in again within a minute
  Duration strays_every{0};     // mean; an agent tries to log in at another node
  Duration links_every{0};      // mean; an operator links two customers' handles
};

struct ChannelOptions {
  std::int64_t hosts_at_once = 1;  // a webhook reaches up to so many hosts at the same instant
  double duplicate = 0.3;          // of messages: delivered to more than one host
  double repeat = 0;               // of deliveries: said again, up to twice more, within 20 ms
  double late = 0;                 // of messages: up to 60 s late, so out of order
  Duration resend_after{10'000};   // without an answer the channel tries another host
};

struct ProviderOptions {
  Duration answer_min{10};
  Duration answer_max{200};
  double slow = 0;         // of calls: answered after up to 25 s
  double refuse = 0;       // of calls: refused for good
  double retry = 0;        // of calls: not now
  double drop_before = 0;  // of calls: the connection breaks, nothing was taken
  double drop_after = 0;   // of calls: taken, and the connection breaks before the answer
  bool repeatable = true;  // the accounts drop repetitions by the reply's id
  bool lookup = false;     // they can be asked what became of a reply
};

struct MaliceOptions {
  Duration garbage_every{0};  // mean; a member sends bytes that are no message
  Duration flips_every{0};    // mean; a member sends an overheard range with flipped bits
  Duration replays_every{0};  // mean; a member sends an overheard frame again as its own
  Duration floods_every{0};   // mean; a member sends 2,000 overheard frames within a second
  double drop_bodies = 0;     // of ranges that the member passes on: a body is left out
  // Mean; a member says (frames) or signs (entries) terms, epochs, incarnations, versions and times
  // from the ends of their ranges.
  Duration wild_words_every{0};
  Duration wild_entries_every{0};
};

struct Options {
  std::uint64_t seed = 1;
  std::string scenario;  // its name, for people
  ShapeOptions shape;
  NetworkOptions network;
  NodeOptions node;
  PeopleOptions people;
  ChannelOptions channel;
  ProviderOptions provider;
  MaliceOptions malice;

  // Names of all options, in order; of those that are bad luck, which is off at zero.
  static std::vector<std::string> names();
  static std::vector<std::string> vices();
  // "network.loss", "0.1"; durations as "30s", "250ms", "5m", "8h". Errors: not_found, malformed.
  Status set(const std::string& name, const std::string& value);
  std::string get(const std::string& name) const;
  // Every option with its value; or only those that differ from `other`.
  std::string text() const;
  std::vector<std::pair<std::string, std::string>> differing_from(const Options& other) const;
};

Result<Duration> parse_duration(const std::string& text);
std::string duration_text(Duration duration);

}  // namespace crossfloor::simulator
