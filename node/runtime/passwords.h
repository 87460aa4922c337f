// Passwords of people, as Argon2id hashes (libsodium, interactive: about 80 ms and 64 MiB each, so
// only ever on the worker thread, one at a time).
#pragma once

#include <string>
#include <string_view>

#include "protocol/result.h"

namespace crossfloor {

inline constexpr std::size_t kShortestPassword = 8;    // bytes
inline constexpr std::size_t kLongestPassword = 1024;  // bytes

// Whether it may become somebody's password. Errors: malformed (too short, not UTF-8), too_large.
Status check_new_password(std::string_view password);

// Text that holds salt and cost. Errors: malformed, too_large; io without enough memory.
Result<std::string> hash_password(std::string_view password);

// With an empty `hash` (nobody has that name) it takes just as long and says no, so that the time
// of an answer does not tell which names exist.
bool verify_password(const std::string& hash, std::string_view password);

// True if it was made with other costs than today's: hash anew at the next log-in.
bool wants_new_hash(const std::string& hash);

}  // namespace crossfloor
