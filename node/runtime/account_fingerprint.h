// A channel account must be configured alike at all nodes that host it, and so must the topics that
// weigh among its customers. Nodes compare a hash of what is configured, so that secrets stay where
// they are; `crossfloor status` shows differences.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "node/runtime/config.h"
#include "protocol/crypto.h"

namespace crossfloor {

// Each setting by its name in site.toml, with a short hash of its value: equal if and only if the
// values are, and telling nothing of a secret (those have 24 random bytes or more). `topic`: all
// that are listed, in whatever order.
std::map<std::string, std::string> account_prints(const Crypto& crypto,
                                                  const AccountConfig& account,
                                                  const std::vector<TopicConfig>& topics);

}  // namespace crossfloor
