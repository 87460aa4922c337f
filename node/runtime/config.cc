#include "node/runtime/config.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "node/runtime/config_sections.h"
#include "node/runtime/files.h"
#include "protocol/identity.h"

namespace crossfloor {
namespace {

constexpr std::size_t kMostBrands = 256;
constexpr std::size_t kMostAccounts = 256;
constexpr std::size_t kMostTopics = 64;
constexpr std::size_t kMostFileBytes = 1 << 20;

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
    if (written.here.empty() || written.here.size() > most_secrets) {
      read.complain("secret_file",
                    written.file + " holds " + std::to_string(written.here.size()) + " secrets",
                    "1 to " + std::to_string(most_secrets) + ", one whsec_… in each line");
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

}  // namespace crossfloor
