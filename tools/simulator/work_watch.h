// Sees each piece of agents' work from the customer's message to the free slot, for waits.h.
//
// A look at nodes from outside: nothing here draws lots, calls a core or plans anything, so that a
// run is the same whether somebody asks for its waits or not.
#pragma once

#include "tools/simulator/stage.h"

namespace crossfloor::simulator {

class WorkWatch {
 public:
  explicit WorkWatch(Stage& stage) : stage_(stage) {}

  void rings(const Node& node, const NotifyAgent& notice);
  // The agent asked for what ends the work: it is over as soon as the floor has the slot back.
  void ends(const Node& node, const ConversationId& conversation);
  // What was asked for was refused: the work goes on.
  void goes_on(const Node& node, const ConversationId& conversation);
  // After each call to this node's core, so that the free slot is seen at its very instant; an
  // agent's own client hears of it a commit later.
  void called(const Node& node);

 private:
  struct Piece {
    std::size_t node = 0;
    std::uint64_t life = 0;  // of the node: after a restart the slot is another
    Nonce slot = 0;
    PieceOfWork work;
  };
  std::optional<Instant> came(const NodeId& home, const ConversationId& conversation) const;

  Stage& stage_;
  std::map<ConversationId, Piece> pieces_;        // the last ring of each
  std::vector<std::set<ConversationId>> ending_;  // by node; mostly none
};

}  // namespace crossfloor::simulator
