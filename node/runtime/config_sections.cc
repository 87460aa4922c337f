#include "node/runtime/config_sections.h"

#include <algorithm>

#include "protocol/identity.h"

namespace crossfloor {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kMostTopicPercent = 200;  // docs/routing.md says what it bounds

bool good_name(std::string_view text) {
  return is_plain_name(text, max_site_name);
}
bool good_region(std::string_view text) {
  return is_plain_name(text, max_region_name);
}
bool good_secret(std::string_view text) {
  return parse_secret(text).has_value();
}
bool good_url(std::string_view text) {
  return parse_url(text).has_value();
}
bool good_language(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-';
                     }) &&
         text.size() >= 2 && text.front() != '-' && text.back() != '-';
}

const TextRule kName{.required = true,
                     .max_bytes = 64,
                     .good = good_name,
                     .wanted = "lower-case letters, digits and '-', 1 to 64"};
const TextRule kOptionalName{
    .required = false, .max_bytes = 64, .good = good_name, .wanted = kName.wanted};
const TextRule kRegion{.required = true,
                       .max_bytes = 32,
                       .good = good_region,
                       .wanted = "lower-case letters, digits and '-', 1 to 32"};
const TextRule kPath{.required = false, .max_bytes = 1024};

const std::vector<std::pair<std::string, AccountConfig::Kind>> kKinds{
    {"chat", AccountConfig::Kind::chat},
    {"social", AccountConfig::Kind::social},
    {"email", AccountConfig::Kind::email},
    {"call", AccountConfig::Kind::call},
    {"other", AccountConfig::Kind::other}};

void read_targets(ConfigReader& read, AccountConfig& account) {
  read.duration("first_response", account.first_response, 1s, 30 * 24h);
  set_target_defaults(account);
  read.duration("next_response", account.next_response, 1s, 30 * 24h);
  read.duration("helper_after", account.helper_after, 0s, 30 * 24h);
  read.duration("optional_skills_after", account.optional_skills_after, 0s, 30 * 24h);
  read.duration("last_agent_wait", account.last_agent_wait, 0s, 24h);
  read.duration("pull_margin", account.pull_margin, 0s, 24h);
  read.duration("ring", account.ring, 3s, 1h);
  read.duration("lease", account.lease, 3s, 24h);
  read.duration("agent_gone_after", account.agent_gone_after, 1s, 24h);
  read.flag("requeue_when_late", account.requeue_when_late);
  read.flag("auto_accept", account.auto_accept);
  if (account.last_agent_wait > account.first_response / 5) {
    read.complain("last_agent_wait", "is over a fifth of first_response",
                  "at most " + duration_text(account.first_response / 5));
  }
  if (account.helper_after > account.first_response) {
    read.complain("helper_after", "comes after first_response is missed",
                  "at most " + duration_text(account.first_response));
  }
}

}  // namespace

void read_node(ConfigReader& read, NodeConfig& node) {
  TextRule folder = kPath;
  folder.required = node.data_folder.empty();
  read.text("data_folder", node.data_folder, folder);
  read.text("site", node.site, kOptionalName);
  TextRule regions = kRegion;
  regions.required = false;
  read.texts("regions", node.regions, 32, regions);
  read.finish();
}

void read_mesh(ConfigReader& read, MeshConfig& mesh) {
  using M = MeshConfig;
  read.address("listen", mesh.listen);
  read.gone(
      "public_addresses", "addresses that others dial are those of the certificate",
      "crossfloor node keygen --keep-key --address tcp://HOST:PORT …, then mesh admit and apply");
  read.choice<M::Profile>("profile", mesh.profile,
                          {{"lan", M::Profile::lan}, {"wan", M::Profile::wan}});
  read.choice<M::Durability>("durability", mesh.durability,
                             {{"mesh", M::Durability::mesh}, {"site", M::Durability::site}});
  read.duration("durability_wait", mesh.durability_wait, 100ms, 60s);
  read.choice<M::WhenAlone>("when_alone", mesh.when_alone,
                            {{"accept", M::WhenAlone::accept}, {"refuse", M::WhenAlone::refuse}});
  read.choice<M::Takeover>("takeover", mesh.takeover,
                           {{"any", M::Takeover::any}, {"majority", M::Takeover::majority}});
  read.duration("takeover_after", mesh.takeover_after, 1s, 24h);
  read.duration("takeover_after_new", mesh.takeover_after_new, 100ms, 1h);
  read.duration("reopen_within", mesh.reopen_within, 0s, 365 * 24h);
  if (mesh.takeover_after_new > mesh.takeover_after) {
    read.complain("takeover_after_new", "is longer than takeover_after",
                  "at most " + duration_text(mesh.takeover_after));
  }
  read.finish();
}

void read_http(ConfigReader& read, HttpConfig& http) {
  read.address("listen", http.listen);
  read.text("tls_certificate", http.tls_certificate, kPath);
  read.text("tls_key", http.tls_key, kPath);
  read.text("tls_authorities", http.tls_authorities, kPath);
  read.text("tokens_file", http.tokens_file, kPath);
  if (http.tls_certificate.empty() != http.tls_key.empty()) {
    read.complain(http.tls_certificate.empty() ? "tls_key" : "tls_certificate",
                  "stands without the other half",
                  "give both tls_certificate and tls_key, or neither");
  } else if (!http.tls() && !is_loopback(http.listen.host)) {
    read.complain("listen", http.listen.text() + " is not loopback and there is no TLS",
                  "set tls_certificate and tls_key, or listen on 127.0.0.1");
  }
  read.finish();
}

