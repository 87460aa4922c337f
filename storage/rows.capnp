@0xd1a4c27be5907f83;
# Rows of the projections (storage/rows.h says what each means). They can be rebuilt from the log.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("crossfloor::wire");
using B = import "/protocol/bodies.capnp";

struct Unanswered {
  message @0 :Data;
  sinceMs @1 :Int64;
}

struct TermHome {
  term @0 :UInt64;
  time @1 :UInt64;
  node @2 :Data;
}

struct ReplyState {
  reply @0 :Data;
  sender @1 :Data;
  agent @2 :Text;
  writtenMs @3 :Int64;
  counts @4 :Bool = true;
  attempts @5 :UInt32;
  hasOutcome @6 :Bool;
  outcome @7 :B.ReplyOutcome;
  detail @8 :Text;
  seen @9 :List(Data);
  beside @10 :Bool;
  twice @11 :Bool;
  term @12 :UInt8;
  number @13 :UInt32;
}

struct Conversation {
  id @0 :Data;
  opened @1 :Bool;
  account @2 :Text;
  brand @3 :Text;
  channel @4 :Text;
  handle @5 :Data;
  customer @6 :Text;
  threadId @7 :Text;
  lastExternalId @8 :Text;
  isPublic @9 :Bool;
  openedAt @10 :B.Position;
  aliasOf @11 :Data;
  homes @12 :List(TermHome);
  epoch @13 :B.Epoch;
  state @14 :B.CourseState;
  agent @15 :Text;
  agentNode @16 :Data;
  reason @17 :Text;
  sinceMs @18 :Int64;
  pendingUntilMs @19 :Int64;
  preferAgent @20 :Text;
  preferNode @21 :Data;
  team @22 :Text;
  unanswered @23 :List(Unanswered);
  seen @24 :List(Data);
  priority @25 :UInt32;
  topic @26 :Text;
  language @27 :Text;
  skills @28 :List(Text);
  skillsSet @29 :Bool;
  lastAgent @30 :Text;
  lastAgentNode @31 :Data;
  lastAgentMs @32 :Int64;
  siteChanges @33 :UInt32;
  replies @34 :List(ReplyState);
  handledTwice @35 :UInt32;
  uncounted @36 :UInt32;
  messagesIn @37 :UInt32;
  messagesOut @38 :UInt32;
  firstMs @39 :Int64;
  lastMs @40 :Int64;
  firstReplyMs @41 :Int64;
  last @42 :B.Position;
  assigned @43 :B.Epoch;
  region @44 :Text;
  repliesDone @45 :UInt32;
  first @46 :B.Position;
  mood @47 :UInt8;
  said @48 :B.Position;
}

struct MessageCopy {
  at @0 :B.Position;
  kind @1 :B.MessageKind;
  text @2 :Data;
}

struct Placement {
  at @0 :B.Position;
  conversation @1 :Data;
}

struct MessageRow {
  region @0 :Text;
  copies @1 :List(MessageCopy);
  placements @2 :List(Placement);
  echoOf @3 :Data;
}

struct ItemRow {
  region @0 :Text;
  kind @1 :UInt16;
  subject @2 :Data;
  message @3 :Data;
}

struct ThreadRow {
  opened @0 :List(Placement);
  region @1 :Text;
}

struct PlaceRow {
  at @0 :B.Position;
  conversation @1 :Data;
  region @2 :Text;
}

struct CommandRow {
  at @0 :B.Position;
  kind @1 :UInt16;
  conversation @2 :Data;
  region @3 :Text;
}

struct ReplyRow {
  conversation @0 :Data;
  at @1 :B.Position;
  region @2 :Text;
}

struct LinkRow {
  at @0 :B.Position;
  linked @1 :Bool = true;
  byReference @2 :Bool;
  region @3 :Text;
}

struct SubjectRow {
  at @0 :B.Position;
  region @1 :Text;
  kind @2 :UInt16;
}
