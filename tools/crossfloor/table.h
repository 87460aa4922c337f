// Tables for people: aligned by what a terminal shows, coloured only on one.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace crossfloor::cli {

enum class Tint { none, good, warning, bad, dim };

struct Cell {
  Cell(std::string text_in, Tint tint_in = Tint::none)  // NOLINT: cells are written in lists
      : text(std::move(text_in)), tint(tint_in) {}
  Cell(const char* text_in) : text(text_in) {}  // NOLINT
  std::string text;
  Tint tint = Tint::none;
};

struct Look {
  bool colour = false;
  std::size_t width = 0;   // columns of the terminal; what is longer ends in '…'. 0: never cut
  std::size_t height = 0;  // its lines; 0: no terminal
};

class Table {
 public:
  // A title that begins with '>' is that of a column of numbers, which stand on the right; with
  // '#', of ids. The most important columns come first. Where the terminal is too narrow, columns
  // that say nothing (empty, or 0 in each row) are left out, the widest of the others are shortened
  // as far as they can still be read, and then the last ones are left out. What was left out is
  // named below.
  explicit Table(std::vector<std::string> titles);
  void add(std::vector<Cell> row);  // as many cells as titles
  bool empty() const { return rows_.empty(); }
  void print(std::ostream& out, const Look& look) const;

 private:
  std::vector<std::size_t> fitted(std::size_t width, std::vector<std::string>& left_out) const;
  bool says_nothing(std::size_t column) const;

  std::vector<std::string> titles_;
  std::vector<bool> right_;
  std::vector<bool> whole_;  // never shortened
  std::vector<std::vector<Cell>> rows_;
};

// What others wrote must not steer the terminal: control characters become visible, line breaks
// blanks (or "\n" stays, for texts that are shown in lines of their own).
std::string harmless(std::string_view text, bool keep_lines = false);
std::size_t columns_of(std::string_view text);  // that a terminal shows it in
std::string cut_to(std::string_view text, std::size_t columns);
std::string tinted(const std::string& text, Tint tint, bool colour);

// "0.4 s", "12 s", "3 min 4 s", "2 h 5 min", "3 d 4 h"; "-" below zero.
std::string age_text(std::int64_t ms);
std::string short_id(const std::string& hex);  // 12 digits: enough for every verb that takes an id

}  // namespace crossfloor::cli
