// The config of one node: site.toml as checked values.
//
// A node never starts half configured: every complaint about a file that parses is collected, each
// with file, line and mend, and one is enough to refuse it. configs/site.toml is the reference of
// every setting; a test keeps it and this file in step.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/runtime/config_reader.h"
#include "node/runtime/config_values.h"
#include "node/runtime/log_level.h"
#include "protocol/certificate.h"
#include "protocol/ids.h"
#include "protocol/result.h"
#include "protocol/time.h"

namespace crossfloor {

struct NodeConfig {
  std::string data_folder = "/var/lib/crossfloor";  // absolute, or relative to the config's folder
  std::string site;                                 // empty: as the certificate says
  std::vector<Region> regions;                      // empty: all that the certificate lists
  bool operator==(const NodeConfig&) const = default;
};

struct MeshConfig {
  enum class Profile { lan, wan };
  enum class Durability { mesh, site };
  enum class WhenAlone { accept, refuse };
  enum class Takeover { any, majority };

  HostPort listen{"0.0.0.0", 7440};
  Profile profile = Profile::lan;
  Durability durability = Durability::mesh;
  Duration durability_wait{2'000};
  WhenAlone when_alone = WhenAlone::accept;
  Takeover takeover = Takeover::any;
  Duration takeover_after{60'000};
  Duration takeover_after_new{3'000};
  Duration reopen_within{72 * 3'600'000};
  bool operator==(const MeshConfig&) const = default;
};

struct HttpConfig {
  HostPort listen{"127.0.0.1", 7480};
  std::string tls_certificate;  // file; both or neither
  std::string tls_key;          // file
  std::string tls_authorities;  // file; empty: the system's alone
  std::string tokens_file;      // empty: only control.sock
  bool tls() const { return !tls_certificate.empty(); }
  bool operator==(const HttpConfig&) const = default;
};

struct LogConfig {
  LogLevel level = LogLevel::info;
  bool operator==(const LogConfig&) const = default;
};

struct StorageConfig {
  std::uint64_t cache = 16ULL << 20;
  std::uint64_t write_buffer = 8ULL << 20;
  bool operator==(const StorageConfig&) const = default;
};

struct BrandConfig {
  std::string name;
  bool operator==(const BrandConfig&) const = default;
};

// What customers write about, and how it weighs among those who wait.
struct TopicConfig {
  std::string name;  // as channels say it
  std::uint32_t weight_percent = 100;
  bool operator==(const TopicConfig&) const = default;
};

// A channel account. Equal at all its hosts; `status` shows differences.
struct AccountConfig {
  enum class Kind { chat, social, email, call, other };

  std::string name;
  Region region;
  std::string brand;
  Kind kind = Kind::other;
  std::vector<std::string> hosts;  // names of sites or nodes, first one preferred
  std::vector<Bytes> secrets;      // decoded; any of them verifies, the first one signs
  Url callback;
  bool trust_customer_ref = false;
  bool repeatable = true;
  bool lookup = false;
  std::string language;                      // of messages that name none; BCP 47; empty: none
  std::vector<std::string> skills;           // mandatory for every message, besides those it names
  std::vector<std::string> optional_skills;  // wanted at first, not any more after a while

  // Formulas of routing.md's rules; defaults depend on the kind (set_kind_defaults).
  Duration first_response{};         // target of the first answer
  Duration next_response{};          // target of each further answer
  Duration helper_after{};           // age at which helpers may take it
  Duration optional_skills_after{};  // age at which optional skills no longer count
  Duration last_agent_wait{};        // how long the last agent is waited for
  Duration pull_margin{};            // how much older a remote head must be to be pulled
  Duration ring{};                   // how long it rings
  Duration lease{};                  // how long home lends it without a renewal
  Duration agent_gone_after{};       // an agent without connection loses it after this
  bool requeue_when_late = false;    // a missed next_response sends it back to the queue
  bool auto_accept = false;          // what rings is accepted at once

  bool operator==(const AccountConfig&) const = default;
};
const char* name_of(AccountConfig::Kind kind);

struct Config {
  NodeConfig node;
  MeshConfig mesh;
  HttpConfig http;
  LogConfig log;
  StorageConfig storage;
  std::vector<BrandConfig> brands;
  std::vector<TopicConfig> topics;
  std::vector<AccountConfig> accounts;

  std::string file;
  ConfigLines lines;

  // "site.toml:12", for complaints that others make later: "mesh.listen", "account[1].region".
  std::string where(const std::string& setting) const;
  const AccountConfig* account(std::string_view name) const;
  // Equal in what is set; where it stands does not matter.
  bool same_settings(const Config& other) const;
};

// Either a config or at least one complaint, in order of lines.
struct ConfigOutcome {
  std::optional<Config> config;
  std::vector<Error> complaints;
  bool ok() const { return config.has_value(); }
};

// Reads a file that a config names. `secret`: others must not be able to read it.
using ConfigFileReader =
    std::function<Result<Bytes>(const std::string& path, std::size_t most, bool secret)>;

ConfigOutcome load_config(const std::string& path);
// `folder`: what relative paths are relative to.
ConfigOutcome parse_config(std::string_view toml, const std::string& file_name,
                           const std::string& folder, const ConfigFileReader& read_file);

// What the certificate says wins; a config that says otherwise is refused.
std::vector<Error> check_against_certificate(const Config& config, const Certificate& own);

// Every setting the parser knows, as "section.key", in the order of the reference.
std::vector<std::string> known_settings();

// Sets what follows from `kind` and then from `first_response`.
void set_kind_defaults(AccountConfig& account);
void set_target_defaults(AccountConfig& account);

}  // namespace crossfloor
