// Receipts as `replay` and `customers` keep them, one JSON object a line, for
// `verify --receipts FILE`. A bridge of others may keep the same.
#pragma once

#include <string>
#include <string_view>

#include "node/channels/generic_receipt.h"
#include "protocol/json_value.h"
#include "protocol/result.h"

namespace crossfloor::cli {

struct KeptReceipt {
  std::string account;
  std::string external_id;
  std::string node;  // the URL that gave it; may be empty
  GenericReceipt receipt;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("account", self.account, Rule{.required = true, .max_bytes = 256});
    visit("external_id", self.external_id, Rule{.required = true, .max_bytes = 256});
    visit("node", self.node, Rule{.max_bytes = 2048});
    GenericReceipt::fields(self.receipt, visit);
  }
};

// Without the line break: `answer` is what the node said, kept as it is.
std::string receipt_line(const std::string& account, const std::string& external_id,
                         const std::string& node, const JsonValue& answer);

// Fields that it does not know are left aside, so that newer nodes' receipts can be read.
Result<KeptReceipt> read_receipt_line(std::string_view line);

}  // namespace crossfloor::cli
