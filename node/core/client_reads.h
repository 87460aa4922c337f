// The longer reads of agents' clients: made on a reader thread, on a snapshot. What is not of a
// brand that the agent is entitled to is refused here, where it is read.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "protocol/client_messages.h"
#include "storage/store.h"

namespace crossfloor {

struct ClientRead {
  std::vector<std::string> brands;  // the agent's
  std::variant<client::Open, client::AskHistory, client::FindCustomer> what;
  std::vector<HandleId> handles;  // of FindCustomer
};

// Opened, HistoryAnswer, CustomerAnswer, or Refused.
client::Message answer_read(const Reader& reader, const ClientRead& read);

client::Refused refusal(const std::string& id, const Error& error);
// "You are not entitled to this brand", in words.
Status entitled(const std::vector<std::string>& brands, const std::string& brand);

}  // namespace crossfloor
