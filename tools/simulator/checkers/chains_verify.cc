// Chains verify on every disk; no origin ever uses a sequence number twice; no forged entry is ever
// stored: what others hold of a stream is what its origin sealed. What a copied machine signed
// twice is known to all as a fork. A flipped byte is found by verify.
#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

class ChainsVerify final : public Checker {
 public:
  const char* promise() const override { return "chains verify"; }

  void called(const World& world, const Node& node) override {
    if (!writing_.anything_new(node)) return;
    const Scribe& scribe = node.core->scribe();
    const Stream own{{node.id, scribe.generation()}, node.region};
    if (copied(world, own)) return;
    const auto head = scribe.log().sealed_head(own);
    if (!head) return;
    Head& known = sealed_[own];
    if (head->sequence == known.sequence && head->hash != known.hash && known.sequence > 0) {
      breaks(world, node.site + " sealed entry " + std::to_string(head->sequence) + " twice",
             node.site);
    }
    if (head->sequence < known.sequence) {
      breaks(world,
             node.site + " went back from entry " + std::to_string(known.sequence) + " to " +
                 std::to_string(head->sequence),
             node.site);
    }
    known = *head;
  }

  void each_second(const World& world) override {
    for (; flips_ < world.facts().flips.size(); ++flips_) {
      const Flip& flip = world.facts().flips[flips_];
      if (flip.found) continue;
      breaks(world, "verify does not find the byte that flipped in " + flip.entry,
             world.nodes()[flip.node].site);
    }
  }

  void at_end(const World& world) override {
    std::map<Stream, std::pair<Head, std::string>> held;
    for (const auto& node : world.nodes().all()) {
      if (node->up) check(world, *node, held);
    }
  }

 private:
  void check(const World& world, const Node& node,
             std::map<Stream, std::pair<Head, std::string>>& held) {
    const Reader& view = node.core->scribe().glance();
    auto streams = stored_streams(view);
    if (!streams.ok()) return breaks(world, node.site + ": " + streams.error().what, node.site);
    const MeshId mesh = node.roster->mesh();
    for (const auto& [stream, number] : streams.value()) {
      Head head;
      for (bool done = false; !done;) {
        auto slice = verify_stream(view, world.crypto(), mesh, stream, head);
        if (!slice.ok()) {
          breaks(world, node.site + ", " + short_name(stream) + ": " + slice.error().what,
                 node.site);
          break;
        }
        head = slice.value().reached;
        done = slice.value().done;
      }
      if (const auto known = sealed_.find(stream); known != sealed_.end() &&
                                                   !copied(world, stream) &&
                                                   head.sequence > known->second.sequence) {
        breaks(world,
               node.site + " holds entries of " + short_name(stream) + " that its origin never " +
                   "sealed",
               node.site);
      }
      compare(world, node, stream, head, held);
    }
  }

  // All that hold a sequence number hold the same entry under it.
  void compare(const World& world, const Node& node, const Stream& stream, const Head& head,
               std::map<Stream, std::pair<Head, std::string>>& held) {
    const auto [at, fresh] = held.try_emplace(stream, head, node.site);
    if (fresh) return;
    const Head& other = at->second.first;
    const Sequence common = std::min(head.sequence, other.sequence);
    if (common == head.sequence && common == other.sequence && head.hash != other.hash) {
      if (copied(world, stream) && node.core->scribe().forked(stream)) return;
      breaks(
          world,
          node.site + " and " + at->second.second + " hold other entries of " + short_name(stream),
          node.site);
    }
  }

  static bool copied(const World& world, const Stream& stream) {
    return world.facts().copied.contains({stream.origin.node, stream.origin.generation});
  }

  Writing writing_;
  std::map<Stream, Head> sealed_;  // by the origins themselves
  std::size_t flips_ = 0;
};

}  // namespace

std::unique_ptr<Checker> chains_verify() {
  return std::make_unique<ChainsVerify>();
}

}  // namespace crossfloor::simulator
