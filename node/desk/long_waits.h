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
  // `by`: what counts as waiting longer, a share of the wait here.
  LongWaits(NodeId here, double by) : here_(here), by_(by) {}

  // How long the oldest waits at each node now. Every look weighs the same; the mean reaches back
  // over `looks` of them. Who is not heard of for as long is forgotten.
  using Heads = std::map<std::pair<NodeId, ChannelKind>, Duration>;
  void look(const Heads& heads, std::int64_t looks);

  // That node was not heard for a while, and is again.
  void came_back(const NodeId& node) { back_[node] = look_; }

  // 1 while that home's customers wait no longer than those here, falling to 0 when they wait
  // longer by `by`.
  double doubt(const NodeId& home, ChannelKind kind) const;

 private:
  struct Mean {
    std::int64_t looks = 0;
    std::int64_t last = 0;  // which look it was
    double ms = 0;
  };
  bool waits_longer(const NodeId& node, const Heads& heads) const;

  NodeId here_;
  double by_;
  std::int64_t look_ = 0;
  std::map<NodeId, std::int64_t> back_;  // after which look
  std::map<std::pair<NodeId, ChannelKind>, Mean> means_;
};

}  // namespace crossfloor
