// One line per event, key=value, on standard error:
//
//   2026-03-04T05:06:07.123456Z info link_up peer=warsaw address="10.0.0.2:7440" after=1200ms
//
//   log_info("link_up", {{"peer", site}, {"address", address.text()}, {"after", duration}});
//
// Nothing personal of a customer goes into a log line: no handle, no name, no text. Ids are fine.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

#include "node/runtime/log_level.h"
#include "protocol/result.h"
#include "protocol/time.h"

namespace crossfloor {

// A value in its text form.
class LogValue {
 public:
  LogValue(std::string_view text) : text_(text) {}         // NOLINT: conversion is the point
  LogValue(const std::string& text) : text_(text) {}       // NOLINT
  LogValue(const char* text) : text_(text) {}              // NOLINT
  LogValue(bool flag) : text_(flag ? "true" : "false") {}  // NOLINT
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool>) LogValue(Integer number)
      : text_(std::to_string(number)) {}  // NOLINT
  LogValue(double number);                // NOLINT
  LogValue(Duration duration);            // NOLINT

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

struct LogField {
  std::string_view key;
  LogValue value;
};
using LogFields = std::initializer_list<LogField>;

// Before the first event; may be called again (the level changes).
void log_setup(LogLevel least);

// While it lives, a thread of its own writes the lines: a disk, pipe or journal that stands still
// holds nobody up. Signals must have been captured before. At its end, and before a broken
// invariant ends the process, what waits is written, for at most half a second.
class LogThread {
 public:
  LogThread();
  ~LogThread();
  LogThread(const LogThread&) = delete;
  LogThread& operator=(const LogThread&) = delete;
};

// From any thread.
void log_debug(std::string_view event, LogFields fields = {});
void log_info(std::string_view event, LogFields fields = {});
void log_warning(std::string_view event, LogFields fields = {});
void log_error(std::string_view event, LogFields fields = {});
// what=, where=, mend= of an error.
void log_error(std::string_view event, const Error& error);

// The line without time and level. Values with anything but plain characters are quoted, control
// characters and quotes escaped, and no value is longer than 1,000 bytes, so that what came from
// outside cannot forge or flood lines.
std::string log_line(std::string_view event, LogFields fields);

}  // namespace crossfloor
