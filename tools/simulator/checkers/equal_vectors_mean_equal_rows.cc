// After healing all live nodes of a region hold the same entries; who holds the same entries made
// the same rows of them; and rows made anew from the log are equal to those kept.
#include "storage/log_keys.h"
#include "storage/rebuild.h"
#include "tools/simulator/checker.h"

namespace crossfloor::simulator {
namespace {

using Rows = std::map<Bytes, Bytes>;

// Certificates and revocations ("D") depend on who brought them.
void each_row(const Reader& reader, const std::function<void(ByteView, ByteView)>& visit) {
  (void)reader
      .scan(Bytes(1, keys::first_projection), {},
            [&](ByteView key, ByteView value) {
              if (key[0] != 'D') visit(key, value);
              return true;
            })
      .ok();
}

Rows rows_of(const Reader& reader) {
  Rows rows;
  each_row(reader, [&](ByteView key, ByteView value) { rows.emplace(key, value); });
  return rows;
}

// Of all rows: a day's would not fit into memory several times. Only where sums differ are the rows
// themselves compared.
Hash sum_of(const World& world, const Reader& reader) {
  Hash sum;
  Bytes row;
  each_row(reader, [&](ByteView key, ByteView value) {
    row.clear();
    put_le32(row, static_cast<std::uint32_t>(key.size()));
    sum = world.crypto().hash(sum.view(), row.append(key), value);
  });
  return sum;
}

// Of a forked stream each keeps the history that came first; all must know that it is one.
VersionVector vector_of(const Node& node) {
  const Log& log = node.core->scribe().log();
  VersionVector vector = log.vector();
  for (const auto& [stream, fork] : log.forks()) vector[stream] = 0;
  return vector;
}

std::string first_difference(const Rows& a, const Rows& b) {
  for (const auto* one : {&a, &b}) {
    const Rows& other = one == &a ? b : a;
    for (const auto& [key, value] : *one) {
      const auto at = other.find(key);
      if (at == other.end() || at->second != value) {
        return std::string(1, key[0]) + " " + to_hex(ByteView(key).substr(1, 16));
      }
    }
  }
  return "none";
}

class EqualVectorsMeanEqualRows final : public Checker {
 public:
  const char* promise() const override { return "equal vectors mean equal rows"; }

  void at_end(const World& world) override {
    std::map<Region, std::pair<const Node*, Hash>> first;
    for (const auto& node : world.nodes().all()) {
      if (!node->up) continue;
      const Hash sum = sum_of(world, node->core->scribe().glance());
      const auto [at, fresh] = first.try_emplace(node->region, node.get(), sum);
      if (fresh) {
        check_rebuilt(world, *node, sum);
        continue;
      }
      const Node& other = *at->second.first;
      if (vector_of(*node) != vector_of(other)) {
        breaks(world, node->site + " and " + other.site + " hold different entries", node->site);
      } else if (sum != at->second.second) {
        const std::string which = first_difference(rows_of(node->core->scribe().glance()),
                                                   rows_of(other.core->scribe().glance()));
        breaks(
            world,
            node->site + " and " + other.site + " hold the same entries and other rows: " + which,
            which.size() > 2 ? which.substr(2) : node->site);
      }
    }
  }

 private:
  void check_rebuilt(const World& world, const Node& node, const Hash& kept) {
    MemoryStore copy(*node.disk);
    const Projections projections(
        [&](const Region& region) { return node.core->scribe().subjects(region); });
    if (node.core->has_writes() || node.committing) return;  // the disk is behind the view
    if (auto done = rebuild_rows(copy, projections); !done.ok()) {
      return breaks(world, node.site + " cannot be rebuilt: " + done.error().what, node.site);
    }
    if (sum_of(world, copy) == kept) return;
    const std::string which =
        first_difference(rows_of(copy), rows_of(node.core->scribe().glance()));
    breaks(world, "rebuilt rows of " + node.site + " differ from those kept: " + which,
           which.size() > 2 ? which.substr(2) : node.site);
  }
};

}  // namespace

std::unique_ptr<Checker> equal_vectors_mean_equal_rows() {
  return std::make_unique<EqualVectorsMeanEqualRows>();
}

}  // namespace crossfloor::simulator
