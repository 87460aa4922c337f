@0xe94b0d7c62a1f35b;
# What protocol/lease_messages.h says, on the wire. Fields are only added.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("crossfloor::wire");
using B = import "/protocol/bodies.capnp";

struct LeaseName {
  conversation @0 :Data;
  epoch @1 :B.Epoch;
}

struct Renew {
  number @0 :UInt64;
  count @1 :UInt64;
  hash @2 :UInt64;
}

struct Renewed {
  number @0 :UInt64;
  equal @1 :Bool;
}

struct LeaseSet {
  number @0 :UInt64;
  page @1 :UInt32;
  pages @2 :UInt32 = 1;
  leases @3 :List(LeaseName);
}

struct LeaseVerdict {
  number @0 :UInt64;
  page @1 :UInt32;
  voided @2 :List(LeaseName);
}

struct Resume {
  number @0 :UInt64;
  attempt @1 :UInt64;
  stillRunning @2 :Bool;
}

struct ResumedLease {
  conversation @0 :Data;
  epoch @1 :B.Epoch;
  agent @2 :Text;
  kind @3 :B.ChannelKind;
  termMs @4 :UInt64;
}

struct ResumeAnswer {
  number @0 :UInt64;
  attempt @1 :UInt64;
  page @2 :UInt32;
  pages @3 :UInt32 = 1;
  leases @4 :List(ResumedLease);
}

struct LeaseMessage {
  union {
    renew @0 :Renew;
    renewed @1 :Renewed;
    leaseSet @2 :LeaseSet;
    leaseVerdict @3 :LeaseVerdict;
    resume @4 :Resume;
    resumeAnswer @5 :ResumeAnswer;
  }
}
