// How long each node's customers wait in the long run, as the heads of the lines show it.
//
// Help that is held back on suspicion alone is fair as long as it hits all sites alike. A site that
// is asked for more than its own agents can do would wait for help again and again. So whoever
// waits longer than others in the long run is no longer suspected; nor is who comes back from a
// cut, until the line that grew there meanwhile is as short as here.
#pragma once

#include <algorithm>
#include <map>
#include <utility>

#include "protocol/service_class.h"
#include "protocol/time.h"

namespace crossfloor {

class LongWaits {
 public:
  explicit LongWaits(NodeId here) : here_(here) {}

  // How long the oldest waits at each node now. Every look weighs the same; the mean reaches back
  // over `looks` of them. Who is not heard of for as long is forgotten.
  using Heads = std::map<std::pair<NodeId, ChannelKind>, Duration>;
  void look(const Heads& heads, std::int64_t looks);

  // That node was not heard for a while, and is again.
  void came_back(const NodeId& node) { back_[node] = look_; }

  // By what share of the wait here that home's customers wait longer; negative if shorter. Nothing
  // is known: 0. It came back and its line is still longer: infinite.
  double longer(const NodeId& home, ChannelKind kind) const;
  // How long the oldest waits here, on average.
  Duration oldest(ChannelKind kind) const;

 private:
  struct Mean {
    std::int64_t looks = 0;
    std::int64_t last = 0;  // which look it was
    double ms = 0;
  };
  bool waits_longer(const NodeId& node, const Heads& heads) const;

  NodeId here_;
  std::int64_t look_ = 0;
  std::map<NodeId, std::int64_t> back_;  // after which look
  std::map<std::pair<NodeId, ChannelKind>, Mean> means_;
};

}  // namespace crossfloor
