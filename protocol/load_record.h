// What a node tells the others about its floor: who is free, who waits, how long things take.
//
// Gossip only says whom to ask; the home decides with fresh knowledge (routing.md). Ages are as of
// sending, because wall clocks differ: "age now" is oldest_ms plus the record's own age.
#pragma once

#include <cstdint>
#include <vector>

#include "protocol/fields.h"
#include "protocol/ids.h"
#include "protocol/result.h"
#include "protocol/service_class.h"

namespace crossfloor {

constexpr std::size_t max_load_classes = 64;
constexpr std::size_t max_oldest = 8;
constexpr std::size_t max_load_bytes = 1'280;  // so that three records fit a pulse frame

struct ClassLoad {
  ServiceClass service;
  std::uint32_t free_primary = 0;  // slots
  std::uint32_t free_helper = 0;
  std::uint32_t waiting = 0;             // conversations
  std::vector<std::uint32_t> oldest_ms;  // ages of up to 8 of them, oldest first
  // Moving averages of handling times of the class's kind: of work from here, and from elsewhere.
  std::uint32_t local_handling_ms = 0;
  std::uint32_t local_handled = 0;  // over how many cases
  std::uint32_t remote_handling_ms = 0;
  std::uint32_t remote_handled = 0;
  // Age ÷ this is the urgency of the most urgent of those who wait. 0: the kind's default.
  std::uint32_t target_ms = 0;
  // One more than the brands, languages and skills of that free primary who has the fewest. 0:
  // nobody, or not told.
  std::uint32_t fewest_abilities = 0;

  bool idle() const { return free_primary == 0 && free_helper == 0 && waiting == 0; }
  bool operator==(const ClassLoad&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("service", self.service);
    visit("free_primary", self.free_primary);
    visit("free_helper", self.free_helper);
    visit("waiting", self.waiting);
    visit("oldest_ms", self.oldest_ms);
    visit("local_handling_ms", self.local_handling_ms);
    visit("local_handled", self.local_handled);
    visit("remote_handling_ms", self.remote_handling_ms);
    visit("remote_handled", self.remote_handled);
    visit("target_ms", self.target_ms);
    visit("fewest_abilities", self.fewest_abilities);
  }
};

struct OnDuty {
  ChannelKind kind = ChannelKind::chat;
  std::uint32_t agents = 0;
  bool operator==(const OnDuty&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("kind", self.kind);
    visit("agents", self.agents);
  }
};

struct LoadRecord {
  NodeId node;
  Generation generation = 0;
  std::uint64_t version = 0;       // within the generation; the first is 1
  bool drained = false;            // takes no work from elsewhere
  std::vector<OnDuty> on_duty;     // per kind, in its order, none twice
  std::vector<ClassLoad> classes;  // in order of service, none twice

  // Null if the class is not listed: nothing free, nothing waiting.
  const ClassLoad* find(const ServiceClass& service) const;
  ClassLoad* find(const ServiceClass& service);
  std::uint32_t agents_on_duty(ChannelKind kind) const;

  bool operator==(const LoadRecord&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("generation", self.generation);
    visit("version", self.version);
    visit("drained", self.drained);
    visit("on_duty", self.on_duty);
    visit("classes", self.classes);
  }
};

// Bytes of the record inside a message, as Cap'n Proto lays it out unpacked.
std::size_t encoded_size(const LoadRecord& record);

// Sorts, and leaves out what does not fit, least interesting first: more than 8 ages; classes with
// nothing free and nothing waiting (absent means just that; only their handling times are lost);
// all ages but the two oldest; then the classes with the fewest waiting, of these those with the
// fewest free. What is left out reads as nothing free and nothing waiting, which sends nobody here
// in vain.
LoadRecord fitted(LoadRecord record);

// What a peer sends must look as fitted() makes it.
Status check(const LoadRecord& record);

}  // namespace crossfloor
