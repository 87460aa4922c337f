// Who is there, as the duties of a home must know it. Built on membership, load records and the
// roster by the node; made up by tests.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/ids.h"
#include "protocol/time.h"

namespace crossfloor {

class MeshView {
 public:
  virtual ~MeshView() = default;
  virtual NodeId self() const = 0;
  // Alive or suspect (a suspicion alone moves no work), and may hold the region. The own node is.
  virtual bool live(const NodeId& node) const = 0;
  virtual bool drained(const NodeId& node) const = 0;
  // Nothing while it lives; the beginning of this node's time if it was never heard of.
  virtual std::optional<Instant> dead_since(const NodeId& node) const = 0;
  // Admitted nodes that may hold the region, in id order, the own one included.
  virtual std::vector<NodeId> nodes_of(const Region& region, Now now) const = 0;
  virtual std::string site_of(const NodeId& node) const = 0;
  // Whether its certificate lets it take in and send for channel accounts, and steer conversations.
  virtual bool may_host(const NodeId& node, Now now) const = 0;
  // Another number whenever one of the last three may answer otherwise than before.
  virtual std::uint64_t roster_state(Now now) const = 0;
  // Membership's last proof of life; nothing if never.
  virtual std::optional<Instant> last_heard(const NodeId& node) const = 0;
};

}  // namespace crossfloor
