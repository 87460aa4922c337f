@0x9f41d8e26ca7b305;
# What protocol/desk_messages.h says, on the wire. Fields are only added.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("crossfloor::wire::desk");
using B = import "/protocol/bodies.capnp";

enum Verb {
  accept @0;
  decline @1;
  reply @2;
  note @3;
  pending @4;
  transfer @5;
  wrapUp @6;
  close @7;
  requeue @8;
  assign @9;
  takeover @10;
}

struct DeskCommand {
  id @0 :Data;
  verb @1 :Verb;
  conversation @2 :Data;
  epoch @3 :B.Epoch;
  agent @4 :Text;
  agentNode @5 :Data;
  byOperator @6 :Bool;
  text @7 :Text;
  isPublic @8 :Bool;
  language @9 :Text;
  seen @10 :List(Data);
  keep @11 :Bool;
  untilMs @12 :Int64;
  toAgent @13 :Text;
  toNode @14 :Data;
  team @15 :Text;
  skills @16 :List(Text);
  reason @17 :Text;
  signature @18 :Text;
  site @19 :Text;
}

struct CommandAnswer {
  id @0 :Data;
  ok @1 :Bool;
  code @2 :Text;
  what @3 :Text;
  mend @4 :Text;
  conversation @5 :Data;
  epoch @6 :B.Epoch;
  holder @7 :Text;
  reply @8 :Data;
}

struct SeenQuestion {
  node @0 :Data;
  withinMs @1 :UInt64;
  number @2 :UInt64;
}

struct SeenAnswer {
  node @0 :Data;
  seen @1 :Bool;
  number @2 :UInt64;
}

struct InspectQuestion {
  number @0 :UInt64;
  what @1 :Text;
  arguments @2 :Text;
}

struct InspectAnswer {
  number @0 :UInt64;
  json @1 :Text;
}

struct DeskMessage {
  union {
    command @0 :DeskCommand;
    commandAnswer @1 :CommandAnswer;
    seenQuestion @2 :SeenQuestion;
    seenAnswer @3 :SeenAnswer;
    inspectQuestion @4 :InspectQuestion;
    inspectAnswer @5 :InspectAnswer;
  }
}
