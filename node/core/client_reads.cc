#include "node/core/client_reads.h"

#include <algorithm>

#include "node/core/history.h"

namespace crossfloor {
namespace {

using client::Message;

Message answer(const Reader& reader, const ClientRead& read, const client::Open& wanted) {
  auto conversation = standing_conversation(reader, wanted.conversation);
  if (!conversation.ok()) return refusal(wanted.id, conversation.error());
  const Conversation& c = conversation.value();
  if (auto may = entitled(read.brands, c.brand); !may.ok()) return refusal(wanted.id, may.error());
  auto customer = customer_of(reader, c.handle);
  if (!customer.ok()) return refusal(wanted.id, customer.error());
  auto page = customer_history(reader, c.handle, {"", wanted.items});
  if (!page.ok()) return refusal(wanted.id, page.error());
  return client::Opened{wanted.id, view_of(c), std::move(customer).value(),
                        std::move(page).value()};
}

Message answer(const Reader& reader, const ClientRead& read, const client::AskHistory& wanted) {
  auto conversation = standing_conversation(reader, wanted.conversation);
  if (!conversation.ok()) return refusal(wanted.id, conversation.error());
  const Conversation& c = conversation.value();
  if (auto may = entitled(read.brands, c.brand); !may.ok()) return refusal(wanted.id, may.error());
  const PageWanted what{wanted.before, wanted.items};
  auto page = wanted.only_this ? conversation_history(reader, c.id, what)
                               : customer_history(reader, c.handle, what);
  if (!page.ok()) return refusal(wanted.id, page.error());
  return client::HistoryAnswer{wanted.id, std::move(page).value()};
}

Message answer(const Reader& reader, const ClientRead& read, const client::FindCustomer& wanted) {
  if (auto may = entitled(read.brands, wanted.brand); !may.ok()) {
    return refusal(wanted.id, may.error());
  }
  for (const auto& handle : read.handles) {
    auto customer = customer_of(reader, handle);
    if (!customer.ok()) return refusal(wanted.id, customer.error());
    if (customer.value().conversations.empty()) continue;
    // A handle's id holds its brand, so this can only be another one after a wrong link.
    if (auto may = entitled(read.brands, customer.value().brand); !may.ok()) {
      return refusal(wanted.id, may.error());
    }
    return client::CustomerAnswer{wanted.id, std::move(customer).value()};
  }
  return refusal(wanted.id, Error{ErrorCode::not_found, "no such customer is known here",
                                  "external_id", "look at brand, channel and spelling"});
}

}  // namespace

Message answer_read(const Reader& reader, const ClientRead& read) {
  return std::visit([&](const auto& what) { return answer(reader, read, what); }, read.what);
}

client::Refused refusal(const std::string& id, const Error& error) {
  client::Refused refused;
  refused.id = id;
  refused.code = name_of(error.code);
  refused.field = error.where;
  refused.what = error.what;
  refused.mend = error.mend;
  return refused;
}

Status entitled(const std::vector<std::string>& brands, const std::string& brand) {
  if (std::find(brands.begin(), brands.end(), brand) != brands.end()) return {};
  return Error{ErrorCode::forbidden, "this is of a brand that you do not serve", "",
               "ask whoever keeps the agents' records"};
}

}  // namespace crossfloor
