#include "tools/crossfloor/receipts_file.h"

#include <algorithm>

#include "protocol/json_codec.h"

namespace crossfloor::cli {
namespace {

struct Names {
  std::vector<std::string>& out;
  template <typename T>
  void operator()(const char* name, const T&, const Rule&) const {
    out.emplace_back(name);
  }
};

}  // namespace

std::string receipt_line(const std::string& account, const std::string& external_id,
                         const std::string& node, const JsonValue& answer) {
  JsonValue line = JsonValue::empty_object();
  line.add("account", JsonValue::of_text(account));
  line.add("external_id", JsonValue::of_text(external_id));
  line.add("node", JsonValue::of_text(node));
  for (std::size_t i = 0; i < answer.names.size(); ++i) {
    if (line.find(answer.names[i]) == nullptr) line.add(answer.names[i], answer.items[i]);
  }
  return dump_json(line);
}

Result<KeptReceipt> read_receipt_line(std::string_view line) {
  const auto parsed = parse_json(line);
  if (!parsed.ok()) return parsed.error();
  std::vector<std::string> known;
  const KeptReceipt sample;
  KeptReceipt::fields(sample, Names{known});
  JsonValue picked = JsonValue::empty_object();
  for (std::size_t i = 0; i < parsed.value().names.size(); ++i) {
    const std::string& name = parsed.value().names[i];
    if (std::find(known.begin(), known.end(), name) == known.end()) continue;
    picked.add(name, parsed.value().items[i]);
  }
  return from_json_value<KeptReceipt>(picked);
}

}  // namespace crossfloor::cli
