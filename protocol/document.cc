#include "protocol/document.h"

#include <charconv>

#include "protocol/check.h"

namespace crossfloor {
namespace {

constexpr std::string_view first_word = "crossfloor ";
constexpr std::string_view format_suffix = " 1";

Error malformed(std::size_t line, std::string what, std::string mend = {}) {
  return {ErrorCode::malformed, std::move(what), "line " + std::to_string(line), std::move(mend)};
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// "crossfloor certificate 1" gives "certificate".
Result<std::string> parse_first_line(std::string_view line, std::size_t number) {
  if (!line.starts_with(first_word)) {
    return malformed(number, "a document begins with a line like 'crossfloor certificate 1'",
                     "check that this is the right file and that it is whole");
  }
  line.remove_prefix(first_word.size());
  const std::size_t space = line.rfind(' ');
  if (space == std::string_view::npos) return malformed(number, "the format's number is missing");
  if (line.substr(space) != format_suffix) {
    return malformed(number, "format '" + std::string(line.substr(space + 1)) + "' is not known",
                     "this version reads format 1; a newer crossfloor may read it");
  }
  return std::string(line.substr(0, space));
}

Status parse_field(Document& document, std::string_view line, std::size_t number) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_name(line.substr(0, space))) {
    return malformed(number, "a field is a name in lower case, one space, and a value");
  }
  const auto name = line.substr(0, space);
  const auto value = line.substr(space + 1);
  if (value.empty()) return malformed(number, "'" + std::string(name) + "' has no value");
  if (document.signature) return malformed(number, "nothing may follow the signature");
  if (name != "signature") {
    document.fields.emplace_back(name, value);
    return {};
  }
  document.signature = Signature::from_hex_text(value);
  // One way of writing it only, so that nobody can make a second text of a signed document.
  if (!document.signature || document.signature->hex() != value) {
    return malformed(number, "a signature is 128 hexadecimal digits in lower case");
  }
  document.covered = document.text.size();
  return {};
}

void finish(std::vector<Document>& documents, Document& open) {
  if (open.kind.empty()) return;
  if (!open.signature) open.covered = open.text.size();
  documents.push_back(std::move(open));
  open = Document{};
}

}  // namespace

bool Document::genuine(const Crypto& crypto, const NodeId& signer) const {
  return signature && crypto.verify(signer, ByteView(text).substr(0, covered), *signature);
}

Result<std::vector<Document>> parse_documents(ByteView text) {
  std::vector<Document> documents;
  Document open;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > Document::max_line) {
      return Error{ErrorCode::too_large, "a line has more than 1024 bytes",
                   "line " + std::to_string(number), ""};
    }
    if (!is_valid_utf8(line) || std::any_of(line.begin(), line.end(), [](char c) {
          return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        })) {
      return malformed(number, "not plain text", "check that the file was not damaged on its way");
    }
    if (line.empty()) {
      finish(documents, open);
      continue;
    }
    if (open.kind.empty()) {
      if (documents.size() == Document::max_in_file) {
        return Error{ErrorCode::too_large, "more than 4096 documents in one file", "", ""};
      }
      auto kind = parse_first_line(line, number);
      if (!kind.ok()) return kind.error();
      open.kind = kind.value();
    } else if (auto status = parse_field(open, line, number); !status.ok()) {
      return status.error();
    }
    open.text.append(line).push_back('\n');
    if (open.text.size() > Document::max_bytes) {
      return Error{ErrorCode::too_large, "a document has more than 1 MiB",
                   "line " + std::to_string(number), ""};
    }
  }
  finish(documents, open);
  if (documents.empty()) return Error{ErrorCode::malformed, "the file is empty", "", ""};
  return documents;
}

Result<Document> parse_document(ByteView text, std::string_view kind) {
  auto documents = parse_documents(text);
  if (!documents.ok()) return documents.error();
  if (documents.value().size() != 1 || documents.value()[0].kind != kind) {
    return Error{
        ErrorCode::malformed,
        "one " + std::string(kind) + " is wanted, but the file holds " +
            (documents.value().size() != 1 ? std::to_string(documents.value().size()) + " documents"
                                           : "a " + documents.value()[0].kind),
        "", "check that this is the right file"};
  }
  return std::move(documents.value()[0]);
}

DocumentWriter::DocumentWriter(std::string_view kind)
    : text_(std::string(first_word) + std::string(kind) + std::string(format_suffix) + "\n") {}

DocumentWriter& DocumentWriter::add(std::string_view name, std::string_view value) {
  // What cannot be read back must not be written; callers have checked their values.
  XF_CHECK(is_name(name) && !value.empty());
  XF_CHECK(name.size() + 1 + value.size() <= Document::max_line);
  XF_CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  text_.append(name).append(" ").append(value).push_back('\n');
  return *this;
}

DocumentWriter& DocumentWriter::add(std::string_view name, const std::vector<std::string>& values) {
  for (const std::string& value : values) add(name, value);
  return *this;
}

Bytes DocumentWriter::sign(const Crypto& crypto, const SigningKey& key) const {
  return text_ + "signature " + crypto.sign(key, text_).hex() + "\n";
}

void FieldReader::complain(std::string_view name, std::string what) {
  if (!status_.ok()) return;
  status_ = Error{ErrorCode::malformed, std::string(name) + " " + std::move(what),
                  document_.kind + "." + std::string(name), ""};
}

std::vector<std::string> FieldReader::all(std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [field, value] : document_.fields) {
    if (field == name) values.push_back(value);
  }
  return values;
}

std::string FieldReader::one(std::string_view name) {
  auto values = all(name);
  if (values.size() == 1) return std::move(values[0]);
  complain(name, values.empty() ? "is missing" : "stands there more than once");
  return {};
}

std::uint64_t FieldReader::number(std::string_view name) {
  const std::string text = one(name);
  const auto value = parse_number(text);
  if (!value) complain(name, "must be a whole number");
  return value.value_or(0);
}

WallTime FieldReader::time(std::string_view name) {
  const std::string text = one(name);
  const auto value = parse_time(text);
  if (!value) complain(name, "must be a time like 2027-11-23T17:04:47Z");
  return value.value_or(WallTime{});
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  return value;
}

std::string time_text(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  const auto days = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date{std::chrono::sys_days{days}};
  const std::chrono::hh_mm_ss clock{seconds - days};
  char out[40];
  std::snprintf(out, sizeof(out), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return out;
}

std::optional<WallTime> parse_time(std::string_view text) {
  constexpr std::string_view shape = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() != shape.size()) return std::nullopt;
  int parts[6] = {};
  std::size_t part = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != 'd') {
      if (text[i] != shape[i]) return std::nullopt;
      ++part;
    } else if (text[i] < '0' || text[i] > '9') {
      return std::nullopt;
    } else {
      parts[part] = parts[part] * 10 + (text[i] - '0');
    }
  }
  const std::chrono::year_month_day date{std::chrono::year(parts[0]),
                                         std::chrono::month(static_cast<unsigned>(parts[1])),
                                         std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!date.ok() || parts[0] < 1970 || parts[3] > 23 || parts[4] > 59 || parts[5] > 59) {
    return std::nullopt;
  }
  return WallTime{std::chrono::sys_days{date}.time_since_epoch() + std::chrono::hours(parts[3]) +
                  std::chrono::minutes(parts[4]) + std::chrono::seconds(parts[5])};
}

}  // namespace crossfloor
