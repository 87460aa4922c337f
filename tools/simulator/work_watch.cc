#include "tools/simulator/work_watch.h"

namespace crossfloor::simulator {

// By the clock of the host that took the message in: exact where clocks are right.
std::optional<Instant> WorkWatch::came(const NodeId& home,
                                       const ConversationId& conversation) const {
  for (const auto& node : stage_.nodes.all()) {
    if (node->id != home || !node->up) continue;
    const Conversation* c = node->core->home().find(conversation);
    if (c == nullptr || c->unanswered.empty()) return std::nullopt;
    return std::min(Instant{Duration{c->waiting_since_ms() - first_wall_ms}}, stage_.now());
  }
  return std::nullopt;
}

void WorkWatch::rings(const Node& node, const NotifyAgent& notice) {
  pieces_.erase(notice.conversation);
  const Work* work = node.core->desk().floor().work_of(notice.conversation);
  if (work == nullptr) return;
  const auto since = came(work->home, notice.conversation);
  if (!since) return;
  pieces_[notice.conversation] = {
      node.index, node.life, work->nonce, {*since, stage_.now(), stage_.now()}};
}

void WorkWatch::ends(const Node& node, const ConversationId& conversation) {
  if (node.index >= ending_.size()) ending_.resize(node.index + 1);
  ending_[node.index].insert(conversation);
}

void WorkWatch::goes_on(const Node& node, const ConversationId& conversation) {
  if (node.index < ending_.size()) ending_[node.index].erase(conversation);
}

void WorkWatch::called(const Node& node) {
  if (node.index >= ending_.size() || ending_[node.index].empty()) return;
  std::erase_if(ending_[node.index], [&](const ConversationId& conversation) {
    const auto at = pieces_.find(conversation);
    if (at == pieces_.end()) return true;
    Piece& piece = at->second;
    const Work* work = node.core->desk().floor().work_of(conversation);
    const bool same_life = piece.node == node.index && piece.life == node.life;
    if (same_life && work != nullptr && work->nonce == piece.slot) return false;
    if (same_life) {
      piece.work.freed = stage_.now();
      stage_.facts.waits.add(piece.work);
    }
    pieces_.erase(at);
    return true;
  });
}

}  // namespace crossfloor::simulator
