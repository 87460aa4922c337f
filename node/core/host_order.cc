#include "node/core/host_order.h"

#include <algorithm>
#include <map>
#include <set>

namespace crossfloor {

HostOrder host_order(const Crypto& crypto, const AccountSettings& account, const MeshView& mesh,
                     Now now) {
  auto all = mesh.nodes_of(account.region, now);
  std::erase_if(all, [&](const NodeId& node) { return !mesh.may_host(node, now); });
  std::multimap<std::string, NodeId> named;
  for (const auto& node : all) named.emplace(mesh.site_of(node), node);
  HostOrder order;
  std::set<NodeId> placed;
  const auto add = [&](const NodeId& node) {
    if (placed.insert(node).second) order.nodes.push_back(node);
  };
  for (const auto& host : account.hosts) {
    const auto [first, last] = named.equal_range(host);
    for (auto at = first; at != last; ++at) add(at->second);
    if (host.size() != NodeId::size * 2) continue;
    for (const auto& node : all) {
      if (node.hex() == host) add(node);
    }
  }
  order.hosts = order.nodes.size();
  std::vector<std::pair<Hash, NodeId>> rest;
  for (const auto& node : all) {
    if (!placed.contains(node)) rest.emplace_back(crypto.hash(account.name, node.view()), node);
  }
  std::sort(rest.begin(), rest.end());
  for (const auto& [rank, node] : rest) add(node);
  return order;
}

const HostOrder& HostOrders::of(const Crypto& crypto, const AccountSettings& account,
                                const MeshView& mesh, Now now) {
  const std::uint64_t state = mesh.roster_state(now);
  if (kept_.size() >= max_kept && !kept_.contains(account.name)) kept_.clear();
  const auto [at, fresh] = kept_.try_emplace(account.name);
  Kept& kept = at->second;
  if (fresh || kept.state != state || kept.region != account.region ||
      kept.hosts != account.hosts) {
    kept = {state, account.region, account.hosts, host_order(crypto, account, mesh, now)};
  }
  return kept.order;
}

}  // namespace crossfloor
