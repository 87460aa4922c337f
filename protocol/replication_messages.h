// What nodes say to each other so that all of a region hold the same streams.
#pragma once

#include <variant>
#include <vector>

#include "protocol/fields.h"
#include "protocol/ids.h"

namespace crossfloor {

// Certificates and revocations: before everything else on a new link, and whenever one is new.
struct Documents {
  static constexpr const char* name = "documents";
  std::vector<std::string> texts;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("texts", self.texts);
  }
};

// "All that I hold of the regions that we share has this hash." Equal: nothing to exchange.
struct VectorHash {
  static constexpr const char* name = "vector_hash";
  Hash hash;
  bool answer = false;  // true: says only that the hashes were equal
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("hash", self.hash);
    visit("answer", self.answer);
  }
};

struct StreamMark {
  NodeId node;
  Generation generation = 0;
  Region region;
  Sequence sequence = 0;
  Hash hash;  // of that entry: a head heard of but held by nobody can be listed
  Stream stream() const { return {{node, generation}, region}; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("generation", self.generation);
    visit("region", self.region);
    visit("sequence", self.sequence);
    visit("hash", self.hash);
  }
};

struct Vector {
  static constexpr const char* name = "vector";
  std::vector<StreamMark> streams;
  bool answer = false;  // true: needs none in return
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("streams", self.streams);
    visit("answer", self.answer);
  }
};

// "Send me this stream from here, so many bytes." The asker keeps one such request under way per
// peer, so a slow one costs nobody memory.
struct Want {
  static constexpr const char* name = "want";
  NodeId node;
  Generation generation = 0;
  Region region;
  Sequence from = 0;
  std::uint32_t max_bytes = 0;
  Stream stream() const { return {{node, generation}, region}; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("generation", self.generation);
    visit("region", self.region);
    visit("from", self.from);
    visit("max_bytes", self.max_bytes);
  }
};

// A range of a stream that ends on a seal. Packed as protocol/range.h says: header and body of each
// entry as they are stored.
struct RangeIs {
  static constexpr const char* name = "range_is";
  NodeId node;
  Generation generation = 0;
  Region region;
  Sequence first = 0;
  Bytes entries;
  Bytes seal;
  bool live = false;  // just written by its origin; otherwise an answer to Want
  bool end = false;   // of an answer: nothing more is held
  Stream stream() const { return {{node, generation}, region}; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("generation", self.generation);
    visit("region", self.region);
    visit("first", self.first);
    visit("entries", self.entries, Rule{.binary = true});
    visit("seal", self.seal, Rule{.binary = true});
    visit("live", self.live);
    visit("end", self.end);
  }
};

// "All up to here is on my disk, synced." To the origin of a live range.
struct Stored {
  static constexpr const char* name = "stored";
  NodeId node;
  Generation generation = 0;
  Region region;
  Sequence sequence = 0;
  Stream stream() const { return {{node, generation}, region}; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("generation", self.generation);
    visit("region", self.region);
    visit("sequence", self.sequence);
  }
};

// "The origin of this stream signed two histories": both seals, of one sequence, and up to where
// the sender found them to agree.
struct ForkIs {
  static constexpr const char* name = "fork_is";
  NodeId node;
  Generation generation = 0;
  Region region;
  Bytes held;
  Bytes other;
  Sequence common = 0;
  Stream stream() const { return {{node, generation}, region}; }
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("generation", self.generation);
    visit("region", self.region);
    visit("held", self.held, Rule{.binary = true});
    visit("other", self.other, Rule{.binary = true});
    visit("common", self.common);
  }
};

using ReplicationMessage =
    std::variant<Documents, VectorHash, Vector, Want, RangeIs, Stored, ForkIs>;

}  // namespace crossfloor
