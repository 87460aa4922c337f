#include "node/runtime/config_reader.h"

#include <algorithm>

namespace crossfloor {
namespace {

std::string quoted(std::string_view text) {
  // What is echoed stays short: a pasted key or certificate has no place in a complaint.
  std::string shown(text.substr(0, 60));
  if (text.size() > 60) shown += "…";
  return "\"" + shown + "\"";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace

ConfigReader::ConfigReader(const ConfigTree* table, std::string section, std::string path,
                           std::string file, std::vector<Error>& complaints, ConfigLines& lines)
    : table_(table),
      section_(std::move(section)),
      path_(std::move(path)),
      file_(std::move(file)),
      complaints_(complaints),
      lines_(lines) {
  if (table_ == nullptr) return;
  lines_[path_] = table_->line;
  for (const auto& [key, value] : table_->members) lines_[path_ + "." + key] = value.line;
}

void ConfigReader::complain_at(int line, std::string what, std::string mend) {
  complaints_.push_back(Error{ErrorCode::malformed, std::move(what),
                              file_ + ":" + std::to_string(line), std::move(mend)});
}

void ConfigReader::complain(const char* key, std::string what, std::string mend) {
  const ConfigTree* value = nullptr;
  if (table_ != nullptr) {
    const auto at = table_->members.find(key);
    value = at == table_->members.end() ? table_ : &at->second;
  }
  complain_at(value == nullptr ? 1 : value->line, name(key) + ": " + std::move(what),
              std::move(mend));
}

bool ConfigReader::has(const char* key) const {
  return table_ != nullptr && table_->members.contains(key);
}

const ConfigTree* ConfigReader::find(const char* key) {
  known_.push_back(key);
  if (table_ == nullptr) return nullptr;
  const auto at = table_->members.find(key);
  return at == table_->members.end() ? nullptr : &at->second;
}

const ConfigTree* ConfigReader::find(const char* key, ConfigTree::Kind kind, const char* example) {
  const ConfigTree* value = find(key);
  if (value == nullptr || value->kind == kind) return value;
  complain_at(value->line, name(key) + " is " + value->kind_text(),
              "write " + std::string(key) + " = " + example);
  return nullptr;
}

bool ConfigReader::judge(const char* key, int line, const std::string& text, const TextRule& rule) {
  if (text.size() > rule.max_bytes) {
    complain_at(line, name(key) + " has " + std::to_string(text.size()) + " bytes",
                "at most " + std::to_string(rule.max_bytes) + " bytes");
    return false;
  }
  if (text.empty() && !rule.required) return true;
  if (text.empty() || (rule.good != nullptr && !rule.good(text))) {
    complain_at(line, name(key) + " is " + (rule.secret ? "not well formed" : quoted(text)),
                std::string("must be ") + (rule.wanted[0] != '\0' ? rule.wanted : "given"));
    return false;
  }
  return true;
}

void ConfigReader::text(const char* key, std::string& out, const TextRule& rule) {
  const ConfigTree* value = find(key, ConfigTree::Kind::text, "\"…\"");
  if (value != nullptr) {
    if (judge(key, value->line, value->text, rule)) out = value->text;
  } else if (rule.required && table_ != nullptr && !has(key)) {
    complain(key, "is missing", "write " + std::string(key) + " = \"…\": " + rule.wanted);
  }
}

void ConfigReader::texts(const char* key, std::vector<std::string>& out, std::size_t most,
                         const TextRule& rule) {
  const ConfigTree* value = find(key, ConfigTree::Kind::list, "[\"…\", \"…\"]");
  if (value == nullptr) {
    if (rule.required && table_ != nullptr && !has(key)) {
      complain(key, "is missing", "write " + std::string(key) + " = [\"…\"]: each " + rule.wanted);
    }
    return;
  }
  if (value->items.size() > most || (rule.required && value->items.empty())) {
    complain_at(value->line, name(key) + " has " + std::to_string(value->items.size()) + " items",
                "give " + std::string(rule.required ? "1" : "0") + " to " + std::to_string(most));
    return;
  }
  std::vector<std::string> found;
  for (const ConfigTree& item : value->items) {
    if (item.kind != ConfigTree::Kind::text) {
      complain_at(item.line, name(key) + " holds " + item.kind_text(), "each item is a \"text\"");
      continue;
    }
    TextRule strict = rule;
    strict.required = true;  // an empty item is never meant
    if (!judge(key, item.line, item.text, strict)) continue;
    if (std::find(found.begin(), found.end(), item.text) != found.end()) {
      complain_at(item.line,
                  name(key) + " names " + (rule.secret ? "one" : quoted(item.text)) + " twice",
                  "name it once");
      continue;
    }
    found.push_back(item.text);
  }
  out = std::move(found);
}

void ConfigReader::flag(const char* key, bool& out) {
  if (const auto* value = find(key, ConfigTree::Kind::flag, "true or false, without quotes")) {
    out = value->flag;
  }
}

void ConfigReader::duration(const char* key, Duration& out, Duration least, Duration most) {
  const auto* value = find(key, ConfigTree::Kind::text, "\"30s\" (units: ms, s, m, h, d)");
  if (value == nullptr) return;
  const auto parsed = parse_duration(value->text);
  if (!parsed) {
    complain_at(value->line, name(key) + " is " + quoted(value->text),
                "a whole number and a unit: ms, s, m, h or d, as in \"90s\"");
  } else if (*parsed < least || *parsed > most) {
    complain_at(value->line, name(key) + " is " + quoted(value->text),
                "from " + duration_text(least) + " to " + duration_text(most));
  } else {
    out = *parsed;
  }
}

void ConfigReader::size(const char* key, std::uint64_t& out, std::uint64_t least,
                        std::uint64_t most) {
  const auto* value = find(key, ConfigTree::Kind::text, "\"16MiB\" (units: B, KiB, MiB, GiB)");
  if (value == nullptr) return;
  const auto parsed = parse_size(value->text);
  if (!parsed) {
    complain_at(value->line, name(key) + " is " + quoted(value->text),
                "a whole number and a unit: B, KiB, MiB or GiB, as in \"16MiB\"");
  } else if (*parsed < least || *parsed > most) {
    complain_at(value->line, name(key) + " is " + quoted(value->text),
                "from " + size_text(least) + " to " + size_text(most));
  } else {
    out = *parsed;
  }
}

void ConfigReader::percent(const char* key, std::uint32_t& out, std::uint32_t least,
                           std::uint32_t most) {
  const auto* value = find(key, ConfigTree::Kind::integer, "150");
  if (value == nullptr) return;
  if (value->integer < least || value->integer > most) {
    complain_at(value->line, name(key) + " is " + std::to_string(value->integer),
                "from " + std::to_string(least) + " to " + std::to_string(most));
  } else {
    out = static_cast<std::uint32_t>(value->integer);
  }
}

void ConfigReader::address(const char* key, HostPort& out) {
  const auto* value = find(key, ConfigTree::Kind::text, "\"0.0.0.0:7440\"");
  if (value == nullptr) return;
  if (const auto parsed = parse_host_port(value->text)) {
    out = *parsed;
  } else {
    complain_at(value->line, name(key) + " is " + quoted(value->text),
                "address:port, as in \"0.0.0.0:7440\" or \"[::]:7440\"; port 0 takes any free one");
  }
}

void ConfigReader::gone(const char* key, std::string why, std::string mend) {
  gone_.push_back(key);
  if (has(key)) complain(key, std::move(why), std::move(mend));
}

std::optional<std::size_t> ConfigReader::chosen(const char* key,
                                                const std::vector<std::string>& words,
                                                bool required) {
  const std::string example = "\"" + words.front() + "\" (one of: " + joined(words) + ")";
  const auto* value = find(key, ConfigTree::Kind::text, example.c_str());
  if (value == nullptr) {
    if (required && table_ != nullptr && !has(key)) {
      complain(key, "is missing", "one of: " + joined(words));
    }
    return std::nullopt;
  }
  const auto at = std::find(words.begin(), words.end(), value->text);
  if (at != words.end()) return static_cast<std::size_t>(at - words.begin());
  complain_at(value->line, name(key) + " is " + quoted(value->text), "one of: " + joined(words));
  return std::nullopt;
}

void ConfigReader::finish() {
  if (table_ == nullptr) return;
  for (const auto& [key, value] : table_->members) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    if (std::find(gone_.begin(), gone_.end(), key) != gone_.end()) continue;
    const auto meant = nearest(key, known_);
    complain_at(
        value.line, section_ + " has no setting " + quoted(key),
        meant ? "did you mean " + *meant + "?" : "settings of " + section_ + ": " + joined(known_));
  }
}

}  // namespace crossfloor
