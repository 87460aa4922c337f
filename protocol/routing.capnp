@0xe3a95c0d7b48f216;
# What protocol/routing_messages.h says, on the wire. Fields are only added.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("crossfloor::wire::routing");
using B = import "/protocol/bodies.capnp";
using G = import "/protocol/gossip.capnp";

struct Need {
  conversation @0 :Data;
  service @1 :G.ServiceClass;
  optionalSkills @2 :List(Text);
  team @3 :Text;
  helpers @4 :Bool;
  onlyAgent @5 :Text;
  excluded @6 :List(Text);
}

struct Abilities {
  brands @0 :List(Text);
  languages @1 :List(Text);
  skills @2 :List(Text);
}

struct AgentProfile {
  name @0 :Text;
  team @1 :Text;
  abilities @2 :Abilities;
  channels @3 :List(B.ChannelDuty);
}

struct Assignment {
  conversation @0 :Data;
  epoch @1 :B.Epoch;
  nonce @2 :UInt64;
  agent @3 :Text;
  service @4 :G.ServiceClass;
  ageMs @5 :UInt64;
  leaseMs @6 :UInt64;
  ringMs @7 :UInt64;
  autoAccept @8 :Bool;
  excluded @9 :List(Text);
  needed @10 :List(B.Position);
  goneMs @11 :UInt64;
}

enum DeclineReason { full @0; onlyExcluded @1; nobody @2; drained @3; }
enum BackReason {
  declined @0;
  missed @1;
  connectionLost @2;
  agentGone @3;
  loggedOut @4;
  disabled @5;
  noHold @6;
  excluded @7;
  notAnswered @8;
  notTaken @9;
  leaseEnded @10;
  lesseeLost @11;
  noRoom @12;
}

struct Offer {
  nonce @0 :UInt64;
  need @1 :Need;
  waitMs @2 :UInt64;
}

struct Held {
  nonce @0 :UInt64;
  conversation @1 :Data;
  agent @2 :Text;
}

struct Decline {
  nonce @0 :UInt64;
  conversation @1 :Data;
  reason @2 :DeclineReason;
  freePrimary @3 :UInt32;
  freeHelper @4 :UInt32;
}

struct Release { nonce @0 :UInt64; }
struct Commit { assignment @0 :Assignment; }

enum LineVerdict {
  asked @0;
  notAnswered @1;
  denied @2;
  inVain @3;
  taken @4;
  notNow @5;
  lessUrgent @6;
  withinMargin @7;
  slowWork @8;
}

struct WeighedLine {
  node @0 :Data;
  waiting @1 :UInt32;
  oldestMs @2 :UInt64;
  knownAgeMs @3 :UInt64;
  verdict @4 :LineVerdict;
  reserveMs @5 :UInt64;
}

struct Pull {
  nonce @0 :UInt64;
  agent @1 :AgentProfile;
  weighed @2 :List(WeighedLine);
  weighedLeftOut @3 :UInt32;
  elsewhere @4 :UInt64;
}

struct Grant { assignment @0 :Assignment; }

struct Deny {
  nonce @0 :UInt64;
  waiting @1 :UInt32;
}

struct Ringing {
  conversation @0 :Data;
  epoch @1 :B.Epoch;
  nonce @2 :UInt64;
}

struct Back {
  conversation @0 :Data;
  epoch @1 :B.Epoch;
  nonce @2 :UInt64;
  agent @3 :Text;
  reason @4 :BackReason;
}

struct BackHeard {
  conversation @0 :Data;
  epoch @1 :B.Epoch;
}

struct Withdrawn {
  conversation @0 :Data;
  epoch @1 :B.Epoch;
  nonce @2 :UInt64;
}

struct RoutingMessage {
  union {
    offer @0 :Offer;
    held @1 :Held;
    decline @2 :Decline;
    release @3 :Release;
    commit @4 :Commit;
    pull @5 :Pull;
    grant @6 :Grant;
    deny @7 :Deny;
    ringing @8 :Ringing;
    back @9 :Back;
    backHeard @10 :BackHeard;
    withdrawn @11 :Withdrawn;
  }
}
