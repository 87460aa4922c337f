// What the transport knows of its links, for whoever looks at them. The runtime answers; a node
// without a network (tests, the simulator) has none.
#pragma once

#include <string>
#include <vector>

#include "protocol/ids.h"
#include "protocol/link_kind.h"
#include "protocol/time.h"

namespace crossfloor {

struct LinkFigures {
  NodeId peer;
  LinkKind kind = LinkKind::pulse;
  bool up = false;
  std::string endpoint;
  Duration for_how_long{};  // since it went up, or since it was last lost or first wanted
  std::string last_loss;    // empty: never lost
  unsigned failures = 0;    // dials in a row that came to nothing
  std::uint64_t frames_sent = 0, bytes_sent = 0;
  std::uint64_t frames_received = 0, bytes_received = 0;
  std::uint64_t frames_over_rate = 0;  // of the peer, let fall because it spoke too fast
  std::size_t frames_queued = 0, bytes_queued = 0;
  std::uint64_t frames_dropped = 0;  // not sent: no link, no room
};

class LinkView {
 public:
  virtual ~LinkView() = default;
  virtual std::vector<LinkFigures> link_figures() const = 0;
};

}  // namespace crossfloor
