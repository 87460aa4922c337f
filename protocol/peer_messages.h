// All that one node says to another: one frame of a link carries one of these. Each family has a
// header of its own, where its messages are described.
#pragma once

#include "protocol/desk_messages.h"
#include "protocol/lease_messages.h"
#include "protocol/link_kind.h"
#include "protocol/load_messages.h"
#include "protocol/membership_messages.h"
#include "protocol/replication_messages.h"
#include "protocol/routing_messages.h"

namespace crossfloor {

struct MembershipFrame {
  static constexpr const char* name = "membership";
  MembershipMessage message;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("message", self.message);
  }
};
struct LoadFrame {
  static constexpr const char* name = "load";
  LoadMessage message;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("message", self.message);
  }
};
struct RoutingFrame {
  static constexpr const char* name = "routing";
  RoutingMessage message;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("message", self.message);
  }
};
struct LeaseFrame {
  static constexpr const char* name = "lease";
  LeaseMessage message;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("message", self.message);
  }
};
struct ReplicationFrame {
  static constexpr const char* name = "replication";
  ReplicationMessage message;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("message", self.message);
  }
};
struct DeskFrame {
  static constexpr const char* name = "desk";
  DeskMessage message;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("message", self.message);
  }
};

using PeerMessage =
    std::variant<MembershipFrame, LoadFrame, RoutingFrame, LeaseFrame, ReplicationFrame, DeskFrame>;

Bytes encode(const PeerMessage& message);

// Errors: not_found (of a family or kind that a newer node knows), too_large, malformed.
Result<PeerMessage> decode_peer_message(ByteView bytes);

}  // namespace crossfloor
