// How home and a lessee's node keep agreeing on who works on what, on the pulse link.
//
//   lessee: Renew (a count and a hash)  ->  home: Renewed (equal, or not)
//   if not: lessee: LeaseSet (pages)    ->  home: LeaseVerdict for each page: which are void
//   after a restart, lessee: Resume     ->  home: ResumeAnswer (pages): all that home gave it
//
// Everything may be lost, doubled or overtaken; the next renewal mends it.
#pragma once

#include <variant>

#include "protocol/epoch.h"
#include "protocol/service_class.h"

namespace crossfloor {

struct LeaseName {
  ConversationId conversation;
  Epoch epoch;

  auto operator<=>(const LeaseName&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversation", self.conversation);
    visit("epoch", self.epoch);
  }
};

inline constexpr std::size_t leases_per_page = 32;  // a page fits in one frame of 4 KiB

struct Renew {
  static constexpr const char* name = "renew";
  std::uint64_t number = 0;  // of the renewals of this lessee to this home, rising
  std::uint64_t count = 0;
  std::uint64_t hash = 0;  // of the set, whatever its order

  bool operator==(const Renew&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("count", self.count);
    visit("hash", self.hash);
  }
};

struct Renewed {
  static constexpr const char* name = "renewed";
  std::uint64_t number = 0;
  bool equal = false;  // if not, home wants the set

  bool operator==(const Renewed&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("equal", self.equal);
  }
};

// One page of what the lessee holds, sent when home said that the hashes differ.
struct LeaseSet {
  static constexpr const char* name = "lease_set";
  std::uint64_t number = 0;  // of the renewal that home answered
  std::uint32_t page = 0;
  std::uint32_t pages = 1;
  std::vector<LeaseName> leases;

  bool operator==(const LeaseSet&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("page", self.page);
    visit("pages", self.pages);
    visit("leases", self.leases);
  }
};

// Those of the page that are void; the others are renewed.
struct LeaseVerdict {
  static constexpr const char* name = "lease_verdict";
  std::uint64_t number = 0;
  std::uint32_t page = 0;
  std::vector<LeaseName> voided;

  bool operator==(const LeaseVerdict&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("page", self.page);
    visit("voided", self.voided);
  }
};

struct Resume {
  static constexpr const char* name = "resume";
  std::uint64_t number = 0;    // of this start of the lessee, random
  std::uint64_t attempt = 0;   // the answer names the question, because leases count from it
  bool still_running = false;  // asked before in this start: what rings there goes on ringing

  bool operator==(const Resume&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("attempt", self.attempt);
    visit("still_running", self.still_running);
  }
};

struct ResumedLease {
  ConversationId conversation;
  Epoch epoch;
  std::string agent;
  ChannelKind kind = ChannelKind::chat;
  std::uint64_t term_ms = 0;

  bool operator==(const ResumedLease&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("conversation", self.conversation);
    visit("epoch", self.epoch);
    visit("agent", self.agent);
    visit("kind", self.kind);
    visit("term_ms", self.term_ms);
  }
};

// What is not in it is refused.
struct ResumeAnswer {
  static constexpr const char* name = "resume_answer";
  static constexpr std::size_t per_page = 20;
  std::uint64_t number = 0;
  std::uint64_t attempt = 0;
  std::uint32_t page = 0;
  std::uint32_t pages = 1;
  std::vector<ResumedLease> leases;

  bool operator==(const ResumeAnswer&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("attempt", self.attempt);
    visit("page", self.page);
    visit("pages", self.pages);
    visit("leases", self.leases);
  }
};

using LeaseMessage = std::variant<Renew, Renewed, LeaseSet, LeaseVerdict, Resume, ResumeAnswer>;

}  // namespace crossfloor
