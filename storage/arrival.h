// One entry after the other of a run on their way into the rows, for the files of the fold alone.
#pragma once

#include "storage/projections.h"

namespace crossfloor {

// The key of a row: its kind, and what names it.
Bytes keyed(char kind, ByteView first, ByteView second = {});

// Conversations and messages are read once, and written once when all that the run changes is
// folded.
struct Projections::Arrival {
  template <typename Row>
  struct Held {
    std::optional<Row> row;
    bool changed = false;
    // Of a conversation: before this run, and whether the run indexes it by its customer.
    bool was_open = false;
    std::optional<CustomerRow> was_resting;
    bool indexed = false;
  };

  // What came late into a conversation since its row was folded.
  struct Late {
    Position from;  // the first of it
    std::uint32_t entries = 0;
  };

  Arrival(Workspace& to, const Stream& from, const Subjects& subjects_of, FoldNews& told)
      : rows(to), stream(from), region(from.region), subjects(subjects_of), news(told) {}

  Workspace& rows;
  Stream stream;
  Region region;
  const Subjects& subjects;
  FoldNews& news;
  // The entry that is being folded. Without a readable header there is nothing to fold.
  const Entry* entry = nullptr;
  EntryHeader header;
  Position at;
  ConversationBody body;

  Status failed;  // the first error of the store; later steps are then skipped
  std::map<ConversationId, Held<Conversation>> conversations;
  std::map<ConversationId, Late> to_fold_again;
  std::map<MessageId, Held<MessageRow>> messages;

  bool take(Sequence sequence, const Entry& next) {
    auto read = EntryHeader::decode(next.header);
    if (!read.ok()) return false;
    entry = &next;
    header = read.value();
    at = {header.time, stream.origin.node, stream.origin.generation, sequence};
    return true;
  }
  bool folds_again(const ConversationId& id) const { return to_fold_again.count(id) > 0; }

  ConversationId conversation() const { return header.subject.as<ConversationId>(); }

  template <typename Row>
  Row get(Result<std::optional<Row>> row) {
    if (row.ok()) return row.value().value_or(Row{});
    if (failed.ok()) failed = row.error();
    return Row{};
  }
  std::optional<Conversation>& held(const ConversationId& id) {
    const auto [place, fresh] = conversations.try_emplace(id);
    Held<Conversation>& found = place->second;
    if (fresh) {
      take(crossfloor::rows::conversation(rows, id), found.row);
      found.was_open = found.row && found.row->is_open();
      found.was_resting = resting(found.row);
    }
    return found.row;
  }
  MessageRow& held(const MessageId& id) {
    const auto [place, fresh] = messages.try_emplace(id);
    if (fresh) take(crossfloor::rows::message(rows, id), place->second.row);
    if (!place->second.row) place->second.row.emplace();
    return *place->second.row;
  }
  void changed(const ConversationId& id) { conversations[id].changed = true; }
  void changed(const MessageId& id) { messages[id].changed = true; }

  ConversationId standing(const ConversationId& id) {
    const auto& row = held(id);
    return row && row->is_alias() ? row->alias_of : id;
  }
  void note(Status status) {
    if (!status.ok() && failed.ok()) failed = status;
  }

  // Writes what changed.
  void settle();
  static Bytes customer_key(const HandleId& handle, const Position& opened,
                            const ConversationId& id) {
    Bytes key = crossfloor::rows::handle_prefix(handle);
    put_be64(key, opened.time.value);
    return key.append(id.view());
  }

 private:
  void settle_index(const ConversationId& id, const Held<Conversation>& held);
  std::optional<CustomerRow> resting(const std::optional<Conversation>& row) const {
    if (!row || !row->opened || row->is_open() || row->first == Position{}) return std::nullopt;
    return CustomerRow{region, row->first, row->last};
  }
  template <typename Row>
  void take(Result<std::optional<Row>> read, std::optional<Row>& row) {
    if (read.ok()) {
      row = std::move(read).value();
    } else {
      note(read.error());
    }
  }
};

}  // namespace crossfloor
