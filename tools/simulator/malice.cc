#include "tools/simulator/malice.h"

#include "protocol/bodies.h"
#include "protocol/range_codec.h"
#include "tools/simulator/wild.h"

namespace crossfloor::simulator {
namespace {

constexpr std::size_t remembered = 400;  // frames
constexpr std::size_t flood_frames = 2'000;

}  // namespace

Malice::Malice(Stage& stage, Links& links, std::uint64_t seed)
    : stage_(stage), links_(links), dice_(seed, "malice") {}

bool Malice::active() const {
  const MaliceOptions& malice = stage_.options.malice;
  return malice.garbage_every + malice.flips_every + malice.replays_every + malice.floods_every +
                 malice.wild_words_every + malice.wild_entries_every >
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
  often(malice.wild_words_every, [this] { wild_word(); });
  often(malice.wild_entries_every, [this] { wild_entry(); });
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
    stage_.nodes.reach(victim, [this, victim, lane, bytes](Node& node) {
      ++thrown_[victim];
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

std::uint32_t Malice::take_thrown(std::size_t at) {
  const auto thrown = thrown_.find(at);
  return thrown == thrown_.end() ? 0 : std::exchange(thrown->second, 0);
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

// Something that it heard, said again as its own with other numbers.
void Malice::wild_word() {
  const auto whom = victim();
  if (!whom || heard_.empty()) return;
  const Frame& frame = heard_[dice_.below(heard_.size())];
  auto message = decode_peer_message(frame.bytes);
  if (!message.ok()) return;
  Wild(dice_, 0.3).put_into(message.value());
  stage_.strikes("malice: wild numbers in a frame");
  throw_at(*whom, frame.lane, encode(message.value()));
}

std::optional<Entry> Malice::wild_copy_of(const Entry& entry) {
  auto header = EntryHeader::decode(entry.header);
  if (!header.ok() || entry.erased_body_hash) return std::nullopt;
  Wild wild(dice_, 0.5);
  Entry copy;
  const auto alter = [&]<typename Body>(Body) {
    auto body = decode_body<Body>(entry.body);
    if (!body.ok()) return;
    wild.put_into(body.value());
    copy.body = encode_body(body.value(), dice_.source());
  };
  // Not what became of a reply, nor whose an agent is: those would be lies, which a member may
  // tell.
  switch (static_cast<EntryKind>(header.value().kind)) {
    case EntryKind::message:
      alter(MessageBody{});
      break;
    case EntryKind::placed:
      alter(PlacedBody{});
      break;
    case EntryKind::course:
      alter(CourseBody{});
      break;
    case EntryKind::took_home:
      alter(TookHomeBody{});
      break;
    case EntryKind::reply:
      alter(ReplyBody{});
      break;
    case EntryKind::note:
      alter(NoteBody{});
      break;
    case EntryKind::attempt:
      alter(AttemptBody{});
      break;
    default:
      return std::nullopt;
  }
  if (copy.body.empty()) return std::nullopt;
  if (dice_.chance(0.5)) header.value().time = wild.time();
  header.value().append_to(copy.header);
  return copy;
}

// Entries that it heard, signed as its own, with other numbers: in a stream of a generation of its
// own, for the one that its node writes would fork.
void Malice::wild_entry() {
  const auto whom = victim();
  if (!whom) return;
  const Node& own = stage_.nodes[villain()];
  const Crypto& crypto = stage_.nodes.crypto();
  Range range{{{own.id, dice_.next() | 1}, own.region}, 1, {}, {}};
  Head head{0, {}};
  for (auto at = heard_.rbegin(); at != heard_.rend() && range.entries.empty(); ++at) {
    auto message = decode_peer_message(at->bytes);
    if (!message.ok() || dice_.chance(0.3)) continue;
    const auto* frame = std::get_if<ReplicationFrame>(&message.value());
    const auto* heard = frame == nullptr ? nullptr : std::get_if<RangeIs>(&frame->message);
    if (heard == nullptr || heard->region != own.region) continue;
    auto unpacked = unpack_range(*heard);
    if (!unpacked.ok()) continue;
    for (const auto& entry : unpacked.value().entries) {
      if (auto copy = wild_copy_of(entry)) range.entries.push_back(std::move(*copy));
    }
  }
  if (range.entries.empty()) return;
  head.hash = first_hash(crypto, range.stream);
  for (const auto& entry : range.entries) {
    head = {head.sequence + 1, next_hash(crypto, head.hash, entry)};
  }
  range.seal =
      make_seal(crypto, own.key, own.roster->mesh(), range.stream, head.sequence, head.hash);
  stage_.strikes("malice: wild numbers in signed entries");
  auto packed = pack_range(range);
  packed.live = true;
  throw_at(*whom, LinkKind::live, encode(PeerMessage{ReplicationFrame{std::move(packed)}}));
}

}  // namespace crossfloor::simulator
