// Who is there: SWIM with the Lifeguard extensions, as a pure state machine.
//
// Each node probes one member at a time, directly and then through others. Who does not answer is
// suspected, told so with the next message to it (buddy system), and dead when the patience runs
// out, sooner if several accuse it (dogpile). A member refutes what is said of it by raising its
// incarnation. A node whose own probes fail without the helpers' excuses doubts itself first, and
// grows slower to accuse (local health).
//
// Unlike its models it
//  - knows its members from certificates, not from hearsay, and trusts its own ears more than a
//    rumour: what is said against a member heard within the last interval is not believed but told
//    to that member, which then refutes it;
//  - checks a rumour out of turn, so that agreement or refutation comes quickly;
//  - gives nobody up whom it has not tried itself: nobody must die of a refutation that got lost;
//  - never stops trying members that it lost, so a cut of any length heals by itself.
//
// Cost: an idle node sends one ping and in the mean one answer each interval, however many members.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "protocol/broadcast_queue.h"
#include "protocol/crypto.h"
#include "protocol/lost_members.h"
#include "protocol/membership_messages.h"
#include "protocol/membership_options.h"
#include "protocol/node_index.h"
#include "protocol/probes.h"
#include "protocol/round_trips.h"
#include "protocol/suspicion.h"
#include "protocol/time.h"

namespace crossfloor {

struct Member {
  // What every message about it needs comes first, so that it lies together in memory.
  NodeId node;
  MemberMark mark;                        // newest known; generation 0: never heard of
  MemberState state = MemberState::dead;  // until first heard of
  // Whether mark.load_version was heard from the member itself since it was last suspected.
  bool load_confirmed = false;
  bool tried = false;                  // while suspect: this node has asked it, too
  std::uint32_t told_incarnation = 0;  // up to here (+1) it was told of rumours we did not believe
  // The last proof of life: its own message, or its answer passed on by a helper.
  std::optional<Instant> last_heard;
  std::optional<Instant> since;  // of this state; nothing before the first tick
  NodeId accuser;                // who said last that it is suspect or dead
  std::size_t place = 0;         // among the living, while it is one of them
  std::string site;
  Region region;
  std::string address;  // where to dial it; empty if only it dials us

  bool live() const { return state == MemberState::alive || state == MemberState::suspect; }
};

enum class MemberEventKind { joined, alive, suspected, died, left, restarted };
struct MemberEvent {
  MemberEventKind kind = MemberEventKind::joined;
  NodeId node;
  auto operator<=>(const MemberEvent&) const = default;
};
const char* name_of(MemberEventKind kind);

// How far a member's wall clock is ahead of the own one, by an answered probe; off by at most half
// the time that the answer took.
struct ClockHeard {
  NodeId node;
  Duration ahead{0};
};

struct MembershipOutbox {
  std::vector<std::pair<NodeId, MembershipMessage>> messages;
  std::vector<MemberEvent> events;
  std::vector<ClockHeard> clocks;
};

struct MembershipSelf {
  NodeId node;
  Generation generation = 0;
  WallTime started{};
};

class Membership {
 public:
  // `random` must outlive this.
  Membership(const MembershipSelf& self, const MembershipOptions& options, Random& random);
  Membership(const Membership&) = delete;  // its tables point at its members

  // A node with a valid certificate; it is tried at the next tick. Known already: the names change.
  void add_member(const NodeId& node, std::string site, Region region, std::string address = {});
  void forget(const NodeId& node);  // revoked or expired: nothing is sent to it or taken from it

  void receive(const NodeId& from, const MembershipMessage& message, Now now,
               MembershipOutbox& out);
  void tick(Now now, MembershipOutbox& out);
  std::optional<Instant> deadline() const;  // in the past: tick at once

  // The peer's host reset the link: nobody listens there (any more). A suspicion at once.
  void link_reset(const NodeId& node, Now now, MembershipOutbox& out);
  // The own loop did nothing for `gap`: nobody is accused for what was missed meanwhile. Noticed by
  // itself, too, when a call comes over a probe timeout later than was asked for.
  void standstill(Duration gap);
  // Says good-bye to all; afterwards this node neither speaks nor listens.
  void leave(Now now, MembershipOutbox& out);
  // What every message says of the own load record from now on.
  void set_load_version(std::uint64_t version) { own_.load_version = version; }

  // The member itself sent its load record of this version (protocol/load_gossip.h).
  void confirm_load(const NodeId& node, std::uint64_t version);

