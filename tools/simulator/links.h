// Links over the paths, as the runtime keeps them (node/runtime/links.h): each node dials each peer
// and says on that link what it has to say. A link on which nothing comes through for 3 s is given
// up and dialled anew; what was under way on it is lost without a word.
#pragma once

#include <memory>
#include <vector>

#include "tools/simulator/paths.h"

namespace crossfloor::simulator {

class Links {
 public:
  struct Handler {
    std::function<void(std::size_t from, std::size_t to)> up;
    // `reset`: the peer's host said that nobody listens there.
    std::function<void(std::size_t from, std::size_t to, bool reset)> down;
  };

  Links(Timeline& timeline, Paths& paths, std::size_t nodes, bool wan, std::uint64_t seed,
        Handler handler);

  // A frame that the node says; `arrive` happens at the peer, if it does.
  void send(std::size_t from, std::size_t to, LinkKind lane, std::size_t bytes,
            Timeline::Work arrive);
  bool up(std::size_t from, std::size_t to) const { return at(from, to).up; }

  // A process began or ended. `told`: its host resets the links of others at once; else (power)
  // they find out by silence.
  void started(std::size_t node);
  void stopped(std::size_t node, bool told);
  // The node itself wants a fresh link to this peer.
  void redial(std::size_t from, std::size_t to);

  // One direction between two nodes loses everything, or no longer.
  void block(std::size_t from, std::size_t to);
  void unblock(std::size_t from, std::size_t to) { paths_.unblock(from, to); }

 private:
  struct Link {
    bool up = false;
    bool dialling = false;
    std::uint64_t made = 0;  // rises when it breaks: what was under way is gone
  };

  Link& at(std::size_t from, std::size_t to) { return links_[from * nodes_ + to]; }
  const Link& at(std::size_t from, std::size_t to) const { return links_[from * nodes_ + to]; }
  void dial(std::size_t from, std::size_t to, Duration after);
  void give_up(std::size_t from, std::size_t to, bool reset);
  bool passable(std::size_t a, std::size_t b) const {
    return running_[a] && running_[b] && !paths_.blocked(a, b) && !paths_.blocked(b, a);
  }

  Timeline& timeline_;
  Paths& paths_;
  std::size_t nodes_;
  Duration silence_;
  Dice dice_;
  Handler handler_;
  std::vector<Link> links_;
  std::vector<bool> running_;
  std::vector<std::uint64_t> lives_;
};

}  // namespace crossfloor::simulator
