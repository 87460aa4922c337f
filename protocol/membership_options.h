// The figures of failure detection, and the arithmetic on them.
//
// Two presets; in both a silent death is first noticed by whoever probes next, in the mean after
// 1.6 probe intervals (e / (e - 1)), doubted for one more interval, and believed after the
// patience. `n` below is the number of live members, the own node among them.
#pragma once

#include "protocol/time.h"

namespace crossfloor {

// Of a suspect that they heard of, so many members in the mean make their own picture at once; the
// others only when its patience is over.
constexpr int look_at_once = 16;

struct MembershipOptions {
  // One member is probed per interval, in shuffled turns, so each is probed by each once in n - 1
  // intervals. The cost of an idle node is one probe and in the mean one answer per interval.
  Duration probe_interval{1'000};
  // No answer within this: the probe is repeated, and `indirect_probes` others are asked to try.
  // Over the 99th percentile of the round trip, and under half of the interval.
  Duration probe_timeout{400};
  // Still none: all of them once more each time so long has passed, until the interval is over. A
  // probe fails with each road tried once in 6 of 100 cases where a quarter of all datagrams is
  // lost, and a mesh of a thousand would do nothing but tell of suspicions; asked five times more,
  // in 2 of 100,000. Over most round trips, so that an answer can come before the next question.
  Duration probe_again{120};
  int indirect_probes = 3;

  // Interval and timeout are multiplied by 1 + the own health score (Lifeguard's local health); the
  // score is 0 (well) to health_max - 1.
  int health_max = 8;

  // patience_min = suspicion_factor * max(1, log10(n)) * probe_interval
  // patience_max = suspicion_stretch * patience_min
  // Neither is under least_patience: in a LAN machines that are moved or swap stand still for up
  // to four seconds, and are doubted from the first second on.
  int suspicion_factor = 2;
  int suspicion_stretch = 5;
  Duration least_patience{3'600};
  // Further accusers, besides the first, that bring the patience down to its least.
  int accusers_wanted = 2;

  // While there is news, it goes to `gossip_nodes` random members at this pace, besides riding on
  // probes; each piece at most retransmit_factor * ceil(log10(n + 1)) times from each node.
  Duration gossip_interval{200};
  int gossip_nodes = 3;
  int retransmit_factor = 4;

  // Lost members are tried for ever: one after lost_retry_min, doubling up to lost_retry_max, all
  // of them together not faster than one each lost_spacing.
  Duration lost_spacing{250};
  Duration lost_retry_min{1'000};
  Duration lost_retry_max{4'000};

  // Nothing heard from anybody for so long: all live members are checked at once, because one at a
  // time, slowed down by a bad health score, would take minutes to see that this node is cut off.
  Duration isolation_after{3'000};

  static MembershipOptions lan() { return {}; }
  static MembershipOptions wan();  // round trips up to 1 s
};

// All pure, none reads a clock.
Duration patience_min(const MembershipOptions& options, int n);
Duration patience_max(const MembershipOptions& options, int n);
// How many further accusers can be had at all: not the suspect, not the first accuser.
int accusers_wanted(const MembershipOptions& options, int n);
// Lifeguard: max - (max - min) * log(have + 1) / log(wanted + 1), and never under min.
Duration patience(Duration min, Duration max, int wanted, int have);
int retransmit_limit(const MembershipOptions& options, int n);
Duration scaled(Duration healthy, int score);
Duration lost_retry(const MembershipOptions& options, int tries);  // tries: 0 for the first wait
// No later than this after it fell silent a member is dead for each healthy member, if no message
// is lost: the longest gap in shuffled turns (2n - 3 intervals), the probe, the patience of one
// lone accuser, the own probe of who only heard of it, one pace of news. Mostly it takes far less:
// the tests measure it.
Duration death_bound(const MembershipOptions& options, int n);

}  // namespace crossfloor
