// Channel accounts as the log has them. Who hosts an account writes down what is configured, so
// that every node of its region knows who receives and sends there, and a host that differs from
// the others is seen, also while one of them is away. Secrets and callbacks are written as hashes.
#pragma once

#include "node/core/scribe.h"

namespace crossfloor {

AccountBody account_body(const AccountSettings& account);
// Back from its entry; credentials are not in it, so it is not hosted here.
AccountSettings account_settings(const AccountBody& body, const Region& region);

// How long home lends a conversation of this account (or none known) without a renewal.
Duration lease_term(const AccountSettings* account, ChannelKind kind);

struct PublishedAccount {
  NodeId by;
  Region region;
  AccountBody body;
};
// The latest entry about an account; nothing if there is none that can be read.
std::optional<PublishedAccount> published_account(const Reader& reader, const Subject& account);

// Setting and hash of each of `prints`.
std::map<std::string, std::string> prints_of(const AccountBody& body);

}  // namespace crossfloor
