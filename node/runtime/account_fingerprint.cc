#include "node/runtime/account_fingerprint.h"

namespace crossfloor {
namespace {

// Each part with its length before it, so that no two accounts give the same bytes.
void put(Bytes& out, ByteView part) {
  put_le32(out, static_cast<std::uint32_t>(part.size()));
  out += part;
}

void put(Bytes& out, const std::vector<std::string>& parts) {
  put_le32(out, static_cast<std::uint32_t>(parts.size()));
  for (const std::string& part : parts) put(out, part);
}

void put(Bytes& out, Duration duration) {
  put_le64(out, static_cast<std::uint64_t>(duration.count()));
}

void put(Bytes& out, bool flag) {
  out += flag ? '\1' : '\0';
}

}  // namespace

Hash account_fingerprint(const Crypto& crypto, const AccountConfig& account) {
  // Every member by name: one that is added does not compile until it stands here.
  const auto& [name, region, brand, kind, hosts, secrets, callback, trust_customer_ref, repeatable,
               lookup, language, skills, first_response, next_response, helper_after,
               optional_skills_after, last_agent_wait, pull_margin, ring, lease, agent_gone_after,
               requeue_when_late] = account;
  Bytes out;
  for (const ByteView part : {ByteView(name), ByteView(region), ByteView(brand),
                              ByteView(name_of(kind)), ByteView(language)}) {
    put(out, part);
  }
  put(out, hosts);
  put(out, secrets);
  put(out, skills);
  put(out, callback.tls);
  put(out, callback.address.text());
  put(out, callback.target);
  for (const bool flag : {trust_customer_ref, repeatable, lookup, requeue_when_late})
    put(out, flag);
  for (const Duration duration :
       {first_response, next_response, helper_after, optional_skills_after, last_agent_wait,
        pull_margin, ring, lease, agent_gone_after}) {
    put(out, duration);
  }
  return crypto.hash(out);
}

}  // namespace crossfloor
