@0xa2704be9c15df836;
# One frame of a link: protocol/peer_messages.h. Families are only added; a node that does not know
# one counts the frame and drops it.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("crossfloor::wire");
using Desk = import "/protocol/desk.capnp";
using Gossip = import "/protocol/gossip.capnp";
using Leases = import "/protocol/leases.capnp";
using Replication = import "/protocol/replication.capnp";
using Routing = import "/protocol/routing.capnp";

struct PeerMessage {
  union {
    membership @0 :Gossip.MembershipMessage;
    load @1 :Gossip.LoadMessage;
    routing @2 :Routing.RoutingMessage;
    replication @3 :Replication.ReplicationMessage;
    desk @4 :Desk.DeskMessage;
    lease @5 :Leases.LeaseMessage;
  }
}