void read_log(ConfigReader& read, LogConfig& log) {
  read.choice<LogLevel>("level", log.level,
                        {{"debug", LogLevel::debug},
                         {"info", LogLevel::info},
                         {"warning", LogLevel::warning},
                         {"error", LogLevel::error}});
  read.finish();
}

void read_storage(ConfigReader& read, StorageConfig& storage) {
  read.size("cache", storage.cache, 4ULL << 20, 64ULL << 30);
  read.size("write_buffer", storage.write_buffer, 1ULL << 20, 1ULL << 30);
  read.finish();
}

void read_brand(ConfigReader& read, BrandConfig& brand) {
  read.text("name", brand.name, kName);
  read.finish();
}

void read_topic(ConfigReader& read, TopicConfig& topic) {
  read.text("name", topic.name, {.required = true, .max_bytes = 128});
  read.percent("weight_percent", topic.weight_percent, 100, kMostTopicPercent);
  read.finish();
}

void read_account(ConfigReader& read, AccountConfig& account, WrittenSecrets& written) {
  read.text("name", account.name, kName);
  read.text("region", account.region, kRegion);
  read.text("brand", account.brand, kName);
  read.choice("kind", account.kind, kKinds, true);
  set_kind_defaults(account);
  TextRule host = kName;
  host.wanted = "the name of a site or node: lower-case letters, digits and '-'";
  read.texts("hosts", account.hosts, 16, host);
  const std::size_t complaints = read.complaints();
  read.texts("secrets", written.here, most_secrets,
             {.required = false,
              .max_bytes = 100,
              .good = good_secret,
              .wanted = "\"whsec_\" and base64 of 24 to 64 bytes",
              .secret = true});
  read.text("secret_file", written.file, kPath);
  written.refused = read.complaints() != complaints;
  std::string callback;
  read.text("callback", callback,
            {.required = true,
             .max_bytes = 1024,
             .good = good_url,
             .wanted = "a URL, https://host/path, without user, password or fragment"});
  if (const auto url = parse_url(callback)) {
    account.callback = *url;
    if (!url->tls && !is_loopback(url->address.host)) {
      read.complain("callback", "is not https",
                    "replies are personal: use https, or a loopback address");
    }
  }
  read.flag("trust_customer_ref", account.trust_customer_ref);
  read.flag("repeatable", account.repeatable);
  read.flag("lookup", account.lookup);
  read.text("language", account.language,
            {.required = false,
             .max_bytes = 35,
             .good = good_language,
             .wanted = "a BCP 47 tag, as in \"de\" or \"pt-BR\""});
  TextRule skill = kName;
  skill.required = false;
  read.texts("skills", account.skills, 16, skill);
  read.texts("optional_skills", account.optional_skills, 16, skill);
  read_targets(read, account);
  read.finish();
}

const char* name_of(AccountConfig::Kind kind) {
  for (const auto& [word, value] : kKinds) {
    if (value == kind) return word.c_str();
  }
  return "other";
}

void set_kind_defaults(AccountConfig& account) {
  struct Defaults {
    Duration first_response, last_agent_wait, pull_margin, ring, lease, agent_gone_after;
  };
  const auto defaults = [&]() -> Defaults {
    switch (account.kind) {
      case AccountConfig::Kind::call:
      case AccountConfig::Kind::chat:
        return {30s, 10s, 8s, 20s, 30s, 60s};
      case AccountConfig::Kind::social:
        return {1h, 60s, 30s, 60s, 2min, 10min};
      case AccountConfig::Kind::email:
        return {24h, 10min, 5min, 120s, 10min, 1h};
      case AccountConfig::Kind::other:
        break;
    }
    return {24h, 60s, 30s, 60s, 2min, 10min};
  }();
  account.first_response = defaults.first_response;
  account.last_agent_wait = defaults.last_agent_wait;
  account.pull_margin = defaults.pull_margin;
  account.ring = defaults.ring;
  account.lease = defaults.lease;
  account.agent_gone_after = defaults.agent_gone_after;
}

void set_target_defaults(AccountConfig& account) {
  account.next_response = account.first_response;
  account.helper_after = account.first_response / 10;
  account.optional_skills_after = account.first_response / 4;
  account.last_agent_wait = std::min(account.last_agent_wait, account.first_response / 5);
}

std::vector<std::string> known_settings() {
  std::vector<std::string> out;
  std::vector<Error> complaints;
  ConfigLines lines;
  const auto list = [&](const char* section, const auto& read) {
    ConfigReader reader(nullptr, section, section, "", complaints, lines);
    read(reader);
    for (const std::string& key : reader.known()) out.push_back(std::string(section) + "." + key);
  };
  Config config;
  BrandConfig brand;
  TopicConfig topic;
  AccountConfig account;
  WrittenSecrets written;
  list("node", [&](ConfigReader& read) { read_node(read, config.node); });
  list("mesh", [&](ConfigReader& read) { read_mesh(read, config.mesh); });
  list("http", [&](ConfigReader& read) { read_http(read, config.http); });
  list("log", [&](ConfigReader& read) { read_log(read, config.log); });
  list("storage", [&](ConfigReader& read) { read_storage(read, config.storage); });
  list("brand", [&](ConfigReader& read) { read_brand(read, brand); });
  list("topic", [&](ConfigReader& read) { read_topic(read, topic); });
  list("account", [&](ConfigReader& read) { read_account(read, account, written); });
  return out;
}

}  // namespace crossfloor
