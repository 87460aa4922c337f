#include "node/runtime/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "node/runtime/config_values.h"
#include "protocol/bytes.h"

namespace crossfloor {
namespace {

constexpr std::size_t kLongestValue = 1000;

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> made = [] {
    auto fresh = std::make_shared<spdlog::logger>(
        "crossfloor", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    fresh->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %l %v", spdlog::pattern_time_type::utc);
    fresh->flush_on(spdlog::level::debug);
    return fresh;
  }();
  return *made;
}

bool is_plain(std::string_view text) {
  const auto plain = [](char c) {
    return c > ' ' && c < '\x7f' && c != '"' && c != '\\' && c != '=';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), plain);
}

void append_quoted(std::string& out, std::string_view text) {
  const bool readable = is_valid_utf8(text);
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !readable)) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

void write(spdlog::level::level_enum level, std::string_view event, LogFields fields) {
  if (!logger().should_log(level)) return;
  logger().log(level, spdlog::string_view_t(log_line(event, fields)));
}

}  // namespace

LogValue::LogValue(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  text_ = text;
}

LogValue::LogValue(Duration duration) : text_(duration_text(duration)) {}

std::string log_line(std::string_view event, LogFields fields) {
  std::string line(event);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    std::string_view value = field.value.text();
    const bool long_one = value.size() > kLongestValue;
    if (long_one) {
      value = value.substr(0, kLongestValue);
      while (!value.empty() && (static_cast<unsigned char>(value.back()) & 0xc0U) == 0x80U) {
        value.remove_suffix(1);  // not in the middle of a character
      }
      if (!value.empty() && static_cast<unsigned char>(value.back()) >= 0xc0U)
        value.remove_suffix(1);
    }
    const std::string cut = long_one ? std::string(value) + "…" : std::string(value);
    if (is_plain(cut)) {
      line += cut;
    } else {
      append_quoted(line, cut);
    }
  }
  return line;
}

void log_setup(LogLevel least) {
  logger().set_level(level_of(least));
}

void log_debug(std::string_view event, LogFields fields) {
  write(spdlog::level::debug, event, fields);
}
void log_info(std::string_view event, LogFields fields) {
  write(spdlog::level::info, event, fields);
}
void log_warning(std::string_view event, LogFields fields) {
  write(spdlog::level::warn, event, fields);
}
void log_error(std::string_view event, LogFields fields) {
  write(spdlog::level::err, event, fields);
}

void log_error(std::string_view event, const Error& error) {
  log_error(event, {{"what", error.what}, {"where", error.where}, {"mend", error.mend}});
}

}  // namespace crossfloor
