// What the parts of a world share: time, the nodes, and the facts that only the world knows, by
// which the promises are judged.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tools/simulator/node.h"
#include "tools/simulator/options.h"
#include "tools/simulator/waits.h"

namespace crossfloor::simulator {

inline constexpr const char* brand = "acme";

inline std::string account_of(const Region& region) {
  return "acme-desk-" + region;
}
// Stands in every text and name of a region's customers, so that it can be looked for on disks.
inline std::string mark_of(const Region& region) {
  return "only-for-" + region + "-eyes";
}

// A message that some node acknowledged, and what it promised.
struct Acknowledged {
  std::string external_id;
  Region region;
  Receipt receipt;
  std::size_t node = 0;
  Instant at{};
};

// A reply that an agent was told is done.
struct Told {
  ReplyId reply;
  ConversationId conversation;
  Region region;
  std::size_t node = 0;
};

// An agent has a conversation, or is done with its case. `home_could`: when it rang, an agent of
// its home was there who had not said no to it.
struct Taken {
  ConversationId conversation;
  std::size_t node = 0;
  std::size_t home = 0;
  bool home_could = false;
  bool done = false;
};

// What a provider saw of one reply.
struct Handed {
  ConversationId conversation;
  std::string name;  // the provider's id of it
  int calls = 0;
  int taken = 0;  // how often it would have reached a customer, were repeats not known
  bool answer_settled = false;  // that it was taken is durable at the sender
  std::set<std::size_t> settled_at;
  bool maybe_taken = false;  // some call ended without an answer
};

// A byte of a stored entry that flipped, and whether verify found it at once.
struct Flip {
  std::size_t node = 0;
  std::string entry;
  bool found = false;
};

struct Facts {
  std::vector<Acknowledged> acknowledged;
  std::vector<Told> told;
  std::vector<Taken> taken;
  std::map<ReplyId, Handed> handed;
  std::vector<std::string> broken;  // promises that a part of the world itself saw broken
  std::set<std::size_t> lost_disks;
  std::vector<Flip> flips;
  // Under these two processes wrote.
  std::set<std::pair<NodeId, Generation>> copied;
  std::uint64_t offered = 0;
  std::uint64_t remote_offers = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused_commands = 0;
  std::uint64_t frames_too_large = 0;
  std::uint32_t most_frames = 0;  // that one node said to one other within a second
  std::uint64_t frames_not_understood = 0;
  std::uint64_t restarts = 0;
  std::map<std::string, std::uint64_t> vices;  // how often each struck
  Waits waits;
  // Anything that may excuse that two agents had one conversation: a cut, a death, a standstill.
  bool ever_apart = false;
};

struct Stage {
  const Options& options;
  Timeline& timeline;
  Trace& trace;
  Nodes& nodes;
  bool healing = false;
  Facts facts;

  Instant now() const { return timeline.now(); }
  void strikes(const std::string& vice) {
    ++facts.vices[vice];
    trace.tell(now(), [&] { return vice; });
  }
};

}  // namespace crossfloor::simulator