  const NodeId& self() const { return self_; }
  const MemberMark& own_mark() const { return own_; }
  const Member* find(const NodeId& node) const;  // not the own node
  const std::map<NodeId, Member>& members() const { return members_; }
  std::optional<MemberState> state(const NodeId& node) const;
  // In id order: the own node (unless it left), the alive and the suspect: a suspicion alone moves
  // no work.
  std::vector<NodeId> live() const;
  std::size_t live_count() const { return living_.size() + (left_ ? 0 : 1); }
  std::optional<Instant> last_heard(const NodeId& node) const;
  // The 99th percentile of the round trip, as answered pings showed it lately; zero: not known.
  Duration round_trip(const NodeId& node) const { return round_trips_.nearly_worst(node); }
  // Nothing if it is not dead, or was so from before the first tick.
  std::optional<Instant> dead_since(const NodeId& node) const;
  int health() const { return score_; }  // 0 is well
  // Changes whenever some member's state, generation or load version does.
  std::uint64_t load_marks() const { return load_marks_; }

 private:
  // What was heard (membership_news.cc).
  void hear(Member& member, const MemberMark& mark, Now now, MembershipOutbox& out);
  void take_news(const MemberNews& news, Now now, MembershipOutbox& out);
  bool refute(const MemberNews& news);  // true if something had to be refuted
  void take_alive(Member& member, const MemberNews& news, Now now, MembershipOutbox& out);
  void take_accusation(Member& member, const MemberNews& news, Now now, MembershipOutbox& out);
  void new_generation(Member& member, const MemberNews& news, Now now, MembershipOutbox& out);
  bool own_ears_say_otherwise(Member& member, const MemberNews& news, Now now,
                              MembershipOutbox& out);
  void give_up_or_try(Member& member, Now now, MembershipOutbox& out);
  void accuse(Member& member, const NodeId& accuser, Now now, MembershipOutbox& out);
  void revive(Member& member, Now now, MembershipOutbox& out);
  void bury(Member& member, MemberState state, const NodeId& accuser, Now now,
            MembershipOutbox& out);
  void set_state(Member& member, MemberState state, Now now);

  // Questions and answers (membership.cc).
  void answer(const NodeId& from, const Ping& ping, Now now, MembershipOutbox& out);
  void answer(const NodeId& from, const Ack& ack, Now now, MembershipOutbox& out);
  void answer(const NodeId& from, const PingRequest& request, Now now, MembershipOutbox& out);
  void answer(const NodeId& from, const Nack& nack, Now now, MembershipOutbox& out);
  void answer(const NodeId&, const News&, Now, MembershipOutbox&) {}
  void probe(const NodeId& target, bool in_turn, Now now, MembershipOutbox& out);
  void probe_next_in_turn(Now now, MembershipOutbox& out);
  void ask_helpers(std::uint64_t number, Now now, MembershipOutbox& out);
  void probe_failed(const Probe& probe, Now now, MembershipOutbox& out);
  void greet_fresh(Now now, MembershipOutbox& out);
  void check_suspects(Now now, MembershipOutbox& out);
  void check_isolation(Now now, MembershipOutbox& out);
  void gossip(Now now, MembershipOutbox& out);
  void begin(Now now);
  void catch_up(Now now);
  std::optional<Instant> timers() const;

  // Nothing of the own node and of strangers.
  Member* known(const NodeId& node) const { return index_.find(node); }
  template <typename Message>
  void send(const NodeId& to, Message message, std::size_t max_news, MembershipOutbox& out) {
    message.mark = own_;
    add_news(to, message.news, max_news);
    out.messages.emplace_back(to, std::move(message));
  }
  void add_news(const NodeId& to, std::vector<MemberNews>& news, std::size_t max_news);
  MemberNews news_of(const Member& member) const;
  MemberNews own_news(MemberState state) const;
  std::vector<NodeId> random_live(std::size_t count, const NodeId& except);
  void add_living(Member& member);
  void remove_living(const Member& member);
  int live_total() const { return static_cast<int>(live_count()); }
  void adjust_health(int by);

  const NodeId self_;
  const MembershipOptions options_;
  Random& random_;
  MemberMark own_;
  bool own_news_due_ = false;  // raised by a refutation: tells those who spread the rumour at once
  bool left_ = false;
  int score_ = 0;

  std::map<NodeId, Member> members_;
  NodeIndex<Member> index_;      // the same, for lookup
  std::vector<Member*> living_;  // peers, in no order: to draw from
  std::uint64_t load_marks_ = 0;

  Probes probes_;
  RoundTrips round_trips_;
  Suspicion suspicion_;
  LostMembers lost_;
  BroadcastQueue queue_;
  std::map<NodeId, Instant> checks_;  // suspects, and when to probe each again
  std::set<NodeId> fresh_;            // never tried yet
  std::vector<NodeId> round_;         // shuffled; probed from the back
  bool begun_ = false;
  Instant latest_{};  // newest time seen
  Instant next_probe_{};
  Instant next_gossip_{};
  Instant next_greeting_{};
  Instant heard_anybody_{};
};

}  // namespace crossfloor
