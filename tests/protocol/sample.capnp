@0xb3a1f2c4d5e60718;

# What the codecs are tested with: every kind of field once (tests/protocol/sample.h).

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("crossfloor::sample::wire");

enum Mood { calm @0; veryAngry @1; }
enum Colour { unknown @0; red @1; }

struct Point { x @0 :Int32; y @1 :Int16; }

struct Everything {
  flag @0 :Bool;
  tiny @1 :UInt8;
  small @2 :Int16;
  medium @3 :UInt32;
  big @4 :UInt64;
  signedBig @5 :Int64;
  ratio @6 :Float64;
  text @7 :Text;
  raw @8 :Data;
  node @9 :Data;
  time @10 :UInt64;
  waitMs @11 :Int64;
  mood @12 :Mood;
  colour @13 :Colour;
  point @14 :Point;
  maybePoint @15 :Point;
  maybeText @16 :Text;
  maybeNode @17 :Data;
  numbers @18 :List(UInt32);
  flags @19 :List(Bool);
  words @20 :List(Text);
  nodes @21 :List(Data);
  moods @22 :List(Mood);
  points @23 :List(Point);
  grid @24 :List(List(Int16));
  extra @25 :Text;
}

struct Ping { number @0 :UInt64; payload @1 :Data; }
struct TookHome { who @0 :Data; where @1 :List(Point); }

struct Packet {
  version @0 :UInt16;
  union {
    ping @1 :Ping;
    tookHome @2 :TookHome;
    bye @3 :Void;
  }
}

# The same from a node that is newer.
struct NewerPacket {
  version @0 :UInt16;
  union {
    ping @1 :Ping;
    tookHome @2 :TookHome;
    bye @3 :Void;
    later @4 :Ping;
  }
  note @5 :Text;
}

struct Envelope {
  body :union {
    ping @0 :Ping;
    tookHome @1 :TookHome;
    bye @2 :Void;
  }
  others @3 :List(Packet);
}

struct Tree { value @0 :UInt8; children @1 :List(Tree); }

struct NewerPoint { mood @0 :NewerMood; }
enum NewerMood { calm @0; veryAngry @1; merry @2; }
struct OlderPoint { mood @0 :Mood; }

struct Misfit { x @0 :Int64; z @1 :Int16; }
