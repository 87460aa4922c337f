// The channel accounts that a bridge of ours plays: which brand writes where, with which secret.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "node/channels/webhook_signature.h"

namespace crossfloor::cli {

struct ChannelTarget {
  std::string account;
  std::vector<std::string> hosts;  // "http://127.0.0.1:7480", without a '/' at the end
  WebhookSecrets secrets;
};

struct ChannelTargets {
  std::vector<ChannelTarget> accounts;
  std::map<std::string, std::size_t> by_brand;  // place in `accounts`; "*": all other brands

  // nullptr if that brand writes nowhere.
  const ChannelTarget* of_brand(const std::string& brand) const;
  const ChannelTarget* of_account(const std::string& account) const;
  std::set<std::string> brands() const;  // without "*"
};

// A file as
//
//   [[account]]
//   account = "shop-social"
//   brands = ["Shop", "ShopHelp"]     # "*" for all that no other account names
//   hosts = ["https://helsinki.example:7480", "https://warsaw.example:7480"]
//   secret = "whsec_…"                # or secret_file = "…", from the folder of this file
//
// Two accounts of one name are one only if they say the same, so brands may be added in pieces.
Status read_targets_file(const std::string& path, ChannelTargets& out);

// "brand=NAME:URL[,URL]:SECRET", for the command line.
Status add_target(const std::string& text, ChannelTargets& out);

// Errors name `where`: no http(s) URL, an unknown kind of secret, a brand that has an account.
Status add_target(const std::vector<std::string>& brands, std::string account,
                  std::vector<std::string> hosts, const std::string& secret,
                  const std::string& where, ChannelTargets& out);

// The first line of a file that only its owner and group may read.
Result<std::string> read_secret_file(const std::string& path);

}  // namespace crossfloor::cli
