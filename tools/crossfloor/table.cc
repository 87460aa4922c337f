#include "tools/crossfloor/table.h"

#include <algorithm>
#include <ostream>

#include "protocol/check.h"

namespace crossfloor::cli {
namespace {

// The next code point of valid UTF-8; a byte that is none stands for itself.
char32_t next_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at++);
  int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
  char32_t point = more == 3   ? first & 0x07U
                   : more == 2 ? first & 0x0fU
                   : more      ? first & 0x1fU
                               : first;
  for (; more > 0 && at < text.size() && (byte(at) & 0xc0U) == 0x80; --more) {
    point = point << 6 | (byte(at++) & 0x3fU);
  }
  return point;
}

// Good enough for names and short texts: East Asian wide ones and emoji take two columns.
std::size_t columns_of_point(char32_t c) {
  if (c == 0x200b || c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f)) return 0;
  if ((c >= 0x300 && c <= 0x36f) || (c >= 0x20d0 && c <= 0x20ff)) return 0;  // combining
  const bool wide = (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf && c != 0x303f) ||
                    (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
                    (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
                    (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
                    (c >= 0x20000 && c <= 0x3fffd);
  return wide ? 2 : 1;
}

const char* code_of(Tint tint) {
  switch (tint) {
    case Tint::good:
      return "\x1b[32m";
    case Tint::warning:
      return "\x1b[33m";
    case Tint::bad:
      return "\x1b[1;31m";
    case Tint::dim:
      return "\x1b[2m";
    case Tint::none:
      break;
  }
  return "";
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) columns += columns_of_point(next_point(text, at));
  return columns;
}

std::string cut_to(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  if (columns == 0) return "";
  std::size_t used = 0, end = 0;
  for (std::size_t at = 0; at < text.size();) {
    used += columns_of_point(next_point(text, at));
    if (used > columns - 1) break;
    end = at;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string harmless(std::string_view text, bool keep_lines) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    const char32_t point = next_point(text, at);
    if (point == '\n' && keep_lines) {
      out += '\n';
    } else if (point == '\n' || point == '\t' || point == '\r') {
      out += ' ';
    } else if (point < 0x20 || (point >= 0x7f && point <= 0x9f) ||
               (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069)) {
      out += "·";  // escape sequences, and marks that turn the direction of what follows
    } else {
      out += text.substr(from, at - from);
    }
  }
  return out;
}

std::string tinted(const std::string& text, Tint tint, bool colour) {
  if (!colour || tint == Tint::none || text.empty()) return text;
  return code_of(tint) + text + "\x1b[0m";
}

Table::Table(std::vector<std::string> titles) : titles_(std::move(titles)) {
  for (std::string& title : titles_) {
    const char mark = title.empty() ? ' ' : title[0];
    right_.push_back(mark == '>');
    whole_.push_back(mark == '>' || mark == '#');
    if (whole_.back()) title.erase(0, 1);
  }
}

void Table::add(std::vector<Cell> row) {
  XF_CHECK(row.size() == titles_.size());
  for (Cell& cell : row) cell.text = harmless(cell.text);
  rows_.push_back(std::move(row));
}

bool Table::says_nothing(std::size_t column) const {
  return std::all_of(rows_.begin(), rows_.end(), [column](const std::vector<Cell>& row) {
    return row[column].text.empty() || row[column].text == "0";
  });
}

// The widths of the columns; 0: it is left out.
std::vector<std::size_t> Table::fitted(std::size_t width,
                                       std::vector<std::string>& left_out) const {
  constexpr std::size_t readable = 12;  // of a longer text
  constexpr std::size_t always = 2;     // columns that stay, whatever becomes of them
  constexpr std::size_t least = 6;
  std::vector<std::size_t> widths, shortest;
  for (std::size_t i = 0; i < titles_.size(); ++i) {
    widths.push_back(columns_of(titles_[i]));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], columns_of(row[i].text));
    const std::size_t title = std::max(readable, columns_of(titles_[i]));
    shortest.push_back(whole_[i] ? widths[i] : std::min(widths[i], title));
  }
  if (width == 0) return widths;
  const auto sum = [](const std::vector<std::size_t>& all) {
    std::size_t columns = 0, count = 0;
    for (const std::size_t each : all) {
      columns += each;
      if (each > 0) ++count;
    }
    return columns + 2 * (count > 0 ? count - 1 : 0);
  };
  const auto leave_out = [&](std::size_t i) { widths[i] = shortest[i] = 0; };
  for (std::size_t i = titles_.size(); i-- > always && sum(widths) > width;) {
    if (says_nothing(i)) leave_out(i);
  }
  for (std::size_t i = titles_.size(); i-- > always && sum(shortest) > width;) {
    if (widths[i] > 0) leave_out(i);
  }
  for (std::size_t i = 0; i < titles_.size(); ++i) {
    if (widths[i] == 0) left_out.push_back(titles_[i]);
  }
  while (sum(widths) > width) {
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const bool at_its_end = widths[i] <= (sum(shortest) > width ? least : shortest[i]);
      if (whole_[i] || at_its_end) continue;
      if (widest == widths.size() || widths[i] > widths[widest]) widest = i;
    }
    if (widest == widths.size()) break;
    --widths[widest];
  }
  return widths;
}

void Table::print(std::ostream& out, const Look& look) const {
  std::vector<std::string> left_out;
  const auto widths = fitted(look.width, left_out);
  const auto line = [&](const auto& text_at, const auto& tint_at) {
    std::size_t used = 0;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] == 0) continue;
      const std::size_t gap = used > 0 ? 2 : 0;
      if (look.width > 0 && used + gap >= look.width) break;
      std::size_t room = widths[i];
      if (look.width > 0) room = std::min(room, look.width - used - gap);
      const std::string text = cut_to(text_at(i), room);
      const std::string pad(room - columns_of(text), ' ');
      const bool last = std::all_of(widths.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                    widths.end(), [](std::size_t each) { return each == 0; });
      const std::string shown = tinted(text, tint_at(i), look.colour);
      out << std::string(gap, ' ') << (right_[i] ? pad + shown : last ? shown : shown + pad);
      used += gap + room;
    }
    out << "\n";
  };
  line([&](std::size_t i) { return titles_[i]; }, [](std::size_t) { return Tint::dim; });
  for (const auto& row : rows_) {
    line([&](std::size_t i) { return row[i].text; }, [&](std::size_t i) { return row[i].tint; });
  }
  if (left_out.empty()) return;
  std::string note = "no room for:";
  for (const std::string& title : left_out) note += (note.back() == ':' ? " " : ", ") + title;
  out << tinted(cut_to(note, look.width), Tint::dim, look.colour) << "\n";
}

std::string age_text(std::int64_t ms) {
  if (ms < 0) return "-";
  const std::int64_t s = ms / 1000;
  const auto two = [](std::int64_t big, const char* name, std::int64_t small, const char* unit) {
    std::string text = std::to_string(big) + " " + name;
    if (small > 0) text += " " + std::to_string(small) + " " + unit;
    return text;
  };
  if (ms < 10'000) return std::to_string(s) + "." + std::to_string(ms % 1000 / 100) + " s";
  if (s < 60) return std::to_string(s) + " s";
  if (s < 3600) return two(s / 60, "min", s % 60, "s");
  if (s < 86'400) return two(s / 3600, "h", s % 3600 / 60, "min");
  return two(s / 86'400, "d", s % 86'400 / 3600, "h");
}

std::string short_id(const std::string& hex) {
  return hex.substr(0, 12);
}

}  // namespace crossfloor::cli
