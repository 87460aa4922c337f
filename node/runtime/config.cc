#include "node/runtime/config.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "node/runtime/files.h"
#include "protocol/identity.h"

namespace crossfloor {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostBrands = 256;
constexpr std::size_t kMostAccounts = 256;
constexpr std::size_t kMostTopics = 64;
constexpr std::uint32_t kMostTopicPercent = 200;  // docs/routing.md says what it bounds
constexpr std::size_t kMostFileBytes = 1 << 20;
constexpr std::size_t kMostSecrets = 4;

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

// Secrets as written, and the file that may hold them instead: judged by the caller, who can read.
struct WrittenSecrets {
  std::vector<std::string> here;
  std::string file;
  bool refused = false;  // complained about already
};

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
  read.texts("secrets", written.here, kMostSecrets,
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

// ---- The file as a whole --------------------------------------------------------------------

class ConfigParser {
 public:
  ConfigParser(std::string file, std::string folder, const ConfigFileReader& read_file)
      : folder_(std::move(folder)), read_file_(read_file) {
    config_.file = std::move(file);
  }

  ConfigOutcome parse(const ConfigTree& tree);

 private:
  template <typename Section>
  void section(const ConfigTree& tree, const char* name, void (*read)(ConfigReader&, Section&),
               Section& out);
  std::vector<const ConfigTree*> list(const ConfigTree& tree, const char* name, std::size_t most);
  void brands(const ConfigTree& tree);
  void topics(const ConfigTree& tree);
  void accounts(const ConfigTree& tree);
  void check_account(const ConfigReader& read, std::size_t index);
  void secrets(ConfigReader& read, AccountConfig& account, WrittenSecrets& written);
  void files();
  void unknown_sections(const ConfigTree& tree);
  void complain(const std::string& setting, std::string what, std::string mend);
  void resolve(std::string& path) const;

  std::string folder_;
  const ConfigFileReader& read_file_;
  Config config_;
  std::vector<Error> complaints_;
};

const std::vector<std::string> kSections{"node",    "mesh",  "http",  "log",
                                         "storage", "brand", "topic", "account"};

void ConfigParser::complain(const std::string& setting, std::string what, std::string mend) {
  complaints_.push_back(
      Error{ErrorCode::malformed, std::move(what), config_.where(setting), std::move(mend)});
}

void ConfigParser::resolve(std::string& path) const {
  if (path.empty() || path.front() == '/') return;
  path = (std::filesystem::path(folder_) / path).lexically_normal().string();
}

template <typename Section>
void ConfigParser::section(const ConfigTree& tree, const char* name,
                           void (*read)(ConfigReader&, Section&), Section& out) {
  static const ConfigTree nothing;
  const auto at = tree.members.find(name);
  const ConfigTree* table = at == tree.members.end() ? &nothing : &at->second;
  const std::string shown = "[" + std::string(name) + "]";
  if (table->kind != ConfigTree::Kind::table) {
    complaints_.push_back(Error{ErrorCode::malformed, shown + " is " + table->kind_text(),
                                config_.file + ":" + std::to_string(table->line),
                                "write " + shown + " on a line of its own, once"});
    return;
  }
  ConfigReader reader(table, shown, name, config_.file, complaints_, config_.lines);
  read(reader, out);
}

std::vector<const ConfigTree*> ConfigParser::list(const ConfigTree& tree, const char* name,
                                                  std::size_t most) {
  std::vector<const ConfigTree*> found;
  const auto at = tree.members.find(name);
  if (at == tree.members.end()) return found;
  const std::string shown = "[[" + std::string(name) + "]]";
  const auto refuse = [&](int line, const std::string& what, const std::string& mend) {
    complaints_.push_back(Error{ErrorCode::malformed, shown + " " + what,
                                config_.file + ":" + std::to_string(line), mend});
  };
  if (at->second.kind != ConfigTree::Kind::list) {
    refuse(at->second.line, std::string("is ") + at->second.kind_text(),
           "write " + shown + ", with two brackets, before each");
    return found;
  }
  if (at->second.items.size() > most) {
    refuse(at->second.line, "stands " + std::to_string(at->second.items.size()) + " times",
           "at most " + std::to_string(most));
    return found;
  }
  for (const ConfigTree& item : at->second.items) {
    if (item.kind == ConfigTree::Kind::table) {
      found.push_back(&item);
    } else {
      refuse(item.line, std::string("holds ") + item.kind_text(),
             "write " + shown + " before each");
    }
  }
  return found;
}

void ConfigParser::brands(const ConfigTree& tree) {
  std::set<std::string> names;
  for (const ConfigTree* table : list(tree, "brand", kMostBrands)) {
    const std::string path = "brand[" + std::to_string(config_.brands.size()) + "]";
    ConfigReader reader(table, "[[brand]]", path, config_.file, complaints_, config_.lines);
    BrandConfig& brand = config_.brands.emplace_back();
    read_brand(reader, brand);
    if (!brand.name.empty() && !names.insert(brand.name).second) {
      reader.complain("name", "\"" + brand.name + "\" is taken by an earlier brand",
                      "give each brand once");
    }
  }
}

void ConfigParser::topics(const ConfigTree& tree) {
  std::set<std::string> names;
  for (const ConfigTree* table : list(tree, "topic", kMostTopics)) {
    const std::string path = "topic[" + std::to_string(config_.topics.size()) + "]";
    ConfigReader reader(table, "[[topic]]", path, config_.file, complaints_, config_.lines);
    TopicConfig& topic = config_.topics.emplace_back();
    read_topic(reader, topic);
    if (!topic.name.empty() && !names.insert(topic.name).second) {
      reader.complain("name", "\"" + topic.name + "\" is taken by an earlier topic",
                      "give each topic once");
    }
  }
}

void ConfigParser::accounts(const ConfigTree& tree) {
  std::set<std::string> names;
  std::vector<std::string> brands;
  for (const BrandConfig& brand : config_.brands) brands.push_back(brand.name);
  for (const ConfigTree* table : list(tree, "account", kMostAccounts)) {
    const std::string path = "account[" + std::to_string(config_.accounts.size()) + "]";
    ConfigReader reader(table, "[[account]]", path, config_.file, complaints_, config_.lines);
    AccountConfig& account = config_.accounts.emplace_back();
    WrittenSecrets written;
    read_account(reader, account, written);
    secrets(reader, account, written);
    if (!account.name.empty() && !names.insert(account.name).second) {
      reader.complain("name", "\"" + account.name + "\" is taken by an earlier account",
                      "give each account a name of its own");
    }
    if (!account.brand.empty() &&
        std::find(brands.begin(), brands.end(), account.brand) == brands.end()) {
      const auto meant = nearest(account.brand, brands);
      reader.complain("brand", "no [[brand]] is named \"" + account.brand + "\"",
                      meant ? "did you mean \"" + *meant + "\"?"
                            : "add [[brand]] with name = \"" + account.brand + "\"");
    }
  }
}

void ConfigParser::secrets(ConfigReader& read, AccountConfig& account, WrittenSecrets& written) {
  resolve(written.file);
  if (written.refused) return;
  if (!written.here.empty() && !written.file.empty()) {
    read.complain("secret_file", "stands beside secrets", "give one of the two");
    return;
  }
  if (written.here.empty() && written.file.empty()) {
    read.complain("secrets", "is missing",
                  "give secrets = [\"whsec_…\"] or secret_file = \"…\"; make one with: "
                  "echo whsec_$(openssl rand -base64 32)");
    return;
  }
  if (!written.file.empty()) {
    const auto content = read_file_(written.file, 4096, true);
    if (!content.ok()) {
      read.complain("secret_file", content.error().text(), "one whsec_… in each line");
      return;
    }
    std::size_t from = 0;
    const std::string& text = content.value();
    while (from < text.size()) {
      const std::size_t end = std::min(text.find('\n', from), text.size());
      std::string line = text.substr(from, end - from);
      while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
      if (!line.empty() && line.front() != '#') written.here.push_back(line);
      from = end + 1;
    }
    if (written.here.empty() || written.here.size() > kMostSecrets) {
      read.complain("secret_file",
                    written.file + " holds " + std::to_string(written.here.size()) + " secrets",
                    "1 to " + std::to_string(kMostSecrets) + ", one whsec_… in each line");
      return;
    }
  }
  for (const std::string& text : written.here) {
    if (const auto secret = parse_secret(text)) {
      account.secrets.push_back(*secret);
    } else {
      read.complain("secret_file", written.file + " has a line that is no secret",
                    "each line is \"whsec_\" and base64 of 24 to 64 bytes");
    }
  }
}

void ConfigParser::files() {
  resolve(config_.node.data_folder);
  struct Named {
    const char* setting;
    std::string& path;
    bool secret;
  };
  for (auto [setting, path, secret] :
       {Named{"http.tls_certificate", config_.http.tls_certificate, false},
        Named{"http.tls_key", config_.http.tls_key, true},
        Named{"http.tokens_file", config_.http.tokens_file, true}}) {
    if (path.empty()) continue;
    resolve(path);
    const auto content = read_file_(path, kMostFileBytes, secret);
    if (!content.ok()) complain(setting, path + ": " + content.error().what, content.error().mend);
  }
}

void ConfigParser::unknown_sections(const ConfigTree& tree) {
  for (const auto& [key, value] : tree.members) {
    if (std::find(kSections.begin(), kSections.end(), key) != kSections.end()) continue;
    const auto meant = nearest(key, kSections);
    complaints_.push_back(Error{ErrorCode::malformed,
                                "there is no section or setting \"" + key.substr(0, 60) + "\" here",
                                config_.file + ":" + std::to_string(value.line),
                                meant ? "did you mean [" + *meant + "]?"
                                      : "sections are [node], [mesh], [http], [log], [storage], "
                                        "[[brand]], [[topic]], [[account]]"});
  }
}

ConfigOutcome ConfigParser::parse(const ConfigTree& tree) {
  unknown_sections(tree);
  section(tree, "node", read_node, config_.node);
  section(tree, "mesh", read_mesh, config_.mesh);
  section(tree, "http", read_http, config_.http);
  section(tree, "log", read_log, config_.log);
  section(tree, "storage", read_storage, config_.storage);
  brands(tree);
  topics(tree);
  accounts(tree);
  files();
  ConfigOutcome outcome;
  if (complaints_.empty()) {
    outcome.config = std::move(config_);
    return outcome;
  }
  const auto line = [](const Error& error) {
    const auto colon = error.where.rfind(':');
    int number = 0;
    if (colon != std::string::npos) {
      std::from_chars(error.where.data() + colon + 1, error.where.data() + error.where.size(),
                      number);
    }
    return number;
  };
  std::stable_sort(complaints_.begin(), complaints_.end(),
                   [&](const Error& a, const Error& b) { return line(a) < line(b); });
  outcome.complaints = std::move(complaints_);
  return outcome;
}

}  // namespace

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

std::string Config::where(const std::string& setting) const {
  auto at = lines.find(setting);
  // A setting that is not written stands where its section begins.
  if (at == lines.end()) at = lines.find(setting.substr(0, setting.rfind('.')));
  return at == lines.end() || at->second == 0 ? file : file + ":" + std::to_string(at->second);
}

const AccountConfig* Config::account(std::string_view name) const {
  for (const AccountConfig& account : accounts) {
    if (account.name == name) return &account;
  }
  return nullptr;
}

bool Config::same_settings(const Config& other) const {
  return node == other.node && mesh == other.mesh && http == other.http && log == other.log &&
         storage == other.storage && brands == other.brands && topics == other.topics &&
         accounts == other.accounts;
}

ConfigOutcome parse_config(std::string_view toml, const std::string& file_name,
                           const std::string& folder, const ConfigFileReader& read_file) {
  ConfigOutcome outcome;
  if (toml.size() > kMostFileBytes) {
    outcome.complaints.push_back(Error{ErrorCode::too_large, "the config is over 1 MiB", file_name,
                                       "split it: a node needs only its own accounts"});
    return outcome;
  }
  const auto tree = parse_config_tree(toml, file_name);
  if (!tree.ok()) {
    outcome.complaints.push_back(tree.error());
    return outcome;
  }
  return ConfigParser(file_name, folder, read_file).parse(tree.value());
}

ConfigOutcome load_config(const std::string& path) {
  const auto text = read_file(path, kMostFileBytes);
  if (!text.ok()) return {std::nullopt, {text.error()}};
  const auto folder = std::filesystem::absolute(path).parent_path().string();
  return parse_config(text.value(), path, folder,
                      [](const std::string& file, std::size_t most, bool secret) {
                        return secret ? read_private_file(file, most) : read_file(file, most);
                      });
}

std::vector<Error> check_against_certificate(const Config& config, const Certificate& own) {
  std::vector<Error> complaints;
  if (!config.node.site.empty() && config.node.site != own.site) {
    complaints.push_back(Error{ErrorCode::conflict,
                               "the certificate of this node is for site \"" + own.site +
                                   "\", not \"" + config.node.site + "\"",
                               config.where("node.site"),
                               "remove the line, or have a certificate made for that site"});
  }
  const auto held = [&](const Region& region, const std::string& setting) {
    if (own.may_hold(region)) return;
    complaints.push_back(Error{
        ErrorCode::conflict, "the certificate of this node does not list region \"" + region + "\"",
        config.where(setting), "remove it, or have a certificate made that lists the region"});
  };
  for (const Region& region : config.node.regions) held(region, "node.regions");
  for (std::size_t i = 0; i < config.accounts.size(); ++i) {
    const AccountConfig& account = config.accounts[i];
    const std::string setting = "account[" + std::to_string(i) + "]";
    held(account.region, setting + ".region");
    const bool named =
        std::any_of(account.hosts.begin(), account.hosts.end(),
                    [&](const auto& host) { return host == own.site || host == own.node.hex(); });
    if (named && !own.has_right(Certificate::right_host)) {
      complaints.push_back(Error{ErrorCode::conflict,
                                 "the certificate of this node gives no right to host accounts",
                                 config.where(setting + ".hosts"),
                                 "name other hosts, or have it admitted with --right host"});
    }
  }
  return complaints;
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
