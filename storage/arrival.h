// One entry on its way into the rows, for the files of the fold alone.
#pragma once

#include "storage/projections.h"

namespace crossfloor {

// The key of a row: its kind, and what names it.
Bytes keyed(char kind, ByteView first, ByteView second = {});

// Conversations and messages are read once, and written once when all that it changes is folded.
struct Projections::Arrival {
  template <typename Row>
  struct Held {
    std::optional<Row> row;
    bool changed = false;
    // Of a conversation: before this entry, and whether this entry indexes it by its customer.
    bool was_open = false;
    std::optional<CustomerRow> was_resting;
    bool indexed = false;
  };

  Workspace& rows;
  const Entry& entry;
  EntryHeader header;
  Region region;
  Position at;
  const Subjects& subjects;
  FoldNews& news;
  ConversationBody body;
  Status failed;  // the first error of the store; later steps are then skipped
  std::map<ConversationId, Held<Conversation>> conversations;
  std::map<MessageId, Held<MessageRow>> messages;

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
