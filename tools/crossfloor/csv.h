// Comma-separated values as RFC 4180 has them, read strictly: quoted fields may hold commas, line
// breaks and doubled quotes; lines end in LF or CRLF. What two readers could understand differently
// (a quote inside an unquoted field, something behind a closing quote, a lone carriage return)
// spoils its record and not the file: the record is an error with its line, reading goes on behind.
//
// Our own because a damaged row must be named and skipped; libcsv stops there and knows no lines.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/result.h"

namespace crossfloor::cli {

struct CsvRecord {
  std::size_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

class CsvReader {
 public:
  struct Limits {
    std::size_t max_fields = 256;
    std::size_t max_record = 1024 * 1024;  // bytes, with quotes and commas
  };
  // `text` outlives the reader. A byte order mark at its beginning is skipped.
  explicit CsvReader(std::string_view text);
  CsvReader(std::string_view text, Limits limits);

  // The next record that is not an empty line; nothing at the end. `where` of an error is the line.
  std::optional<Result<CsvRecord>> next();

 private:
  enum class Part { comma, record_end };
  Result<CsvRecord> record();
  Result<Part> field(std::string& out);
  Result<Part> quoted(std::string& out);
  Result<Part> plain(std::string& out);
  std::optional<Part> divider();
  bool at_line_end() const;
  void skip_line();

  std::string_view text_;
  Limits limits_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t begin_ = 0;  // of the record that is being read
};

}  // namespace crossfloor::cli
