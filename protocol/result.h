// A value, or the reason there is none.
//
// Operating errors are values: what was wrong, where, and the mend. Broken invariants are not
// errors but bugs; `check()` in protocol/check.h stops the process on them.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace crossfloor {

// One enumerator for each failure that some caller answers differently. Finer news is `what`.
enum class ErrorCode {
  malformed,        // cannot be parsed or breaks a rule of its format
  too_large,        // over a stated limit
  unauthenticated,  // who sent it is not known
  forbidden,        // who sent it is known and may not
  not_found,        // names something that is not here
  conflict,         // contradicts what is already recorded
  stale,            // was true for an older epoch, version or view
  full,             // a stated limit of this node is reached; later is fine
  unavailable,      // somebody who is needed cannot be reached
  corrupt,          // stored or received bytes fail their check
  io,               // the disk or the system said no
};

const char* name_of(ErrorCode code);

struct Error {
  ErrorCode code;
  std::string what;   // for people: what was wrong, with the offending value (nothing personal)
  std::string where;  // file:line of a config, dotted field of a request; may be empty
  std::string mend;   // what to do about it; may be empty

  std::string text() const;  // "where: what (mend)"
};

// style: `if (!result.ok()) return result.error();`
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT: conversion is the point
  Result(Error error) : state_(std::move(error)) {}  // NOLINT
  bool ok() const { return std::holds_alternative<T>(state_); }
  T& value() & { return std::get<T>(state_); }
  const T& value() const& { return std::get<T>(state_); }
  T&& value() && { return std::get<T>(std::move(state_)); }
  const Error& error() const { return std::get<Error>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT
  bool ok() const { return !error_.has_value(); }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace crossfloor
