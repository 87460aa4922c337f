@0x9c1e4b7d20f6a853;
# What agents' clients and nodes say to each other (protocol/client_commands.h and client_messages.h
# say what each means; docs/agents.md is for those who write clients). On the WebSocket /v1/agent it is
# spoken as JSON: field names in snake_case, a union as {"type": its member, ...}. Fields are only
# added.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("crossfloor::wire::client");
using B = import "/protocol/bodies.capnp";

enum HistoryKind { message @0; reply @1; note @2; }
enum HistoryDirection { in @0; out @1; internal @2; }
enum Revision { first @0; edited @1; deleted @2; }
enum Presence { loggedOut @0; ready @1; notReady @2; }
enum WorkState { held @0; ringing @1; busy @2; wrappingUp @3; ending @4; }
enum LogOffHow { ask @0; handOver @1; keepPending @2; }

struct HistoryItem {
  cursor @0 :Text;
  conversation @1 :Data;
  kind @2 :HistoryKind;
  direction @3 :HistoryDirection;
  public @4 :Bool;
  author @5 :Text;
  timeMs @6 :Int64;
  text @7 :Text;
  account @8 :Text;
  channel @9 :Text;
  language @10 :Text;
  providerTimeMs @11 :Int64;
  attachments @12 :List(B.Attachment);
  message @13 :Data;
  externalId @14 :Text;
  parentExternalId @15 :Text;
  revision @16 :Revision;
  unanswered @17 :Bool;
  reply @18 :Data;
  answers @19 :List(Data);
  outcome @20 :Text;
  outcomeDetail @21 :Text;
  handledTwice @22 :Bool;
}

struct HistoryPage {
  items @0 :List(HistoryItem);
  next @1 :Text;
}

struct ConversationView {
  conversation @0 :Data;
  epoch @1 :B.Epoch;
  state @2 :B.CourseState;
  reason @3 :Text;
  agent @4 :Text;
  lastAgent @5 :Text;
  account @6 :Text;
  brand @7 :Text;
  channel @8 :Text;
  public @9 :Bool;
  customer @10 :Text;
  handle @11 :Data;
  threadId @12 :Text;
  topic @13 :Text;
  language @14 :Text;
  skills @15 :List(Text);
  team @16 :Text;
  priority @17 :UInt32;
  waitingSinceMs @18 :Int64;
  sinceMs @19 :Int64;
  pendingUntilMs @20 :Int64;
  firstMs @21 :Int64;
  lastMs @22 :Int64;
  unanswered @23 :List(Data);
  messagesIn @24 :UInt32;
  messagesOut @25 :UInt32;
  repliesOpen @26 :UInt32;
  handledTwice @27 :UInt32;
}

struct HandleView {
  handle @0 :Data;
  channel @1 :Text;
  externalId @2 :Text;
}

struct CustomerView {
  brand @0 :Text;
  handles @1 :List(HandleView);
  conversations @2 :List(ConversationView);
  more @3 :Bool;
}

struct WorkView {
  conversation @0 :Data;
  state @1 :WorkState;
}

struct ChannelSlots {
  kind @0 :B.ChannelKind;
  duty @1 :B.Duty;
  used @2 :UInt32;
  maximum @3 :UInt32;
  free @4 :UInt32;
}

struct SlotsView {
  presence @0 :Presence;
  reason @1 :Text;
  unitsUsed @2 :UInt32;
  unitsTotal @3 :UInt32;
  channels @4 :List(ChannelSlots);
  work @5 :List(WorkView);
}

struct LogIn {
  id @0 :Text;
  version @1 :UInt32 = 1;
  agent @2 :Text;
  password @3 :Text;
  token @4 :Text;
  lastSeq @5 :UInt64;
}

struct SetPresence {
  id @0 :Text;
  presence @1 :Presence = notReady;
  reason @2 :Text;
}

struct AskSlots {
  id @0 :Text;
}

struct Accept {
  id @0 :Text;
  conversation @1 :Data;
  epoch @2 :B.Epoch;
}

struct Decline {
  id @0 :Text;
  conversation @1 :Data;
  epoch @2 :B.Epoch;
  reason @3 :Text;
}

struct Open {
  id @0 :Text;
  conversation @1 :Data;
  items @2 :UInt32 = 20;
}

struct AskHistory {
  id @0 :Text;
  conversation @1 :Data;
  before @2 :Text;
  items @3 :UInt32 = 20;
  onlyThis @4 :Bool;
}

struct FindCustomer {
  id @0 :Text;
  brand @1 :Text;
  channel @2 :Text;
  externalId @3 :Text;
}

struct Reply {
  id @0 :Text;
  conversation @1 :Data;
  epoch @2 :B.Epoch;
  text @3 :Text;
  public @4 :Bool;
  language @5 :Text;
  seen @6 :List(Data);
  keep @7 :Bool;
}

struct Note {
  id @0 :Text;
  conversation @1 :Data;
  text @2 :Text;
}

