#include "tools/crossfloor/csv.h"

#include <algorithm>

#include "protocol/bytes.h"

namespace crossfloor::cli {
namespace {

Error broken(std::string what, std::string mend) {
  return Error{ErrorCode::malformed, std::move(what), "", std::move(mend)};
}

}  // namespace

CsvReader::CsvReader(std::string_view text) : CsvReader(text, Limits{}) {}

CsvReader::CsvReader(std::string_view text, Limits limits) : text_(text), limits_(limits) {
  if (text_.substr(0, 3) == "\xef\xbb\xbf") at_ = 3;
}

bool CsvReader::at_line_end() const {
  return text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n";
}

void CsvReader::skip_line() {
  const auto end = text_.find('\n', at_);
  at_ = end == std::string_view::npos ? text_.size() : end + 1;
  ++line_;
}

std::optional<Result<CsvRecord>> CsvReader::next() {
  while (at_ < text_.size() && at_line_end()) skip_line();
  if (at_ >= text_.size()) return std::nullopt;
  begin_ = at_;
  const std::size_t line = line_;
  auto read = record();
  if (read.ok()) {
    read.value().line = line;
    return read;
  }
  Error error = read.error();
  error.where = "line " + std::to_string(line);
  // A quote that is never closed, or far too late, says nothing of the lines behind its own.
  if (error.code == ErrorCode::too_large) {
    at_ = begin_;
    line_ = line;
  }
  skip_line();
  return Result<CsvRecord>(std::move(error));
}

Result<CsvRecord> CsvReader::record() {
  CsvRecord out;
  for (;;) {
    if (out.fields.size() == limits_.max_fields) {
      return Error{ErrorCode::too_large,
                   "more than " + std::to_string(limits_.max_fields) + " fields", "", ""};
    }
    std::string value;
    const auto part = field(value);
    if (!part.ok()) return part.error();
    if (value.find('\0') != std::string::npos) return broken("holds a zero byte", "");
    if (!is_valid_utf8(value)) return broken("is not UTF-8", "write the file as UTF-8");
    out.fields.push_back(std::move(value));
    if (part.value() == Part::record_end) return out;
  }
}

Result<CsvReader::Part> CsvReader::field(std::string& out) {
  if (at_ < text_.size() && text_[at_] == '"') return quoted(out);
  return plain(out);
}

// What ends a field here, consumed; nothing if something else stands here.
std::optional<CsvReader::Part> CsvReader::divider() {
  if (at_ >= text_.size()) return Part::record_end;
  if (text_[at_] == ',') {
    ++at_;
    return Part::comma;
  }
  if (!at_line_end()) return std::nullopt;
  skip_line();
  return Part::record_end;
}

Result<CsvReader::Part> CsvReader::quoted(std::string& out) {
  ++at_;
  const std::size_t limit = std::min(text_.size(), begin_ + limits_.max_record);
  for (; at_ < limit; ++at_) {
    const char c = text_[at_];
    if (c == '\n') ++line_;
    if (c != '"') {
      out += c;
    } else if (text_.substr(at_ + 1, 1) == "\"") {
      out += '"';
      ++at_;
    } else {
      ++at_;
      if (const auto part = divider()) return *part;
      return broken("something stands behind a closing quote", "write quotes in quotes doubled");
    }
  }
  return Error{ErrorCode::too_large,
               limit == text_.size()
                   ? "a quote is not closed"
                   : "a record is longer than " + std::to_string(limits_.max_record) + " bytes",
               "", "close the quote"};
}

Result<CsvReader::Part> CsvReader::plain(std::string& out) {
  const std::size_t limit = std::min(text_.size(), begin_ + limits_.max_record);
  for (;;) {
    const auto end = std::min(text_.find_first_of(",\"\r\n", at_), text_.size());
    if (end > limit) {
      return Error{ErrorCode::too_large,
                   "a record is longer than " + std::to_string(limits_.max_record) + " bytes", "",
                   ""};
    }
    out.append(text_.substr(at_, end - at_));
    at_ = end;
    if (const auto part = divider()) return *part;
    if (text_[at_] == '"') {
      return broken("a quote stands inside an unquoted field", "quote the whole field");
    }
    return broken("a carriage return stands inside an unquoted field", "quote the whole field");
  }
}

}  // namespace crossfloor::cli
