#include "protocol/trace_line.h"

#include <cstdio>

namespace crossfloor::trace_detail {

std::string short_text(std::string_view text) {
  constexpr std::size_t shown = 24;
  std::size_t end = std::min(text.size(), shown);
  // Not through the middle of a character.
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  std::string out = "\"";
  for (const char c : text.substr(0, end)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += "\\x" + to_hex(std::string_view(&c, 1));
    } else {
      out += c;
    }
  }
  out += "\"";
  if (end < text.size()) out += "+" + std::to_string(text.size() - end);
  return out;
}

std::string short_bytes(ByteView bytes) {
  constexpr std::size_t shown = 4;
  if (bytes.size() <= shown) return to_hex(bytes);
  return to_hex(bytes.substr(0, shown)) + "…";
}

std::string number_text(double value) {
  char out[40];
  std::snprintf(out, sizeof(out), "%.6g", value);
  return out;
}

}  // namespace crossfloor::trace_detail
