#include "storage/piece_pool.h"

#include <algorithm>
#include <bit>
#include <new>
#include <string_view>
#include <utility>

#include "protocol/check.h"

namespace crossfloor {
namespace {

constexpr std::uint32_t first_chunk_units = 512;  // small tables stay small; then twice as much

std::uint32_t hash_of(ByteView bytes) {
  const std::uint64_t hash = std::hash<ByteView>{}(bytes);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

}  // namespace

// Eight steps to each doubling, so that little is wasted and what one piece leaves fits many.
PiecePool::Room PiecePool::room_for(std::size_t size) {
  const std::size_t units = (sizeof(Head) + size + unit - 1) / unit;
  XF_CHECK(units < (std::size_t{1} << 31));
  const auto wanted = static_cast<std::uint32_t>(units);
  if (wanted <= exact_units) return {wanted, wanted};
  if (wanted > most_units) return {wanted, 0};
  const std::uint32_t log = static_cast<std::uint32_t>(std::bit_width(wanted - 1));
  const std::uint32_t below = 1U << (log - 1);
  const std::uint32_t step = below / 8;
  const std::uint32_t steps = (wanted - below + step - 1) / step;
  return {below + steps * step, exact_units + (log - 7) * 8 + steps};
}

std::uint32_t PiecePool::new_chunk(std::uint32_t units) {
  std::unique_ptr<char[]> chunk(new char[units * unit]);
  if (vacant_.empty()) {
    XF_CHECK(chunks_.size() < (1U << (32 - place_bits)));
    chunks_.push_back(std::move(chunk));
    return static_cast<std::uint32_t>(chunks_.size() - 1);
  }
  const std::uint32_t at = vacant_.back();
  vacant_.pop_back();
  chunks_[at] = std::move(chunk);
  return at;
}

PiecePool::Piece PiecePool::take(const Room& room) {
  if (room.list == 0) {
    if (chunks_.empty()) give_back(take(room_for(0)), room_for(0));  // the name 0 is nobody's
    return new_chunk(room.units) << place_bits;
  }
  auto& free = free_[room.list];
  if (!free.empty()) {
    const Piece piece = free.back();
    free.pop_back();
    return piece;
  }
  if (filled_ + room.units > filling_size_) {
    const std::uint32_t wanted = filling_size_ == 0 ? first_chunk_units : filling_size_ * 2;
    filling_size_ = std::min(chunk_units, std::max(wanted, 2 * room.units));
    filling_ = new_chunk(filling_size_);
    filled_ = filling_ == 0 ? 1 : 0;
  }
  const Piece piece = (filling_ << place_bits) + filled_;
  filled_ += room.units;
  return piece;
}

void PiecePool::give_back(Piece piece, const Room& room) {
  if (room.list != 0) return free_[room.list].push_back(piece);
  chunks_[piece >> place_bits].reset();
  vacant_.push_back(piece >> place_bits);
}

// Where it is, or the free slot where it belongs.
std::size_t PiecePool::slot_of(std::uint32_t hash, ByteView wanted) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (slots_[at] != 0 && (head(slots_[at]).hash != hash || bytes(slots_[at]) != wanted)) {
    at = (at + 1) & mask;
  }
  return at;
}

PiecePool::Piece PiecePool::hold(ByteView wanted) {
  if ((used_ + 1) * 4 > slots_.size() * 3) grow();
  const std::uint32_t hash = hash_of(wanted);
  const std::size_t slot = slot_of(hash, wanted);
  if (slots_[slot] == 0) {
    const Piece piece = take(room_for(wanted.size()));
    char* at = place(piece);
    new (at) Head{hash, 0, static_cast<std::uint32_t>(wanted.size())};
    std::copy(wanted.begin(), wanted.end(), at + sizeof(Head));
    slots_[slot] = piece;
    ++used_;
  }
  ++head(slots_[slot]).holders;
  return slots_[slot];
}

void PiecePool::drop(Piece piece) {
  Head& dropped = head(piece);
  if (--dropped.holders > 0) return;
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = dropped.hash & mask;
  while (slots_[hole] != piece) hole = (hole + 1) & mask;
  slots_[hole] = 0;
  --used_;
  give_back(piece, room_for(dropped.size));
  // Who stands behind the hole because it was taken moves up.
  for (std::size_t at = (hole + 1) & mask; slots_[at] != 0; at = (at + 1) & mask) {
    const std::size_t wanted = head(slots_[at]).hash & mask;
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
    slots_[hole] = std::exchange(slots_[at], 0);
    hole = at;
  }
}

void PiecePool::grow() {
  const auto old = std::exchange(slots_, std::vector<Piece>(slots_.size() * 2));
  const std::size_t mask = slots_.size() - 1;
  for (const Piece piece : old) {
    if (piece == 0) continue;
    std::size_t at = head(piece).hash & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = piece;
  }
}

}  // namespace crossfloor
