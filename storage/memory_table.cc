#include "storage/memory_table.h"

#include <algorithm>
#include <utility>

#include "storage/log_keys.h"

namespace crossfloor {
namespace {

constexpr std::size_t page_rows = 256;
constexpr std::size_t page_grows_by = 32;

ByteView beginning(ByteView key) {
  return key.substr(0, keys::local_part(key));
}

}  // namespace

MemoryTable::MemoryTable(const MemoryTable& other, std::shared_ptr<PiecePool> pool)
    : pool_(std::move(pool)), shelves_(other.shelves_), size_(other.size_) {
  const bool shared = pool_ == other.pool_;
  for (auto& [beginning, pages] : shelves_) {
    for (auto& page : pages) {
      for (Row& row : page) {
        if (shared) {
          pool_->hold(row.key);
          pool_->hold(row.value);
        } else {
          row = {pool_->hold(other.pool_->bytes(row.key)),
                 pool_->hold(other.pool_->bytes(row.value))};
        }
      }
    }
  }
}

MemoryTable::~MemoryTable() {
  for (const auto& [beginning, pages] : shelves_) {
    for (const auto& page : pages) {
      for (const Row& row : page) {
        pool_->drop(row.key);
        pool_->drop(row.value);
      }
    }
  }
}

MemoryTable::Place MemoryTable::find(const Pages& pages, ByteView key) const {
  // Mostly it comes behind all others.
  if (!pages.empty() && pool_->bytes(pages.back().back().key) < key) return end(pages);
  const auto page = std::partition_point(
      pages.begin(), pages.end(), [&](const Page& p) { return pool_->bytes(p.back().key) < key; });
  if (page == pages.end()) return end(pages);
  const auto row = std::partition_point(page->begin(), page->end(),
                                        [&](const Row& r) { return pool_->bytes(r.key) < key; });
  return {static_cast<std::size_t>(page - pages.begin()),
          static_cast<std::size_t>(row - page->begin())};
}

bool MemoryTable::is_at(const Pages& pages, const Place& place, ByteView key) const {
  return place.page < pages.size() && pool_->bytes(pages[place.page][place.row].key) == key;
}

std::optional<ByteView> MemoryTable::get(ByteView key) const {
  const ByteView begins = beginning(key);
  const auto shelf = shelves_.find(begins);
  if (shelf == shelves_.end()) return std::nullopt;
  key.remove_prefix(begins.size());
  const Place place = find(shelf->second, key);
  if (!is_at(shelf->second, place, key)) return std::nullopt;
  return pool_->bytes(shelf->second[place.page][place.row].value);
}

void MemoryTable::put(ByteView key, ByteView value) {
  const ByteView begins = beginning(key);
  auto shelf = shelves_.find(begins);
  if (shelf == shelves_.end()) shelf = shelves_.emplace(Bytes(begins), Pages()).first;
  Pages& pages = shelf->second;
  key.remove_prefix(begins.size());
  const Place place = find(pages, key);
  if (is_at(pages, place, key)) {
    auto& held = pages[place.page][place.row].value;
    pool_->drop(std::exchange(held, pool_->hold(value)));
    return;
  }
  ++size_;
  insert(pages, place, {pool_->hold(key), pool_->hold(value)});
}

void MemoryTable::insert(Pages& pages, Place place, Row row) {
  // Behind the last row of a page, and before the first of the next: keys that rise fill pages up.
  if (place.row == 0 && place.page > 0 && pages[place.page - 1].size() < page_rows) {
    return add(pages[place.page - 1], pages[place.page - 1].size(), row);
  }
  if (place.page == pages.size() || (place.row == 0 && pages[place.page].size() == page_rows)) {
    pages.emplace(pages.begin() + static_cast<std::ptrdiff_t>(place.page), Page{row});
    return;
  }
  if (pages[place.page].size() == page_rows) {
    split(pages, place.page);
    if (place.row > pages[place.page].size()) {
      place.row -= pages[place.page].size();
      ++place.page;
    }
  }
  add(pages[place.page], place.row, row);
}

void MemoryTable::add(Page& page, std::size_t at, Row row) {
  if (page.size() == page.capacity() && page.size() >= page_grows_by) {
    page.reserve(page.size() + page_grows_by);
  }
  page.insert(page.begin() + static_cast<std::ptrdiff_t>(at), row);
}

void MemoryTable::split(Pages& pages, std::size_t at) {
  Page& page = pages[at];
  const auto middle = page.begin() + static_cast<std::ptrdiff_t>(page.size() / 2);
  Page upper(middle, page.end());
  page.erase(middle, page.end());
  page.shrink_to_fit();
  pages.insert(pages.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(upper));
}

void MemoryTable::erase(ByteView key) {
  const ByteView begins = beginning(key);
  const auto shelf = shelves_.find(begins);
  if (shelf == shelves_.end()) return;
  Pages& pages = shelf->second;
  key.remove_prefix(begins.size());
  const Place place = find(pages, key);
  if (!is_at(pages, place, key)) return;
  Page& page = pages[place.page];
  pool_->drop(page[place.row].key);
  pool_->drop(page[place.row].value);
  page.erase(page.begin() + static_cast<std::ptrdiff_t>(place.row));
  if (page.empty()) pages.erase(pages.begin() + static_cast<std::ptrdiff_t>(place.page));
  if (pages.empty()) shelves_.erase(shelf);
  --size_;
}

// Shelves stand in the order of their keys: no beginning is the beginning of another, but where a
// key is shorter than a beginning, and then it is alone on its shelf and comes first.
std::vector<MemoryTable::Stretch> MemoryTable::stretches(ByteView from, ByteView to) const {
  std::vector<Stretch> all;
  if (!to.empty() && to <= from) return all;
  const ByteView first = beginning(from);
  const ByteView last = beginning(to);
  for (auto shelf = shelves_.lower_bound(first); shelf != shelves_.end(); ++shelf) {
    const auto& [begins, pages] = *shelf;
    if (!to.empty() && begins > last) break;
    Stretch one{shelf, {0, 0}, end(pages)};
    if (begins == first) one.first = find(pages, from.substr(first.size()));
    if (!to.empty() && begins == last) one.last = find(pages, to.substr(last.size()));
    if (one.first < one.last) all.push_back(one);
  }
  return all;
}

void MemoryTable::scan(ByteView from, ByteView to, const Visit& visit) const {
  for (const auto& [shelf, first, last] : stretches(from, to)) {
    const auto& [begins, pages] = *shelf;
    Bytes key = begins;
    for (Place at = first; at < last; ++at.page, at.row = 0) {
      const Page& page = pages[at.page];
      const std::size_t rows = at.page == last.page ? last.row : page.size();
      for (; at.row < rows; ++at.row) {
        key.resize(begins.size());
        key.append(pool_->bytes(page[at.row].key));
        if (!visit(key, pool_->bytes(page[at.row].value))) return;
      }
      if (at.page == last.page) break;
    }
  }
}

void MemoryTable::scan_back(ByteView from, ByteView to, const Visit& visit) const {
  const auto all = stretches(from, to);
  for (auto stretch = all.rbegin(); stretch != all.rend(); ++stretch) {
    const auto& [begins, pages] = *stretch->shelf;
    Bytes key = begins;
    for (Place at = stretch->last; stretch->first < at;) {
      if (at.row == 0) {
        --at.page;
        at.row = pages[at.page].size();
      }
      --at.row;
      const Row& row = pages[at.page][at.row];
      key.resize(begins.size());
      key.append(pool_->bytes(row.key));
      if (!visit(key, pool_->bytes(row.value))) return;
    }
  }
}

}  // namespace crossfloor
