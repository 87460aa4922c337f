// Where the parts of a core put what they want done; the node's gate is behind it.
#pragma once

#include "node/core/effects.h"

namespace crossfloor {

class Outlet {
 public:
  virtual ~Outlet() = default;
  // Waits until every write so far is durable.
  virtual void emit(Effect effect) = 0;
  // Probes, their answers, and the own live stream only: whoever gets it must not take it as proof
  // that something is on a disk here.
  virtual void emit_freely(Effect effect) = 0;

  template <typename Frame, typename Message>
  void send(const NodeId& to, LinkKind link, Message message) {
    emit(SendMessage{to, link, Frame{std::move(message)}});
  }
};

}  // namespace crossfloor
