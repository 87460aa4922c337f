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

// One at its default weighs what one that is not listed does.
void put(Bytes& out, const std::vector<TopicConfig>& topics) {
  std::map<std::string, std::uint32_t> weights;
  for (const auto& [name, weight_percent] : topics) {
    if (weight_percent != TopicConfig{}.weight_percent) weights[name] = weight_percent;
  }
  for (const auto& [name, weight_percent] : weights) {
    put(out, ByteView(name));
    put_le32(out, weight_percent);
  }
}

void put(Bytes& out, const Url& callback) {
  put(out, callback.tls);
  put(out, ByteView(callback.address.text()));
  put(out, ByteView(callback.target));
}

}  // namespace

std::map<std::string, std::string> account_prints(const Crypto& crypto,
                                                  const AccountConfig& account,
                                                  const std::vector<TopicConfig>& topics) {
  // Every member by name: one that is added does not compile until it stands here.
  const auto& [name, region, brand, kind, hosts, secrets, callback, trust_customer_ref, repeatable,
               lookup, language, skills, optional_skills, first_response, next_response,
               helper_after, optional_skills_after, last_agent_wait, pull_margin, ring, lease,
               agent_gone_after, requeue_when_late, auto_accept] = account;
  std::map<std::string, std::string> out;
  const auto print = [&](const char* setting, const auto& value) {
    Bytes bytes;
    put(bytes, ByteView(name));
    put(bytes, ByteView(setting));
    put(bytes, value);
    constexpr std::size_t digits = 12;
    out[setting] = crypto.hash(bytes).hex().substr(0, digits);
  };
  print("region", ByteView(region));
  print("brand", ByteView(brand));
  print("kind", ByteView(name_of(kind)));
  print("hosts", hosts);
  print("secrets", secrets);
  print("callback", callback);
  print("trust_customer_ref", trust_customer_ref);
  print("repeatable", repeatable);
  print("lookup", lookup);
  print("language", ByteView(language));
  print("skills", skills);
  print("optional_skills", optional_skills);
  print("first_response", first_response);
  print("next_response", next_response);
  print("helper_after", helper_after);
  print("optional_skills_after", optional_skills_after);
  print("last_agent_wait", last_agent_wait);
  print("pull_margin", pull_margin);
  print("ring", ring);
  print("lease", lease);
  print("agent_gone_after", agent_gone_after);
  print("requeue_when_late", requeue_when_late);
  print("auto_accept", auto_accept);
  print("topic", topics);
  return out;
}

}  // namespace crossfloor
