// Bad luck with machines and wires: when it strikes, whom, and for how long. All of it ends when
// the world heals.
#pragma once

#include "tools/simulator/links.h"
#include "tools/simulator/stage.h"

namespace crossfloor::simulator {

class Misfortune {
 public:
  struct Owner {
    std::function<void(std::size_t node)> start;
    std::function<void(std::size_t node)> copy;  // while it runs
  };
  Misfortune(Stage& stage, Links& links, Paths& paths, std::uint64_t seed, Owner owner);

  void begin();
  // Ends all that is under way; who is down comes up within a second.
  void heal();
  // A process that ended by itself is started again by its service manager.
  void restart_soon(std::size_t node);
  void crash(std::size_t node, bool power, Duration down);

 private:
  void often(Duration every, std::function<void()> what);
  // Blocks these directions, and unblocks them after `length` or when the world heals.
  void block(std::vector<std::pair<std::size_t, std::size_t>> directions, Duration length);
  void cut();
  void partition();
  void one_way();
  void flap();
  void clog();
  void slow_disk();
  void pause();
  void stop_cleanly();
  void lose_disk();
  void restore_backup();
  void fail_write();
  void fail_read();
  void fill_disk();
  void room(std::size_t node);
  void jump();
  void flip_byte();
  bool verify_finds(const Node& node, const Stream& stream) const;
  struct Damage {
    std::size_t node = 0;
    Bytes key;
    Bytes value;  // as it was
  };
  void mend_disk(const Damage& damage, Instant until);
  void clone();
  void turn_address();
  void reset_links_to(std::size_t node);
  std::size_t any() { return dice_.below(stage_.nodes.size()); }
  std::optional<std::pair<std::size_t, std::size_t>> any_two();
  Duration up_to(Duration most) { return dice_.between(Duration{500}, most); }
  // Whether the loss of this disk now would not be the second one that nobody could make good.
  bool all_have_all() const;
  // All others have what is on this disk.
  bool others_have_all_of(const Node& node) const;

  struct Block {
    std::vector<std::pair<std::size_t, std::size_t>> directions;
    bool active = true;
  };

  Stage& stage_;
  Links& links_;
  Paths& paths_;
  Dice dice_;
  Owner owner_;
  std::vector<std::shared_ptr<Block>> blocks_;
};

}  // namespace crossfloor::simulator
