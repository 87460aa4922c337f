// A sorted table of keys and values in memory, made for many tables that hold nearly the same: each
// distinct piece of bytes is kept once in a pool that they share, and a table is two pointers a
// row.
//
// Thirty nodes of a simulated day hold the same million rows; as maps of strings of their own they
// would need some gigabytes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "protocol/bytes.h"

namespace crossfloor {

// Bytes that are kept once, for as long as a table holds them. One thread at a time.
class PiecePool {
 public:
  struct Piece {
    std::uint64_t hash = 0;
    std::uint32_t holders = 0;
    Bytes bytes;
  };

  PiecePool() : slots_(64) {}
  PiecePool(const PiecePool&) = delete;
  PiecePool& operator=(const PiecePool&) = delete;

  Piece* hold(ByteView bytes);
  static void hold(Piece* piece) { ++piece->holders; }
  void drop(Piece* piece);
  std::size_t size() const { return used_; }

 private:
  std::size_t slot_of(std::uint64_t hash, ByteView bytes) const;
  void grow();

  // Open addressing with linear probing; a power of two, at most three quarters full.
  std::vector<std::unique_ptr<Piece>> slots_;
  std::size_t used_ = 0;
};

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
    PiecePool::Piece* key;
    PiecePool::Piece* value;
  };
  // Never empty.
  using Page = std::vector<Row>;
  struct Place {
    std::size_t page;
    std::size_t row;
    auto operator<=>(const Place&) const = default;
  };

  // Of the first row whose key is not less; behind the last one if there is none.
  Place find(ByteView key) const;
  Place end() const { return {pages_.size(), 0}; }
  bool is_at(const Place& place, ByteView key) const;
  void split(std::size_t page);

  std::shared_ptr<PiecePool> pool_;
  std::vector<Page> pages_;
  std::size_t size_ = 0;
};

}  // namespace crossfloor
