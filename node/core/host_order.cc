#include "node/core/host_order.h"

#include <algorithm>

namespace crossfloor {

HostOrder host_order(const Crypto& crypto, const AccountSettings& account, const MeshView& mesh,
                     Now now) {
  auto all = mesh.nodes_of(account.region, now);
  std::erase_if(all, [&](const NodeId& node) { return !mesh.may_host(node, now); });
  HostOrder order;
  const auto add = [&](const NodeId& node) {
    if (std::find(order.nodes.begin(), order.nodes.end(), node) == order.nodes.end()) {
      order.nodes.push_back(node);
    }
  };
  for (const auto& host : account.hosts) {
    for (const auto& node : all) {
      if (mesh.site_of(node) == host || node.hex() == host) add(node);
    }
  }
  order.hosts = order.nodes.size();
  std::vector<std::pair<Hash, NodeId>> rest;
  for (const auto& node : all) rest.emplace_back(crypto.hash(account.name, node.view()), node);
  std::sort(rest.begin(), rest.end());
  for (const auto& [rank, node] : rest) add(node);
  return order;
}

}  // namespace crossfloor
