@0xd4c1a97e5b3f2086;
# What protocol/membership_messages.h and protocol/load_messages.h say, on the wire. Fields are
# only added.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("crossfloor::wire::gossip");

enum MemberState { alive @0; suspect @1; dead @2; left @3; }

struct MemberMark {
  generation @0 :UInt64;
  startedMs @1 :Int64;
  incarnation @2 :UInt32;
  loadVersion @3 :UInt64;
}

struct MemberNews {
  node @0 :Data;
  generation @1 :UInt64;
  startedMs @2 :Int64;
  incarnation @3 :UInt32;
  state @4 :MemberState;
  accuser @5 :Data;
}

struct Ping {
  mark @0 :MemberMark;
  number @1 :UInt64;
  news @2 :List(MemberNews);
}

struct Ack {
  mark @0 :MemberMark;
  number @1 :UInt64;
  subject @2 :Data;
  subjectMark @3 :MemberMark;
  news @4 :List(MemberNews);
  wallMs @5 :Int64;
}

struct PingRequest {
  mark @0 :MemberMark;
  number @1 :UInt64;
  target @2 :Data;
  news @3 :List(MemberNews);
}

struct Nack {
  mark @0 :MemberMark;
  number @1 :UInt64;
  news @2 :List(MemberNews);
}

struct News {
  mark @0 :MemberMark;
  news @1 :List(MemberNews);
}

struct MembershipMessage {
  union {
    ping @0 :Ping;
    ack @1 :Ack;
    pingRequest @2 :PingRequest;
    nack @3 :Nack;
    news @4 :News;
  }
}

enum ChannelKind { chat @0; social @1; email @2; call @3; other @4; }

struct ServiceClass {
  brand @0 :Text;
  kind @1 :ChannelKind;
  skills @2 :List(Text);
  language @3 :Text;
}

struct ClassLoad {
  service @0 :ServiceClass;
  freePrimary @1 :UInt32;
  freeHelper @2 :UInt32;
  waiting @3 :UInt32;
  oldestMs @4 :List(UInt32);
  localHandlingMs @5 :UInt32;
  localHandled @6 :UInt32;
  remoteHandlingMs @7 :UInt32;
  remoteHandled @8 :UInt32;
  targetMs @9 :UInt32;
  fewestAbilities @10 :UInt32;
}

struct OnDuty {
  kind @0 :ChannelKind;
  agents @1 :UInt32;
}

struct LoadRecord {
  node @0 :Data;
  generation @1 :UInt64;
  version @2 :UInt64;
  drained @3 :Bool;
  onDuty @4 :List(OnDuty);
  classes @5 :List(ClassLoad);
}

struct LoadNews {
  record @0 :LoadRecord;
  heldMs @1 :UInt32;
}

struct LoadMark {
  node @0 :Data;
  generation @1 :UInt64;
  version @2 :UInt64;
}

struct LoadUpdate { records @0 :List(LoadNews); }
struct LoadRequest { nodes @0 :List(Data); }
struct LoadDigest { marks @0 :List(LoadMark); }

struct LoadMessage {
  union {
    update @0 :LoadUpdate;
    request @1 :LoadRequest;
    digest @2 :LoadDigest;
  }
}
