#include "protocol/result.h"

namespace crossfloor {

const char* name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::malformed:
      return "malformed";
    case ErrorCode::too_large:
      return "too_large";
    case ErrorCode::unauthenticated:
      return "unauthenticated";
    case ErrorCode::forbidden:
      return "forbidden";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::stale:
      return "stale";
    case ErrorCode::full:
      return "full";
    case ErrorCode::unavailable:
      return "unavailable";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::io:
      return "io";
  }
  return "unknown";
}

std::string Error::text() const {
  std::string out = where.empty() ? what : where + ": " + what;
  if (!mend.empty()) out += " (" + mend + ")";
  return out;
}

}  // namespace crossfloor
