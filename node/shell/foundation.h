// What a node stands on, before its first port opens: data folder and lock, key, mesh file, roster,
// store, and the settings that follow from config and certificate.
#pragma once

#include <memory>
#include <vector>

#include "node/core/settings.h"
#include "node/runtime/config.h"
#include "node/runtime/data_folder.h"
#include "protocol/join.h"
#include "protocol/roster.h"
#include "storage/rocks/rocks_store.h"

namespace crossfloor {

class Foundation {
 public:
  // What keeps the node from starting; `config_at_fault` if the mend is in the config.
  struct Complaints {
    std::vector<Error> errors;
    bool config_at_fault = false;
  };
  struct Outcome {
    std::unique_ptr<Foundation> foundation;  // or there are complaints
    Complaints complaints;
  };
  // `reading`: the store is opened without writing a byte to it.
  enum class Mode { writing, reading };
  static Outcome lay(Config config, const Crypto& crypto, WallTime wall, Mode mode = Mode::writing);

  std::string head_file() const { return folder.path() + "/heads"; }
  NodeId self() const { return key.node(); }

  const Config config;
  const DataFolder folder;
  const SigningKey key;
  const MeshFile mesh;
  Roster roster;
  const NodeSettings settings;
  const std::unique_ptr<RocksStore> store;

 private:
  Foundation(Config config_given, DataFolder folder_given, SigningKey key_given,
             MeshFile mesh_given, Roster roster_given, NodeSettings settings_given,
             std::unique_ptr<RocksStore> store_given);
};

// Makes all rows anew from the log. For `--rebuild`, and at a start that finds one half done.
Status rebuild(Foundation& foundation, const Crypto& crypto);

// So much must stay free on the disk: what opening the store may have to write, which is all that
// its write-ahead log holds.
std::size_t reserve_of(const StorageConfig& config);

// The newest own certificate decides about site and regions; the config can only ask for fewer.
NodeSettings settings_of(const Crypto& crypto, const Config& config, const Certificate& own,
                         const std::map<Region, Secret>& secrets);

}  // namespace crossfloor
