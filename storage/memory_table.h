// A sorted table of keys and values in memory, made for many tables that hold nearly the same: each
// distinct piece of bytes is kept once in a pool that they share, and a table is eight bytes a row.
//
// Thirty nodes of a simulated day hold the same million rows; as maps of strings of their own they
// would need some gigabytes. Keys of the log begin with a number that each store gives for itself
// (storage/log_keys.h): what stands behind it is shared all the same, for a table keeps such
// beginnings once, each with a shelf of its own.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "storage/piece_pool.h"

namespace crossfloor {

class MemoryTable {
 public:
  using Visit = std::function<bool(ByteView key, ByteView value)>;

  explicit MemoryTable(std::shared_ptr<PiecePool> pool) : pool_(std::move(pool)) {}
  MemoryTable(const MemoryTable& other, std::shared_ptr<PiecePool> pool);
  MemoryTable(const MemoryTable&) = delete;
  MemoryTable& operator=(const MemoryTable&) = delete;
  ~MemoryTable();

  std::optional<ByteView> get(ByteView key) const;
  void put(ByteView key, ByteView value);
  void erase(ByteView key);
  // Keys from `from` up to, not including, `to`; an empty `to` is the end.
  void scan(ByteView from, ByteView to, const Visit& visit) const;
  void scan_back(ByteView from, ByteView to, const Visit& visit) const;
  std::size_t size() const { return size_; }

 private:
  struct Row {
    PiecePool::Piece key;  // behind the beginning of its shelf
    PiecePool::Piece value;
  };
  // Never empty.
  using Page = std::vector<Row>;
  using Pages = std::vector<Page>;
  using Shelves = std::map<Bytes, Pages, std::less<>>;  // by how their keys begin; none is empty
  struct Place {
    std::size_t page;
    std::size_t row;
    auto operator<=>(const Place&) const = default;
  };
  // Rows of one shelf, from `first` up to, not including, `last`.
  struct Stretch {
    Shelves::const_iterator shelf;
    Place first;
    Place last;
  };

  // Of the first row whose key is not less; behind the last one if there is none.
  Place find(const Pages& pages, ByteView key) const;
  static Place end(const Pages& pages) { return {pages.size(), 0}; }
  bool is_at(const Pages& pages, const Place& place, ByteView key) const;
  void insert(Pages& pages, Place place, Row row);
  static void add(Page& page, std::size_t at, Row row);
  static void split(Pages& pages, std::size_t at);
  std::vector<Stretch> stretches(ByteView from, ByteView to) const;

  std::shared_ptr<PiecePool> pool_;
  Shelves shelves_;
  std::size_t size_ = 0;
};

}  // namespace crossfloor
