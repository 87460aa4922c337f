// What each section of the config may hold, and what its settings must look like.
#pragma once

#include <string>
#include <vector>

#include "node/runtime/config.h"
#include "node/runtime/config_reader.h"

namespace crossfloor {

constexpr std::size_t most_secrets = 4;  // of one account

// Secrets as written, and the file that may hold them instead: judged by the caller, who can read.
struct WrittenSecrets {
  std::vector<std::string> here;
  std::string file;
  bool refused = false;  // complained about already
};

void read_node(ConfigReader& read, NodeConfig& node);
void read_mesh(ConfigReader& read, MeshConfig& mesh);
void read_http(ConfigReader& read, HttpConfig& http);
void read_log(ConfigReader& read, LogConfig& log);
void read_storage(ConfigReader& read, StorageConfig& storage);
void read_brand(ConfigReader& read, BrandConfig& brand);
void read_topic(ConfigReader& read, TopicConfig& topic);
void read_account(ConfigReader& read, AccountConfig& account, WrittenSecrets& written);

}  // namespace crossfloor
