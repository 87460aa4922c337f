#include "tools/simulator/malice.h"

#include "protocol/range_codec.h"

namespace crossfloor::simulator {
namespace {

constexpr std::size_t remembered = 400;  // frames
constexpr std::size_t flood_frames = 2'000;

}  // namespace

Malice::Malice(Stage& stage, Links& links, std::uint64_t seed)
    : stage_(stage), links_(links), dice_(seed, "malice") {}

bool Malice::active() const {
  const MaliceOptions& malice = stage_.options.malice;
  return malice.garbage_every + malice.flips_every + malice.replays_every + malice.floods_every >
             Duration{0} ||
         malice.drop_bodies > 0;
}

void Malice::often(Duration every, std::function<void()> what) {
  if (every == Duration{0} || stage_.nodes.size() < 2) return;
  stage_.timeline.after(dice_.exponential(every), [this, every, what = std::move(what)]() mutable {
    if (stage_.healing) return;
    what();
    often(every, std::move(what));
  });
}

void Malice::begin() {
  const MaliceOptions& malice = stage_.options.malice;
  often(malice.garbage_every, [this] { garbage(); });
  often(malice.flips_every, [this] { flipped(); });
  often(malice.replays_every, [this] { replay(); });
  often(malice.floods_every, [this] { flood(); });
}

void Malice::overhears(std::size_t to, LinkKind lane, const Bytes& frame) {
  if (to != villain()) return;
  heard_.push_back({lane, frame});
  if (heard_.size() > remembered) heard_.pop_front();
}

// A relay that leaves a body out, as if it had been erased.
void Malice::spoil(PeerMessage& message) {
  if (stage_.healing || !dice_.chance(stage_.options.malice.drop_bodies)) return;
  auto* frame = std::get_if<ReplicationFrame>(&message);
  auto* range = frame == nullptr ? nullptr : std::get_if<RangeIs>(&frame->message);
  if (range == nullptr || range->node == stage_.nodes[villain()].id) return;
  auto unpacked = unpack_range(*range);
  if (!unpacked.ok() || unpacked.value().entries.empty()) return;
  auto& entries = unpacked.value().entries;
  Entry& entry = entries[dice_.below(entries.size())];
  if (entry.erased_body_hash) return;
  entry.erased_body_hash = SodiumCrypto().hash(entry.body, {}, {});
  entry.body.clear();
  range->entries = pack_range(unpacked.value()).entries;
  stage_.strikes("malice: a body left out");
}

std::optional<std::size_t> Malice::victim() {
  if (!stage_.nodes[villain()].up) return std::nullopt;
  return dice_.below(stage_.nodes.size() - 1);
}

void Malice::throw_at(std::size_t victim, LinkKind lane, Bytes frame) {
  const auto bytes = std::make_shared<const Bytes>(std::move(frame));
  links_.send(villain(), victim, lane, bytes->size(), [this, victim, lane, bytes] {
    stage_.nodes.reach(victim, [this, lane, bytes](Node& node) {
      auto message = decode_peer_message(*bytes);
      if (!message.ok()) {
        ++stage_.facts.frames_not_understood;
        return;
      }
      node.core->receive(stage_.nodes[villain()].id, lane, message.value(), node.now(stage_.now()));
    });
  });
}

void Malice::garbage() {
  const auto whom = victim();
  if (!whom) return;
  stage_.strikes("malice: garbage");
  Bytes bytes(1 + dice_.below(2'000), '\0');
  dice_.source().fill(bytes.data(), bytes.size());
  throw_at(*whom, LinkKind::live, std::move(bytes));
}

// Of overheard ranges: somebody else's entries, signed by them, altered on the way.
void Malice::flipped() {
  const auto whom = victim();
  if (!whom) return;
  for (auto at = heard_.rbegin(); at != heard_.rend(); ++at) {
    auto message = decode_peer_message(at->bytes);
    if (!message.ok()) continue;
    auto* frame = std::get_if<ReplicationFrame>(&message.value());
    auto* range = frame == nullptr ? nullptr : std::get_if<RangeIs>(&frame->message);
    if (range == nullptr || range->entries.empty() || dice_.chance(0.3)) continue;
    stage_.strikes("malice: flipped bits");
    auto& part = dice_.chance(0.7) ? range->entries : range->seal;
    if (part.empty()) return;
    auto& byte = part[dice_.below(part.size())];
    byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << dice_.below(8)));
    if (dice_.chance(0.3)) range->first += 1 + dice_.below(3);
    throw_at(*whom, at->lane, encode(message.value()));
    return;
  }
}

void Malice::replay() {
  const auto whom = victim();
  if (!whom || heard_.empty()) return;
  stage_.strikes("malice: a replay");
  const Frame& frame = heard_[dice_.below(heard_.size())];
  throw_at(*whom, frame.lane, frame.bytes);
}

void Malice::flood() {
  const auto whom = victim();
  if (!whom || heard_.empty()) return;
  stage_.strikes("malice: a flood");
  for (std::size_t i = 0; i < flood_frames; ++i) {
    const Frame frame = heard_[dice_.below(heard_.size())];
    stage_.timeline.after(dice_.between(Duration{0}, Duration{1'000}),
                          [this, whom, frame] { throw_at(*whom, frame.lane, frame.bytes); });
  }
}

}  // namespace crossfloor::simulator
