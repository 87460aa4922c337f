// In which order nodes are asked to be home of an account's conversations: the account's hosts as
// configured, then the region's other nodes by rendezvous hash. It does not depend on who is alive.
// Nodes whose certificate gives no right to host are in none of it.
#pragma once

#include <map>

#include "node/core/mesh_view.h"
#include "node/core/settings.h"
#include "protocol/crypto.h"

namespace crossfloor {

struct HostOrder {
  std::vector<NodeId> nodes;
  std::size_t hosts = 0;  // how many of them, from the front, are channel hosts
};

HostOrder host_order(const Crypto& crypto, const AccountSettings& account, const MeshView& mesh,
                     Now now);

// The same, kept until somebody comes, goes or may do something else: every node of a region asks
// for each message that comes in.
class HostOrders {
 public:
  // Valid until it is asked for the next time.
  const HostOrder& of(const Crypto& crypto, const AccountSettings& account, const MeshView& mesh,
                      Now now);

 private:
  static constexpr std::size_t max_kept = 1024;
  struct Kept {
    std::uint64_t state = 0;
    Region region;
    std::vector<std::string> hosts;
    HostOrder order;
  };
  std::map<std::string, Kept> kept_;  // by the account's name
};

}  // namespace crossfloor
