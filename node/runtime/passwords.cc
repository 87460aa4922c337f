#include "node/runtime/passwords.h"

#include <sodium.h>

#include "protocol/bytes.h"
#include "protocol/check.h"

namespace crossfloor {
namespace {

constexpr auto kWork = crypto_pwhash_OPSLIMIT_INTERACTIVE;
constexpr auto kMemory = crypto_pwhash_MEMLIMIT_INTERACTIVE;

void ready() {
  XF_CHECK(sodium_init() >= 0);
}

}  // namespace

Status check_new_password(std::string_view password) {
  if (password.size() > kLongestPassword) {
    return Error{ErrorCode::too_large, "the password is over 1024 bytes", "password",
                 "choose a shorter one"};
  }
  if (password.size() < kShortestPassword) {
    return Error{ErrorCode::malformed, "the password has fewer than 8 bytes", "password",
                 "choose a longer one"};
  }
  if (!is_valid_utf8(password) || password.find('\0') != std::string_view::npos) {
    return Error{ErrorCode::malformed, "the password is not text", "password", "use UTF-8"};
  }
  return {};
}

Result<std::string> hash_password(std::string_view password) {
  if (auto good = check_new_password(password); !good.ok()) return good.error();
  ready();
  std::string hash(crypto_pwhash_STRBYTES, '\0');
  if (crypto_pwhash_str_alg(hash.data(), password.data(), password.size(), kWork, kMemory,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return Error{ErrorCode::io, "no memory to hash a password", "", "the node needs 64 MiB for it"};
  }
  hash.resize(hash.find('\0'));
  return hash;
}

bool verify_password(const std::string& hash, std::string_view password) {
  ready();
  if (password.size() > kLongestPassword) return false;
  if (hash.empty()) {
    std::string ignored(crypto_pwhash_STRBYTES, '\0');
    [[maybe_unused]] const int spent =
        crypto_pwhash_str_alg(ignored.data(), password.data(), password.size(), kWork, kMemory,
                              crypto_pwhash_ALG_ARGON2ID13);
    return false;
  }
  return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

bool wants_new_hash(const std::string& hash) {
  ready();
  return crypto_pwhash_str_needs_rehash(hash.c_str(), kWork, kMemory) != 0;
}

}  // namespace crossfloor
