@0xc86f1e3b9d25a470;
# What protocol/replication_messages.h says, on the wire. Fields are only added.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("crossfloor::wire::replication");

struct Documents { texts @0 :List(Text); }

struct VectorHash {
  hash @0 :Data;
  answer @1 :Bool;
}

struct StreamMark {
  node @0 :Data;
  generation @1 :UInt64;
  region @2 :Text;
  sequence @3 :UInt64;
  hash @4 :Data;
}

struct Vector {
  streams @0 :List(StreamMark);
  answer @1 :Bool;
}

struct Want {
  node @0 :Data;
  generation @1 :UInt64;
  region @2 :Text;
  from @3 :UInt64;
  maxBytes @4 :UInt32;
}

struct RangeIs {
  node @0 :Data;
  generation @1 :UInt64;
  region @2 :Text;
  first @3 :UInt64;
  entries @4 :Data;
  seal @5 :Data;
  live @6 :Bool;
  end @7 :Bool;
}

struct Stored {
  node @0 :Data;
  generation @1 :UInt64;
  region @2 :Text;
  sequence @3 :UInt64;
}

struct ForkIs {
  node @0 :Data;
  generation @1 :UInt64;
  region @2 :Text;
  held @3 :Data;
  other @4 :Data;
  common @5 :UInt64;
}

struct ReplicationMessage {
  union {
    documents @0 :Documents;
    vectorHash @1 :VectorHash;
    vector @2 :Vector;
    want @3 :Want;
    rangeIs @4 :RangeIs;
    stored @5 :Stored;
    forkIs @6 :ForkIs;
  }
}