struct SetPending {
  id @0 :Text;
  conversation @1 :Data;
  epoch @2 :B.Epoch;
  untilMs @3 :Int64;
  seen @4 :List(Data);
}

struct Transfer {
  id @0 :Text;
  conversation @1 :Data;
  epoch @2 :B.Epoch;
  toAgent @3 :Text;
  team @4 :Text;
  skills @5 :List(Text);
}

struct WrapUp {
  id @0 :Text;
  conversation @1 :Data;
  epoch @2 :B.Epoch;
}

struct Close {
  id @0 :Text;
  conversation @1 :Data;
  epoch @2 :B.Epoch;
  reason @3 :Text;
  seen @4 :List(Data);
}

struct LogOff {
  id @0 :Text;
  how @1 :LogOffHow;
}

struct Ping {
  id @0 :Text;
}

struct Link {
  id @0 :Text;
  conversation @1 :Data;
  channel @2 :Text;
  externalId @3 :Text;
  reason @4 :Text;
}

struct Unlink {
  id @0 :Text;
  conversation @1 :Data;
  channel @2 :Text;
  externalId @3 :Text;
  reason @4 :Text;
}

struct Draft {
  id @0 :Text;
  conversation @1 :Data;
  text @2 :Text;
}

struct Welcome {
  id @0 :Text;
  agent @1 :Text;
  displayName @2 :Text;
  signature @3 :Text;
  team @4 :Text;
  site @5 :Text;
  brands @6 :List(Text);
  token @7 :Text;
  resumed @8 :Bool;
  seq @9 :UInt64;
  nowMs @10 :Int64;
  idleMs @11 :Int64;
}

struct Done {
  id @0 :Text;
  conversation @1 :Data;
  epoch @2 :B.Epoch;
  reply @3 :Data;
}

struct Refused {
  id @0 :Text;
  code @1 :Text;
  field @2 :Text;
  what @3 :Text;
  mend @4 :Text;
  holder @5 :Text;
  epoch @6 :B.Epoch;
  site @7 :Text;
  addresses @8 :List(Text);
  retryAfterMs @9 :Int64;
}

struct LogOffQuestion {
  id @0 :Text;
  open @1 :List(ConversationView);
}

struct SlotsAnswer {
  id @0 :Text;
  slots @1 :SlotsView;
}

struct Opened {
  id @0 :Text;
  view @1 :ConversationView;
  customer @2 :CustomerView;
  history @3 :HistoryPage;
}

struct HistoryAnswer {
  id @0 :Text;
  page @1 :HistoryPage;
}

struct CustomerAnswer {
  id @0 :Text;
  customer @1 :CustomerView;
}

struct Pong {
  id @0 :Text;
  nowMs @1 :Int64;
}

struct Snapshot {
  seq @0 :UInt64;
  slots @1 :SlotsView;
  conversations @2 :List(ConversationView);
}

struct Ring {
  seq @0 :UInt64;
  conversation @1 :Data;
  epoch @2 :B.Epoch;
  ringMs @3 :Int64;
  untilMs @4 :Int64;
  complete @5 :Bool = true;
  view @6 :ConversationView;
  items @7 :List(HistoryItem);
}

struct RingOver {
  seq @0 :UInt64;
  conversation @1 :Data;
  epoch @2 :B.Epoch;
  reason @3 :Text;
}

struct Changed {
  seq @0 :UInt64;
  reason @1 :Text;
  yours @2 :Bool;
  view @3 :ConversationView;
  items @4 :List(HistoryItem);
}

struct SlotsChanged {
  seq @0 :UInt64;
  slots @1 :SlotsView;
}

struct SessionOver {
  seq @0 :UInt64;
  reason @1 :Text;
}

struct Command {
  union {
    logIn @0 :LogIn;
    presence @1 :SetPresence;
    slots @2 :AskSlots;
    accept @3 :Accept;
    decline @4 :Decline;
    open @5 :Open;
    history @6 :AskHistory;
    customer @7 :FindCustomer;
    reply @8 :Reply;
    note @9 :Note;
    pending @10 :SetPending;
    transfer @11 :Transfer;
    wrapUp @12 :WrapUp;
    close @13 :Close;
    logOff @14 :LogOff;
    ping @15 :Ping;
    link @16 :Link;
    unlink @17 :Unlink;
    draft @18 :Draft;
  }
}

struct Message {
  union {
    welcome @0 :Welcome;
    done @1 :Done;
    error @2 :Refused;
    logOffQuestion @3 :LogOffQuestion;
    slots @4 :SlotsAnswer;
    conversation @5 :Opened;
    history @6 :HistoryAnswer;
    customer @7 :CustomerAnswer;
    pong @8 :Pong;
    snapshot @9 :Snapshot;
    ring @10 :Ring;
    ringOver @11 :RingOver;
    changed @12 :Changed;
    slotsChanged @13 :SlotsChanged;
    sessionOver @14 :SessionOver;
  }
}
