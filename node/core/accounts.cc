#include "node/core/accounts.h"

namespace crossfloor {

AccountBody account_body(const AccountSettings& account) {
  AccountBody body;
  body.account = account.name;
  body.brand = account.brand;
  body.channel = word_of(account.channel);
  body.hosts = account.hosts;
  body.target_ms = account.target.count();
  body.helper_after_ms = account.helper_after.count();
  body.ring_ms = account.ring.count();
  body.lease_ms = account.lease.count();
  body.auto_accept = account.auto_accept;
  body.trusted_ref = account.trusted_ref;
  body.repeatable = account.repeatable;
  body.lookup = account.lookup;
  for (const auto& [setting, print] : account.prints) body.prints.push_back(setting + "=" + print);
  return body;
}

AccountSettings account_settings(const AccountBody& body, const Region& region) {
  AccountSettings account;
  account.name = body.account;
  account.region = region;
  account.brand = body.brand;
  account.channel = from_word<ChannelKind>(body.channel).value_or(ChannelKind::other);
  account.hosts = body.hosts;
  account.trusted_ref = body.trusted_ref;
  account.repeatable = body.repeatable;
  account.lookup = body.lookup;
  account.target = Duration{body.target_ms};
  account.helper_after = Duration{body.helper_after_ms};
  account.ring = Duration{body.ring_ms};
  account.lease = Duration{body.lease_ms};
  account.auto_accept = body.auto_accept;
  return account;
}

std::optional<PublishedAccount> published_account(const Reader& reader, const Subject& account) {
  auto row = rows::subject(reader, account);
  if (!row.ok() || !row.value()) return std::nullopt;
  if (row.value()->kind != static_cast<std::uint16_t>(EntryKind::account)) return std::nullopt;
  const auto& at = row.value()->at;
  const Stream stream{{at.node, at.generation}, row.value()->region};
  auto entry = entry_at(reader, stream, at.sequence);
  if (!entry.ok() || !entry.value()) return std::nullopt;
  auto body = decode_body<AccountBody>(entry.value()->body);
  if (!body.ok()) return std::nullopt;
  return PublishedAccount{at.node, row.value()->region, std::move(body).value()};
}

std::map<std::string, std::string> prints_of(const AccountBody& body) {
  std::map<std::string, std::string> out;
  for (const std::string& print : body.prints) {
    const auto sign = print.find('=');
    if (sign != std::string::npos) out[print.substr(0, sign)] = print.substr(sign + 1);
  }
  return out;
}

}  // namespace crossfloor
