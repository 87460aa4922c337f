// How load records travel: sent when they change, fetched when a newer one was heard of, compared
// with one peer now and then.
#pragma once

#include <variant>
#include <vector>

#include "protocol/load_record.h"

namespace crossfloor {

// A record, and how long ago its ages were true.
struct LoadNews {
  LoadRecord record;
  std::uint32_t held_ms = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("record", self.record);
    visit("held_ms", self.held_ms);
  }
};

struct LoadMark {
  NodeId node;
  Generation generation = 0;
  std::uint64_t version = 0;  // 0: no record is held
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("generation", self.generation);
    visit("version", self.version);
  }
};

struct LoadUpdate {
  static constexpr const char* name = "update";
  std::vector<LoadNews> records;  // together under 3,700 bytes
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("records", self.records);
  }
};

struct LoadRequest {
  static constexpr const char* name = "request";
  std::vector<NodeId> nodes;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("nodes", self.nodes);
  }
};

// "This is what I hold": the other side sends what is newer and asks for what it lacks.
struct LoadDigest {
  static constexpr const char* name = "digest";
  std::vector<LoadMark> marks;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("marks", self.marks);
  }
};

using LoadMessage = std::variant<LoadUpdate, LoadRequest, LoadDigest>;

constexpr std::size_t max_update_bytes = 3'700;
constexpr std::size_t max_load_marks = 48;

}  // namespace crossfloor
