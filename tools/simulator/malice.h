// A member with a valid certificate that does not play fair. It is an ordinary node whose links
// also carry what it should not say: garbage, overheard ranges with flipped bits, replays, floods,
// wild terms and times; and of the ranges that it passes on it leaves bodies out.
#pragma once

#include <deque>

#include "tools/simulator/links.h"
#include "tools/simulator/stage.h"

namespace crossfloor::simulator {

class Malice {
 public:
  // The last node is the one.
  Malice(Stage& stage, Links& links, std::uint64_t seed);

  bool active() const;
  std::size_t villain() const { return stage_.nodes.size() - 1; }
  void begin();
  // All that is sent in the mesh, encoded; the villain overhears what is sent to it.
  void overhears(std::size_t to, LinkKind lane, const Bytes& frame);
  // Frames beside its own that reached a node since this was asked last: each may be answered.
  std::uint32_t take_thrown(std::size_t at);
  // Of what the villain itself is about to send.
  void spoil(PeerMessage& message);

 private:
  struct Frame {
    LinkKind lane;
    Bytes bytes;
  };
  void often(Duration every, std::function<void()> what);
  void throw_at(std::size_t victim, LinkKind lane, Bytes frame);
  std::optional<std::size_t> victim();
  void garbage();
  void flipped();
  void replay();
  void flood();
  void wild_word();
  void wild_entry();
  std::optional<Entry> wild_copy_of(const Entry& entry);

  Stage& stage_;
  Links& links_;
  Dice dice_;
  std::deque<Frame> heard_;
  std::map<std::size_t, std::uint32_t> thrown_;
};

}  // namespace crossfloor::simulator
