#include "storage/memory_store.h"

namespace crossfloor {
namespace {

using Map = MemoryStore::Map;

// std::string compares as unsigned bytes, as the store's interface wants it.
std::optional<Bytes> get_in(const Map& map, ByteView key) {
  const auto found = map.find(key);
  if (found == map.end()) return std::nullopt;
  return found->second;
}

Map::const_iterator end_of(const Map& map, ByteView to) {
  return to.empty() ? map.end() : map.lower_bound(to);
}

void scan_in(const Map& map, ByteView from, ByteView to, const Reader::Visit& visit) {
  if (!to.empty() && to <= from) return;
  const auto end = end_of(map, to);
  for (auto at = map.lower_bound(from); at != end; ++at) {
    if (!visit(at->first, at->second)) return;
  }
}

void scan_back_in(const Map& map, ByteView from, ByteView to, const Reader::Visit& visit) {
  if (!to.empty() && to <= from) return;
  const auto begin = map.lower_bound(from);
  for (auto at = end_of(map, to); at != begin;) {
    --at;
    if (!visit(at->first, at->second)) return;
  }
}

class MapReader final : public Reader {
 public:
  explicit MapReader(std::shared_ptr<const Map> map) : map_(std::move(map)) {}
  Result<std::optional<Bytes>> get(ByteView key) const override { return get_in(*map_, key); }
  Status scan(ByteView from, ByteView to, const Visit& visit) const override {
    scan_in(*map_, from, to, visit);
    return {};
  }
  Status scan_back(ByteView from, ByteView to, const Visit& visit) const override {
    scan_back_in(*map_, from, to, visit);
    return {};
  }

 private:
  std::shared_ptr<const Map> map_;
};

}  // namespace

Result<std::optional<Bytes>> MemoryStore::get(ByteView key) const {
  return get_in(*map_, key);
}

Status MemoryStore::scan(ByteView from, ByteView to, const Visit& visit) const {
  scan_in(*map_, from, to, visit);
  return {};
}

Status MemoryStore::scan_back(ByteView from, ByteView to, const Visit& visit) const {
  scan_back_in(*map_, from, to, visit);
  return {};
}

Status MemoryStore::commit(const Batch& batch) {
  if (map_.use_count() > 1) map_ = std::make_shared<Map>(*map_);
  for (const auto& write : batch.writes()) {
    if (write.value) {
      map_->insert_or_assign(write.key, *write.value);
    } else {
      map_->erase(write.key);
    }
  }
  return {};
}

std::unique_ptr<Reader> MemoryStore::snapshot() const {
  return std::make_unique<MapReader>(map_);
}

}  // namespace crossfloor
