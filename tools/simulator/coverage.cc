#include "tools/simulator/coverage.h"

#include "tools/simulator/world.h"

namespace crossfloor::simulator {

Marks marks_of(const World& world) {
  Marks marks;
  for (const auto& node : world.nodes().all()) {
    if (!node->up) continue;
    marks["a takeover"] += node->core->home().takeovers();
    marks["a refused range"] += node->core->replication().refused_ranges();
    marks["an entry from the future"] += node->core->scribe().entries_from_the_future();
    for (const auto& [id, c] : node->core->home().conversations()) {
      if (c.home() != node->id) continue;
      marks["handled twice"] += c.handled_twice;
      marks["an entry of a home that was none"] += c.uncounted;
      marks["a conversation of three terms"] += c.homes.size() > 2;
      marks["three changes of site"] += c.site_changes >= 3;
    }
  }
  return marks;
}

}  // namespace crossfloor::simulator
