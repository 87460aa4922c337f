// Bytes that many tables hold, kept once, for as long as one of them does. A piece is named by four
// bytes, for a table's row is nothing but two such names, and a long run has tens of millions.
//
// Pieces stand in chunks of a megabyte: a name is a chunk and a place in it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "protocol/bytes.h"

namespace crossfloor {

// One thread at a time.
class PiecePool {
 public:
  using Piece = std::uint32_t;

  PiecePool() : slots_(64) {}
  PiecePool(const PiecePool&) = delete;
  PiecePool& operator=(const PiecePool&) = delete;

  Piece hold(ByteView bytes);
  void hold(Piece piece) { ++head(piece).holders; }
  void drop(Piece piece);
  ByteView bytes(Piece piece) const {
    const char* at = place(piece);
    return {at + sizeof(Head), reinterpret_cast<const Head*>(at)->size};
  }
  std::size_t size() const { return used_; }

 private:
  struct Head {
    std::uint32_t hash = 0;
    std::uint32_t holders = 0;
    std::uint32_t size = 0;
  };
  static constexpr std::size_t unit = 8;
  static constexpr std::uint32_t place_bits = 17;  // of a name: which unit of its chunk
  static constexpr std::uint32_t chunk_units = 1U << place_bits;
  static constexpr std::uint32_t exact_units = 64;  // up to here each size has its own free list
  static constexpr std::uint32_t most_units = 1U << 14;  // larger ones have a chunk to themselves
  static constexpr std::size_t lists = exact_units + 8 * 8 + 1;

  char* place(Piece piece) const {
    return chunks_[piece >> place_bits].get() + (piece & (chunk_units - 1)) * unit;
  }
  Head& head(Piece piece) const { return *reinterpret_cast<Head*>(place(piece)); }

  // How much room is taken for so many units, and the list where it waits when it is free.
  struct Room {
    std::uint32_t units;
    std::size_t list;
  };
  static Room room_for(std::size_t size);
  Piece take(const Room& room);
  void give_back(Piece piece, const Room& room);
  std::uint32_t new_chunk(std::uint32_t units);

  std::size_t slot_of(std::uint32_t hash, ByteView bytes) const;
  void grow();

  std::vector<std::unique_ptr<char[]>> chunks_;
  std::vector<std::uint32_t> vacant_;  // chunks that were one piece's
  std::array<std::vector<Piece>, lists> free_;
  std::uint32_t filling_ = 0;  // chunk
  std::uint32_t filled_ = 0;   // units of it
  std::uint32_t filling_size_ = 0;
  // Open addressing with linear probing; a power of two, at most three quarters full. 0: free.
  std::vector<Piece> slots_;
  std::size_t used_ = 0;
};

}  // namespace crossfloor
