#include "storage/memory_table.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace crossfloor {
namespace {

constexpr std::size_t page_rows = 256;

std::uint64_t hash_of(ByteView bytes) {
  return std::hash<ByteView>{}(bytes);
}

}  // namespace

// ---- The pool ---------------------------------------------------------------------------------

// Where it is, or the free slot where it belongs.
std::size_t PiecePool::slot_of(std::uint64_t hash, ByteView bytes) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (slots_[at] && (slots_[at]->hash != hash || slots_[at]->bytes != bytes)) {
    at = (at + 1) & mask;
  }
  return at;
}

PiecePool::Piece* PiecePool::hold(ByteView bytes) {
  if ((used_ + 1) * 4 > slots_.size() * 3) grow();
  const std::uint64_t hash = hash_of(bytes);
  auto& slot = slots_[slot_of(hash, bytes)];
  if (!slot) {
    slot = std::make_unique<Piece>(Piece{hash, 0, Bytes(bytes)});
    ++used_;
  }
  ++slot->holders;
  return slot.get();
}

void PiecePool::drop(Piece* piece) {
  if (--piece->holders > 0) return;
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = slot_of(piece->hash, piece->bytes);
  slots_[hole].reset();
  --used_;
  // Who stands behind the hole because it was taken moves up.
  for (std::size_t at = (hole + 1) & mask; slots_[at]; at = (at + 1) & mask) {
    const std::size_t wanted = slots_[at]->hash & mask;
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = std::move(slots_[at]);
    hole = at;
  }
}

void PiecePool::grow() {
  auto old = std::exchange(slots_, std::vector<std::unique_ptr<Piece>>(slots_.size() * 2));
  for (auto& piece : old) {
    if (!piece) continue;
    const std::size_t at = slot_of(piece->hash, piece->bytes);
    slots_[at] = std::move(piece);
  }
}

// ---- The table --------------------------------------------------------------------------------

MemoryTable::MemoryTable(const MemoryTable& other, std::shared_ptr<PiecePool> pool)
    : pool_(std::move(pool)), pages_(other.pages_), size_(other.size_) {
  const bool shared = pool_ == other.pool_;
  for (auto& page : pages_) {
    for (Row& row : page) {
      if (shared) {
        PiecePool::hold(row.key);
        PiecePool::hold(row.value);
      } else {
        row = {pool_->hold(row.key->bytes), pool_->hold(row.value->bytes)};
      }
    }
  }
}

MemoryTable::~MemoryTable() {
  for (const auto& page : pages_) {
    for (const Row& row : page) {
      pool_->drop(row.key);
      pool_->drop(row.value);
    }
  }
}

MemoryTable::Place MemoryTable::find(ByteView key) const {
  const auto page = std::partition_point(pages_.begin(), pages_.end(), [&](const Page& p) {
    return ByteView(p.back().key->bytes) < key;
  });
  if (page == pages_.end()) return end();
  const auto row = std::partition_point(page->begin(), page->end(),
                                        [&](const Row& r) { return ByteView(r.key->bytes) < key; });
  return {static_cast<std::size_t>(page - pages_.begin()),
          static_cast<std::size_t>(row - page->begin())};
}

bool MemoryTable::is_at(const Place& place, ByteView key) const {
  return place.page < pages_.size() && pages_[place.page][place.row].key->bytes == key;
}

std::optional<ByteView> MemoryTable::get(ByteView key) const {
  const Place place = find(key);
  if (!is_at(place, key)) return std::nullopt;
  return pages_[place.page][place.row].value->bytes;
}

void MemoryTable::put(ByteView key, ByteView value) {
  Place place = find(key);
  if (is_at(place, key)) {
    auto& held = pages_[place.page][place.row].value;
    pool_->drop(std::exchange(held, pool_->hold(value)));
    return;
  }
  ++size_;
  const Row row{pool_->hold(key), pool_->hold(value)};
  // Behind the last row of a page, and before the first of the next: keys that rise fill pages up.
  if (place.row == 0 && place.page > 0 && pages_[place.page - 1].size() < page_rows) {
    pages_[place.page - 1].push_back(row);
    return;
  }
  if (place.page == pages_.size() || (place.row == 0 && pages_[place.page].size() == page_rows)) {
    pages_.emplace(pages_.begin() + static_cast<std::ptrdiff_t>(place.page), Page{row});
    return;
  }
  if (pages_[place.page].size() == page_rows) {
    split(place.page);
    if (place.row > pages_[place.page].size()) {
      place.row -= pages_[place.page].size();
      ++place.page;
    }
  }
  Page& page = pages_[place.page];
  page.insert(page.begin() + static_cast<std::ptrdiff_t>(place.row), row);
}

void MemoryTable::split(std::size_t at) {
  Page& page = pages_[at];
  const auto middle = page.begin() + static_cast<std::ptrdiff_t>(page.size() / 2);
  Page upper(middle, page.end());
  page.erase(middle, page.end());
  page.shrink_to_fit();
  pages_.insert(pages_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(upper));
}

void MemoryTable::erase(ByteView key) {
  const Place place = find(key);
  if (!is_at(place, key)) return;
  Page& page = pages_[place.page];
  pool_->drop(page[place.row].key);
  pool_->drop(page[place.row].value);
  page.erase(page.begin() + static_cast<std::ptrdiff_t>(place.row));
  if (page.empty()) pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(place.page));
  --size_;
}

void MemoryTable::scan(ByteView from, ByteView to, const Visit& visit) const {
  if (!to.empty() && to <= from) return;
  Place at = find(from);
  const Place last = to.empty() ? end() : find(to);
  for (; at < last; ++at.page, at.row = 0) {
    const Page& page = pages_[at.page];
    const std::size_t rows = at.page == last.page ? last.row : page.size();
    for (; at.row < rows; ++at.row) {
      const Row& row = page[at.row];
      if (!visit(row.key->bytes, row.value->bytes)) return;
    }
    if (at.page == last.page) return;
  }
}

void MemoryTable::scan_back(ByteView from, ByteView to, const Visit& visit) const {
  if (!to.empty() && to <= from) return;
  const Place first = find(from);
  Place at = to.empty() ? end() : find(to);
  while (first < at) {
    if (at.row == 0) {
      --at.page;
      at.row = pages_[at.page].size();
    }
    --at.row;
    const Row& row = pages_[at.page][at.row];
    if (!visit(row.key->bytes, row.value->bytes)) return;
  }
}

}  // namespace crossfloor
