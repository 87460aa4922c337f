#include "protocol/json_describe.h"

namespace crossfloor {
namespace {

// A bar would end the cell.
std::string cell(const std::string& text, bool code = false) {
  if (text.empty()) return "";
  std::string out = code ? "`" : "";
  for (const char c : text) {
    if (c == '|') out.push_back('\\');
    out.push_back(c);
  }
  return code ? out + "`" : out;
}

}  // namespace

namespace json_detail {

std::string integer_limit(const Rule& rule, std::size_t size, bool is_signed) {
  const int bits = static_cast<int>(size * 8) - (is_signed ? 1 : 0);
  std::optional<std::int64_t> low = rule.min;
  std::optional<std::int64_t> high = rule.max;
  if (size < 8) {
    if (!low) low = is_signed ? -(std::int64_t{1} << bits) : 0;
    if (!high) high = (std::int64_t{1} << bits) - 1;
  }
  if (low && high) return std::to_string(*low) + " to " + std::to_string(*high);
  if (low) return "at least " + std::to_string(*low);
  if (high) return "at most " + std::to_string(*high);
  return "";
}

std::string size_limit(const Rule& rule, bool is_list) {
  std::string out;
  if (is_list && rule.max_items > 0) out = "at most " + std::to_string(rule.max_items) + " items";
  if (rule.max_bytes > 0) {
    out += out.empty() ? "at most " : ", each at most ";
    out += std::to_string(rule.max_bytes) + " bytes";
  }
  return out;
}

std::string one_of(const std::vector<const char*>& words) {
  std::string out;
  for (const char* word : words) out += (out.empty() ? "`" : ", `") + std::string(word) + "`";
  return out;
}

}  // namespace json_detail

std::string markdown_table(const std::vector<FieldRow>& rows) {
  std::string out =
      "| field | type | required | limit | default | example | meaning |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const auto& row : rows) {
    out += "| " + cell(row.name, true) + " | " + cell(row.type) + " | " +
           (row.required ? "yes" : "") + " | " + cell(row.limit) + " | " +
           cell(row.default_value, true) + " | " + cell(row.example, true) + " | " + cell(row.doc) +
           " |\n";
  }
  return out;
}

}  // namespace crossfloor
