#include "storage/arrival.h"

namespace crossfloor {

Bytes keyed(char kind, ByteView first, ByteView second) {
  Bytes key;
  key.reserve(1 + first.size() + second.size());
  key.push_back(kind);
  key.append(first);
  key.append(second);
  return key;
}

void Projections::Arrival::settle() {
  for (const auto& [id, message] : messages) {
    if (message.changed) rows.put(crossfloor::rows::message_key(id), encode_row(*message.row));
  }
  for (auto& [id, held] : conversations) {
    if (!held.changed) continue;
    const bool open = held.row && held.row->is_open();
    if (held.row) {
      rows.put(crossfloor::rows::conversation_key(id), encode_row(*held.row));
    } else {
      rows.erase(crossfloor::rows::conversation_key(id));
    }
    settle_index(id, held);
    if (open && !held.was_open) rows.put(keyed('O', id.view()), region);
    if (!open && held.was_open) rows.erase(keyed('O', id.view()));
    news.conversations.insert_or_assign(id, std::move(held.row));
  }
}

// Customers' pages pass over what rests, so that its row of the index says where it lies; while it
// is open nothing has to be written there for each message.
void Projections::Arrival::settle_index(const ConversationId& id, const Held<Conversation>& held) {
  const auto now = resting(held.row);
  if (!held.row ||
      (now ? !held.indexed && now == held.was_resting : held.indexed || !held.was_resting)) {
    return;
  }
  Bytes key = customer_key(held.row->handle, held.row->opened_at, id);
  auto known = rows.get(key);
  if (!known.ok()) return note(known.error());
  Bytes value = encode_customer_row(now.value_or(CustomerRow{region, {}, {}}));
  if (known.value() && *known.value() != value) rows.put(std::move(key), std::move(value));
}

}  // namespace crossfloor
