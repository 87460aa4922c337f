// A channel account must be configured alike at all nodes that host it. Nodes compare a hash of
// what is configured, so that secrets stay where they are; `crossfloor status` shows differences.
#pragma once

#include "node/runtime/config.h"
#include "protocol/crypto.h"

namespace crossfloor {

// Equal if and only if all settings of the account are.
Hash account_fingerprint(const Crypto& crypto, const AccountConfig& account);

}  // namespace crossfloor
