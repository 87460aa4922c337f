// Folds each new entry, own or received, into the rows of storage/rows.h, in the same batch.
//
// Entries of different streams arrive in any order, so every rule here holds whatever came first: a
// placement before its message, a reply before the conversation it belongs to, an alias before the
// conversation that stands. Two nodes that hold the same entries end with the same rows.
#pragma once

#include <functional>
#include <set>

#include "protocol/subjects.h"
#include "storage/conversation.h"
#include "storage/recent_folds.h"
#include "storage/recent_messages.h"
#include "storage/rows.h"
#include "storage/workspace.h"

namespace crossfloor {

// First bytes of the keys of all rows. Whatever else stands behind keys::first_projection is not a
// function of the log.
inline constexpr std::string_view row_kinds = "ABCHIKLMOPRSUV";

// What an entry changed, for those who keep open things in memory.
struct FoldNews {
  // With their rows as they are now; nothing: there is none any more.
  std::map<ConversationId, std::optional<Conversation>> conversations;
  std::map<MessageId, Position> unplaced;  // with the place of the first copy known
  std::set<Subject> subjects;              // agents and accounts whose latest entry changed
  std::vector<Entry> membership;           // certificates and revocations
};

class Projections {
  struct Arrival;

 public:
  // The keyed ids of a region; nothing for a region whose secret this node does not hold.
  using SubjectsOf = std::function<const Subjects*(const Region&)>;

  explicit Projections(SubjectsOf subjects) : subjects_(std::move(subjects)) {}

  // Entries of one stream that came together. A conversation into whose past some of them go is
  // folded again once, when the run ends, and not for each.
  class Run {
   public:
    Run(const Projections& projections, Workspace& rows, const Stream& stream, FoldNews& news);
    ~Run();
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    void add(Sequence sequence, const Entry& entry);
    // Must follow the last; only now the rows are written. Errors: corrupt, io of the store. An
    // entry whose body cannot be read is counted, not an error: one malformed entry must not stop
    // a stream.
    Status end();

   private:
    const Projections& projections_;
    std::unique_ptr<Arrival> arrival_;  // null: this node does not know the region's secret
  };
  // A run of one.
  Status fold(Workspace& rows, const Stream& stream, Sequence sequence, const Entry& entry,
              FoldNews& news) const;

  // What came before the end of its conversation so far made so many items be read and folded
  // again: by far the most costly part of a fold.
  std::uint64_t items_folded_again() const { return items_folded_again_; }

  // What the entry at this place says, for its fold and those that follow soon: spares reading it.
  void know(const Position& at, RecentMessages::Known body) const {
    recent_.keep(at, std::move(body));
  }
  // All rows are about to be made anew.
  void start_anew() const { recent_folds_.forget_all(); }
  // A message that is held. Null: its body is erased or cannot be read. Errors: corrupt (there is
  // no such entry), io.
  Result<RecentMessages::Known> message_at(const Reader& rows, const Region& region,
                                           const Position& at) const;

 private:
  class Beside;
  void fold(Arrival& a) const;
  void fold_message(Arrival& a) const;
  void fold_placed(Arrival& a) const;
  void fold_subject(Arrival& a) const;
  void fold_link(Arrival& a) const;
  void put_link(Arrival& a, const HandleId& first, const HandleId& second, LinkRow fresh) const;
  void index_by_customer(Arrival& a, const PlacedBody& body) const;
  void note_command(Arrival& a, const CommandId& command) const;
  void note_external_name(Arrival& a) const;
  void opened(Arrival& a, const PlacedBody& body) const;
  void add_item(Arrival& a, const ConversationId& conversation, const Position& at,
                std::uint16_t kind, const ConversationId& subject, const MessageId& message) const;
  void move_items(Arrival& a, const ConversationId& from, const ConversationId& to) const;
  void move_message(Arrival& a, const MessageId& message, const MessageRow& row,
                    const ConversationId& from) const;
  bool grow(Arrival& a, Conversation& folded, const ConversationItem& item) const;
  void fold_again(Arrival& a, const ConversationId& conversation, const Position& from) const;
  void fold_again_now(Arrival& a, const ConversationId& conversation) const;
  bool refold_lately(Arrival& a, const ConversationId& conversation, const Position& from,
                     std::uint32_t late) const;
  void refold(Arrival& a, const ConversationId& conversation) const;
  std::vector<ConversationItem> items_from(Arrival& a, const ConversationId& conversation,
                                           const Bytes& from) const;
  void store(Arrival& a, const ConversationId& conversation) const;
  std::optional<ConversationItem> item_at(Arrival& a, const Position& at, const ItemRow& row) const;

  ConversationBody body_of(const Position& at, EntryKind kind, const Entry& entry) const;
  RecentMessages::Known decoded(const Position& at, const Bytes& body) const;

  SubjectsOf subjects_;
  mutable std::uint64_t items_folded_again_ = 0;
  mutable RecentMessages recent_;
  mutable RecentFolds recent_folds_;
};

// Reading rows. Errors: corrupt, io.
namespace rows {
Bytes message_key(const MessageId& id);
Bytes conversation_key(const ConversationId& id);
Bytes item_prefix(const ConversationId& id);
Bytes done_reply_prefix(const ConversationId& id);
Bytes done_reply_key(const ConversationId& id, const ReplyId& reply);
Bytes open_prefix();
Bytes unplaced_prefix();
Bytes handle_prefix(const HandleId& handle);
Bytes link_prefix(const HandleId& handle);
Bytes act_prefix();
Bytes subject_prefix();

Result<std::optional<MessageRow>> message(const Reader& reader, const MessageId& id);
Result<std::optional<Conversation>> conversation(const Reader& reader, const ConversationId& id);
// The conversation that stands for `id`: itself, or what it is an alias of.
Result<ConversationId> canonical(const Reader& reader, const ConversationId& id);
Result<std::optional<Conversation>> standing(const Reader& reader, const ConversationId& id);
Result<std::optional<ThreadRow>> thread(const Reader& reader, const Subject& key);
Result<std::optional<PlaceRow>> place(const Reader& reader, const Subject& key);
Result<std::optional<CommandRow>> command(const Reader& reader, const CommandId& id);
Result<std::optional<ReplyRow>> reply(const Reader& reader, const ReplyId& id);
Result<std::optional<DoneReplyRow>> done_reply(const Reader& reader, const ConversationId& id,
                                               const ReplyId& reply);
Result<std::optional<SubjectRow>> subject(const Reader& reader, const Subject& id);
// All handles joined to this one by links, itself included, in id order; at most `limit`.
Result<std::vector<HandleId>> customer(const Reader& reader, const HandleId& handle,
                                       std::size_t limit = 64);
}  // namespace rows

}  // namespace crossfloor
