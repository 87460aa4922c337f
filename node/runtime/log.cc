#include "node/runtime/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "node/runtime/config_values.h"
#include "node/runtime/line_writer.h"
#include "protocol/bytes.h"
#include "protocol/check.h"

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

constexpr const char* kPattern = "%Y-%m-%dT%H:%M:%S.%fZ %l %v";

// To standard error: at once, or through the writer while there is one.
class StandardError final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void write_through(std::shared_ptr<LineWriter> writer) {
    const std::lock_guard lock(mutex_);
    writer_ = std::move(writer);
  }

  std::shared_ptr<LineWriter> writer() {
    const std::lock_guard lock(mutex_);
    return writer_;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (writer_ != nullptr) {
      writer_->write(std::string(line.data(), line.size()));
    } else {
      std::fwrite(line.data(), 1, line.size(), stderr);
    }
  }
  void flush_() override {}  // standard error has no buffer

 private:
  std::shared_ptr<LineWriter> writer_;
};

StandardError& standard_error() {
  static const auto made = std::make_shared<StandardError>();
  return *made;
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> made = [] {
    const auto shared = std::shared_ptr<StandardError>(&standard_error(), [](StandardError*) {});
    auto fresh = std::make_shared<spdlog::logger>("crossfloor", shared);
    fresh->set_pattern(kPattern, spdlog::pattern_time_type::utc);
    return fresh;
  }();
  return *made;
}

std::string loss_line(std::uint64_t lines) {
  const std::string text = log_line("log_lines_lost", {{"lines", lines}});
  const spdlog::details::log_msg message("", spdlog::level::warn, text);
  spdlog::memory_buf_t line;
  spdlog::pattern_formatter(kPattern, spdlog::pattern_time_type::utc).format(message, line);
  return std::string(line.data(), line.size());
}

void write_what_waits() {
  if (const auto writer = standard_error().writer()) writer->drain(std::chrono::milliseconds(500));
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

LogThread::LogThread() {
  standard_error().write_through(
      std::make_shared<LineWriter>(STDERR_FILENO, LineWriter::Options{.loss = loss_line}));
  before_abort(write_what_waits);
}

LogThread::~LogThread() {
  before_abort(nullptr);
  standard_error().write_through(nullptr);
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
