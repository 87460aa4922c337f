// No byte of a region's customers is on a disk that is not certified for that region: no stream of
// it, and nowhere its mark, which stands in every text and name.
#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

class RegionsKeepTheirData final : public Checker {
 public:
  const char* promise() const override { return "regions keep their data"; }

  void at_end(const World& world) override {
    std::set<Region> regions;
    for (const auto& node : world.nodes().all()) regions.insert(node->region);
    if (regions.size() < 2) return;
    for (const auto& node : world.nodes().all()) {
      for (const auto& region : regions) {
        if (region != node->region) look(world, *node, region);
      }
    }
  }

 private:
  void look(const World& world, const Node& node, const Region& region) {
    const std::string mark = mark_of(region);
    (void)node.disk
        ->scan({}, {},
               [&](ByteView key, ByteView value) {
                 if (key.find(mark) == ByteView::npos && value.find(mark) == ByteView::npos) {
                   return true;
                 }
                 breaks(world,
                        node.site + " of " + node.region + " holds a text of " + region +
                            " under " + to_hex(key.substr(0, 17)),
                        node.site);
                 return false;
               })
        .ok();
    auto streams = stored_streams(*node.disk);
    if (!streams.ok()) return;
    for (const auto& [stream, number] : streams.value()) {
      if (stream.region != region) continue;
      breaks(world, node.site + " of " + node.region + " holds stream " + short_name(stream),
             node.site);
    }
  }
};

}  // namespace

std::unique_ptr<Checker> regions_keep_their_data() {
  return std::make_unique<RegionsKeepTheirData>();
}

}  // namespace crossfloor::simulator
