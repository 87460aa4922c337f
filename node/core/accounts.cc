#include "node/core/accounts.h"

#include "node/desk/router.h"

namespace crossfloor {
namespace {

std::int64_t said(const std::optional<Duration>& time) {
  return time ? time->count() : -1;
}

std::optional<Duration> heard(std::int64_t ms) {
  if (ms < 0) return std::nullopt;
  return Duration{ms};
}

}  // namespace

AccountBody account_body(const AccountSettings& account) {
  const RouterOptions defaults;
  const auto& times = account.times;
  AccountBody body;
  body.account = account.name;
  body.brand = account.brand;
  body.channel = word_of(account.channel);
  body.hosts = account.hosts;
  body.target_ms = account.target.count();
  body.helper_after_ms = said(times.helper_after);
  body.ring_ms = times.ring.value_or(defaults.ring[kind_index(account.channel)]).count();
  body.lease_ms = lease_term(&account, account.channel).count();
  body.auto_accept = account.auto_accept;
  body.trusted_ref = account.trusted_ref;
  body.repeatable = account.repeatable;
  body.lookup = account.lookup;
  body.next_target_ms = account.next_target.count();
  body.optional_skills_after_ms = said(times.optional_skills_after);
  body.last_agent_wait_ms = said(times.last_agent_wait);
  body.pull_margin_ms = said(times.pull_margin);
  body.agent_gone_after_ms = said(times.agent_gone_after);
  body.requeue_when_late = account.requeue_when_late;
  body.optional_skills = account.optional_skills;
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
  account.next_target = Duration{std::max<std::int64_t>(body.next_target_ms, 0)};
  account.requeue_when_late = body.requeue_when_late;
  account.auto_accept = body.auto_accept;
  account.optional_skills = body.optional_skills;
  auto& times = account.times;
  times.helper_after = heard(body.helper_after_ms);
  if (body.ring_ms > 0) times.ring = Duration{body.ring_ms};
  if (body.lease_ms > 0) times.lease = Duration{body.lease_ms};
  times.optional_skills_after = heard(body.optional_skills_after_ms);
  times.last_agent_wait = heard(body.last_agent_wait_ms);
  times.pull_margin = heard(body.pull_margin_ms);
  times.agent_gone_after = heard(body.agent_gone_after_ms);
  return account;
}

Duration lease_term(const AccountSettings* account, ChannelKind kind) {
  if (account != nullptr && account->times.lease) return *account->times.lease;
  return RouterOptions{}.lease[kind_index(kind)];
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
