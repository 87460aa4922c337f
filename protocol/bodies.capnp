@0xb7d9c3f1a2e45061;
# Bodies of the log's entries (protocol/bodies.h says what each means). Fields are only added.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("crossfloor::wire");

struct Epoch {
  term @0 :UInt64;
  time @1 :UInt64;
  node @2 :Data;
}

struct Position {
  time @0 :UInt64;
  node @1 :Data;
  generation @2 :UInt64;
  sequence @3 :UInt64;
}

enum Direction { in @0; out @1; }
enum MessageKind { message @0; edited @1; deleted @2; delivered @3; read @4; }
enum CourseState { waiting @0; ringing @1; active @2; pending @3; wrapUp @4; closed @5; }
enum ReplyOutcome { accepted @0; refused @1; retryLater @2; unknown @3; voided @4; needsPerson @5; }

struct Attachment {
  name @0 :Text;
  type @1 :Text;
  size @2 :UInt64;
  digest @3 :Text;
  url @4 :Text;
}

struct CustomerHandle {
  externalId @0 :Text;
  name @1 :Text;
  customerRef @2 :Text;
}

struct IncomingMessage {
  direction @0 :Direction;
  kind @1 :MessageKind;
  externalId @2 :Text;
  customer @3 :CustomerHandle;
  text @4 :Text;
  attachments @5 :List(Attachment);
  public @6 :Bool;
  threadId @7 :Text;
  parentId @8 :Text;
  language @9 :Text;
  campaignId @10 :Text;
  providerTimeMs @11 :Int64;
  priority @12 :UInt32;
  topic @13 :Text;
  skills @14 :List(Text);
  extra @15 :Text;
  mood @16 :UInt32;
}

struct GenerationBody {
  node @0 :Data;
  site @1 :Text;
  startedMs @2 :Int64;
  version @3 :Text;
}

struct MessageBody {
  account @0 :Text;
  brand @1 :Text;
  channel @2 :Text;
  takenMs @3 :Int64;
  trustedRef @4 :Bool;
  message @5 :IncomingMessage;
}

struct PlacedBody {
  message @0 :Data;
  epoch @1 :Epoch;
  opens @2 :Bool;
  reopens @3 :Bool;
  account @4 :Text;
  brand @5 :Text;
  channel @6 :Text;
  handle @7 :Data;
  threadId @8 :Text;
  isPublic @9 :Bool;
  reason @10 :Text;
  inbound @11 :Bool = true;
}

struct CourseBody {
  epoch @0 :Epoch;
  state @1 :CourseState;
  agent @2 :Text;
  agentNode @3 :Data;
  reason @4 :Text;
  by @5 :Text;
  command @6 :Data;
  pendingUntilMs @7 :Int64;
  seen @8 :List(Data);
  skills @9 :List(Text);
  team @10 :Text;
  preferAgent @11 :Text;
  preferNode @12 :Data;
  changesSite @13 :Bool;
  trace @14 :Text;
}

struct TookHomeBody {
  epoch @0 :Epoch;
  reason @1 :Text;
  by @2 :Text;
}

struct ReplyBody {
  reply @0 :Data;
  epoch @1 :Epoch;
  command @2 :Data;
  agent @3 :Text;
  agentNode @4 :Data;
  signature @5 :Text;
  text @6 :Text;
  isPublic @7 :Bool;
  language @8 :Text;
  seen @9 :List(Data);
  parent @10 :Data;
  account @11 :Text;
  to @12 :Text;
  threadId @13 :Text;
  parentId @14 :Text;
  sender @15 :Data;
  then @16 :CourseState;
  knownReplies @17 :UInt32;
  known @18 :List(UInt32);
}

struct NoteBody {
  epoch @0 :Epoch;
  command @1 :Data;
  agent @2 :Text;
  text @3 :Text;
}

struct AttemptBody {
  reply @0 :Data;
  number @1 :UInt32;
}

struct OutcomeBody {
  reply @0 :Data;
  outcome @1 :ReplyOutcome;
  externalId @2 :Text;
  detail @3 :Text;
  by @4 :Text;
  account @5 :Text;
}

struct LinkBody {
  first @0 :Data;
  second @1 :Data;
  linked @2 :Bool = true;
  by @3 :Text;
  reason @4 :Text;
}

struct ActBody {
  verb @0 :Text;
  target @1 :Text;
  by @2 :Text;
  reason @3 :Text;
}

struct AccountBody {
  account @0 :Text;
  brand @1 :Text;
  channel @2 :Text;
  hosts @3 :List(Text);
  targetMs @4 :Int64;
  helperAfterMs @5 :Int64;
  ringMs @6 :Int64;
  leaseMs @7 :Int64;
  autoAccept @8 :Bool;
  trustedRef @9 :Bool;
  repeatable @10 :Bool = true;
  lookup @11 :Bool;
  prints @12 :List(Text);
  nextTargetMs @13 :Int64 = -1;
  optionalSkillsAfterMs @14 :Int64 = -1;
  lastAgentWaitMs @15 :Int64 = -1;
  pullMarginMs @16 :Int64 = -1;
  agentGoneAfterMs @17 :Int64 = -1;
  requeueWhenLate @18 :Bool;
  optionalSkills @19 :List(Text);
}

enum ChannelKind { chat @0; social @1; email @2; call @3; other @4; }
enum Duty { off @0; primary @1; helper @2; }

struct ChannelDuty {
  kind @0 :ChannelKind;
  duty @1 :Duty;
  maximum @2 :UInt32;
  cost @3 :UInt32;
}

struct AgentRecord {
  name @0 :Text;
  displayName @1 :Text;
  signature @2 :Text;
  team @3 :Text;
  node @4 :Data;
  brands @5 :List(Text);
  languages @6 :List(Text);
  skills @7 :List(Text);
  channels @8 :List(ChannelDuty);
  totalUnits @9 :UInt32 = 12;
  disabled @10 :Bool;
  passwordHash @11 :Text;
}
