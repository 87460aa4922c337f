// What `crossfloor verify` asks each node, and the answers, as JSON. Each answer is bounded, so a
// long check is many questions; who drives them and judges is node/core/verify_mesh.h.
//
//   verify.members   of the node that is asked, from memory: whom the mesh consists of
//   verify.heads     how far each stream reaches on this disk, what was heard of and is not here,
//                    forks
//   verify.hashes    the hash of streams at given entries
//   verify.chains    a slice of all chains and seals
//   verify.digests   of the rows of some buckets, with the vector they were reckoned from
//   verify.work      a page of conversations: who waits, what was handled twice, open replies
//   verify.receipts  what is wrong with these receipts
//
// An operator's question carries {"node": id, "ask": {the question}}; without a node it is for the
// node that is asked. A node that cannot answer says {"error": {code, what, where, mend}}, and
// about a node out of reach {"unreachable": {…}}.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/fields.h"

namespace crossfloor {

// A place in a stream, which is written as stream_text() does it.
struct StreamAt {
  std::string stream;
  std::uint64_t sequence = 0;
  Hash hash;

  bool operator==(const StreamAt&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("stream", self.stream, Rule{.max_bytes = 160});
    visit("sequence", self.sequence);
    visit("hash", self.hash);
  }
};

// A store does not say what it should.
struct Damage {
  std::string stream;  // empty: of no single stream
  std::string what;    // with the sequences

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("stream", self.stream);
    visit("what", self.what);
  }
};

struct VerifyEnvelope {
  std::string node;  // hexadecimal; empty: the node that is asked
  FreeJson ask;
  std::string by;  // who asks; nothing depends on it

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node, Rule{.max_bytes = 64});
    visit("ask", self.ask);
    visit("by", self.by, Rule{.max_bytes = 256});
  }
};

struct VerifyMember {
  NodeId node;
  std::string site;
  std::vector<Region> regions;  // of its certificate
  bool reachable = false;
  std::int64_t gone_ms = 0;  // since when it cannot be reached

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("site", self.site);
    visit("regions", self.regions);
    visit("reachable", self.reachable);
    visit("gone_ms", self.gone_ms);
  }
};
struct MembersQuestion {
  template <class Self, class Visit>
  static void fields(Self&, Visit&&) {}
};
struct VerifyMembers {
  NodeId self;
  std::vector<VerifyMember> nodes;

  template <class Self, class Visit>
  static void fields(Self& me, Visit&& visit) {
    visit("self", me.self);
    visit("nodes", me.nodes);
  }
};
struct Unreachable {
  NodeId node;
  std::string what;
  std::int64_t gone_ms = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("what", self.what);
    visit("gone_ms", self.gone_ms);
  }
};

struct HeadsQuestion {
  std::string after;  // the last stream of the page before

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("after", self.after, Rule{.max_bytes = 160});
  }
};
struct HeadsAnswer {
  std::vector<Region> regions;   // that this node holds
  std::vector<StreamAt> heads;   // the last sealed entry of each stream
  std::vector<StreamAt> heard;   // first page only: peers had this, and it is not here
  std::vector<StreamAt> forked;  // first page only: up to where both histories agree
  std::vector<Damage> damages;
  std::string next;  // `after` of the next page; empty: this is the last

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("regions", self.regions);
    visit("heads", self.heads);
    visit("heard", self.heard);
    visit("forked", self.forked);
    visit("damages", self.damages);
    visit("next", self.next);
  }
};

struct HashesQuestion {
  std::vector<StreamAt> at;  // hashes are not looked at

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at", self.at, Rule{.max_items = 200});
  }
};
struct HashesAnswer {
  std::vector<StreamAt> at;
  std::vector<Damage> damages;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("at", self.at);
    visit("damages", self.damages);
  }
};

struct ChainsQuestion {
  std::optional<StreamAt> from;  // checked up to here; sequence 0: from its beginning

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("from", self.from);
  }
};
struct ChainsAnswer {
  std::uint64_t entries = 0;
  std::uint64_t streams = 0;  // that were finished
  std::vector<Damage> damages;
  std::optional<StreamAt> next;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("entries", self.entries);
    visit("streams", self.streams);
    visit("damages", self.damages);
    visit("next", self.next);
  }
};

struct DigestsQuestion {
  Region region;
  std::vector<std::uint32_t> buckets;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("region", self.region, Rule{.required = true, .max_bytes = 32});
    visit("buckets", self.buckets, Rule{.required = true, .max_items = 256, .min = 0, .max = 255});
  }
};
struct StreamTo {
  std::string stream;
  std::uint64_t sequence = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("stream", self.stream);
    visit("sequence", self.sequence);
  }
};
struct DigestsAnswer {
  std::uint32_t version = 0;       // of the projections
  std::vector<StreamTo> vector;    // of the region, in the same snapshot
  std::vector<std::string> texts;  // one for each bucket asked, in that order

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("version", self.version);
    visit("vector", self.vector);
    visit("digests", self.texts);
  }
};

struct WorkQuestion {
  Region region;
  std::string after;  // a conversation's id; empty: from the first

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("region", self.region, Rule{.required = true, .max_bytes = 32});
    visit("after", self.after, Rule{.max_bytes = 32});
  }
};
// Something of a conversation that is not done, or was done twice.
struct WorkFound {
  enum class Kind { unanswered, twice, reply };
  Kind kind = Kind::unanswered;
  bool problem = false;
  ConversationId conversation;
  std::string account;
  std::string what;
  std::int64_t age_ms = 0;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("kind", self.kind);
    visit("problem", self.problem);
    visit("conversation", self.conversation);
    visit("account", self.account);
    visit("what", self.what);
    visit("age_ms", self.age_ms);
  }
};
constexpr auto names_of(WorkFound::Kind) {
  return std::array{"unanswered", "twice", "reply"};
}
struct WorkAnswer {
  std::uint64_t conversations = 0;
  std::vector<WorkFound> found;
  std::string next;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversations", self.conversations);
    visit("found", self.found);
    visit("next", self.next);
  }
};

struct ReceiptAsked {
  MessageId message;
  std::string stream;
  std::uint64_t sequence = 0;
  Hash hash;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("message", self.message);
    visit("stream", self.stream, Rule{.max_bytes = 160});
    visit("sequence", self.sequence);
    visit("hash", self.hash);
  }
};
struct ReceiptsQuestion {
  std::vector<ReceiptAsked> receipts;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("receipts", self.receipts, Rule{.max_items = 200});
  }
};
struct ReceiptWrong {
  std::uint32_t index = 0;  // in the question
  bool may_come = false;    // it is on its way, perhaps: ask again
  std::string what;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("index", self.index);
    visit("may_come", self.may_come);
    visit("what", self.what);
  }
};
// A receipt of an entry behind a fork: its message is kept in another stream, salvaged or taken in
// there, too.
struct ReceiptBehindFork {
  std::uint32_t index = 0;  // in the question
  bool held = false;        // this node holds the history of which the receipt speaks

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("index", self.index);
    visit("held", self.held);
  }
};
struct ReceiptsAnswer {
  std::vector<ReceiptWrong> wrong;
  std::vector<ReceiptBehindFork> behind_fork;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("wrong", self.wrong);
    visit("behind_fork", self.behind_fork);
  }
};

}  // namespace crossfloor
