// What people read: a conversation, its customer, and the customer's history in pages. Free
// functions over a Reader, so that they may run on a reader thread, on a snapshot. All reads are
// bounded; all errors are those of the store (corrupt, io) unless said otherwise.
//
// Who may see it is the caller's to check: everything here says its brand.
#pragma once

#include "protocol/client_views.h"
#include "protocol/position.h"
#include "storage/projections.h"

namespace crossfloor {

// Of one customer. Older conversations are there, but are not looked through.
inline constexpr std::size_t max_conversations_read = 1'000;
inline constexpr std::size_t max_conversations_shown = 50;

client::ConversationView view_of(const Conversation& conversation);

// The conversation that stands for `id`. Errors: also not_found.
Result<Conversation> standing_conversation(const Reader& reader, const ConversationId& id);

// All handles joined with this one, and their conversations, newest first. Without any
// conversation `brand` is empty.
Result<client::CustomerView> customer_of(const Reader& reader, const HandleId& handle);

struct PageWanted {
  std::string before;      // `next` of the page before; empty: the newest
  std::size_t items = 20;  // 1 to client::max_page
};
// Newest first. Errors: also malformed (`before`).
Result<client::HistoryPage> conversation_history(const Reader& reader, const ConversationId& id,
                                                 const PageWanted& wanted);
// Over all conversations of all handles joined with this one.
Result<client::HistoryPage> customer_history(const Reader& reader, const HandleId& handle,
                                             const PageWanted& wanted);

}  // namespace crossfloor
