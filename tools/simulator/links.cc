#include "tools/simulator/links.h"

namespace crossfloor::simulator {
namespace {

constexpr Duration redial_every{1'000};

}  // namespace

Links::Links(Timeline& timeline, Paths& paths, std::size_t nodes, bool wan, std::uint64_t seed,
             Handler handler)
    : timeline_(timeline),
      paths_(paths),
      nodes_(nodes),
      silence_(wan ? Duration{5'000} : Duration{3'000}),
      dice_(seed, "links"),
      handler_(std::move(handler)),
      links_(nodes * nodes),
      running_(nodes),
      lives_(nodes) {}

void Links::send(std::size_t from, std::size_t to, LinkKind lane, std::size_t bytes,
                 Timeline::Work arrive) {
  const Link& link = at(from, to);
  if (!link.up) return;
  auto over_this_link = [this, from, to, made = link.made, arrive = std::move(arrive)] {
    if (at(from, to).made == made) arrive();
  };
  if (lane == LinkKind::pulse) {
    paths_.send_loose(from, to, bytes, std::move(over_this_link));
  } else {
    paths_.send_ordered(from, to, lane, bytes, std::move(over_this_link));
  }
}

void Links::dial(std::size_t from, std::size_t to, Duration after) {
  if (at(from, to).dialling) return;
  at(from, to).dialling = true;
  timeline_.after(after, [this, from, to, life = lives_[from]] {
    if (lives_[from] != life) return;
    if (!passable(from, to)) {
      at(from, to).dialling = false;
      return dial(from, to, redial_every + dice_.between(Duration{0}, Duration{200}));
    }
    // TCP's and CURVE's handshakes: two round trips.
    const Duration takes = (paths_.delay(from, to) + paths_.delay(to, from)) * 2;
    timeline_.after(takes, [this, from, to, life] {
      if (lives_[from] != life) return;
      Link& link = at(from, to);
      link.dialling = false;
      if (!passable(from, to)) return dial(from, to, redial_every);
      link.up = true;
      handler_.up(from, to);
    });
  });
}

void Links::give_up(std::size_t from, std::size_t to, bool reset) {
  Link& link = at(from, to);
  ++link.made;
  paths_.drop_held(from, to);
  if (!link.up) return;
  link.up = false;
  handler_.down(from, to, reset);
  dial(from, to, redial_every + dice_.between(Duration{0}, Duration{200}));
}

void Links::started(std::size_t node) {
  running_[node] = true;
  ++lives_[node];
  for (std::size_t other = 0; other < nodes_; ++other) {
    if (other == node) continue;
    // Who still believes in a link to the process before learns better by a reset.
    if (at(other, node).up) give_up(other, node, true);
    at(node, other).dialling = false;
    dial(node, other, dice_.between(Duration{20}, Duration{200}));
  }
}

void Links::stopped(std::size_t node, bool told) {
  running_[node] = false;
  ++lives_[node];
  for (std::size_t other = 0; other < nodes_; ++other) {
    if (other == node) continue;
    Link& own = at(node, other);
    own.up = false;
    own.dialling = false;
    ++own.made;
    paths_.drop_held(node, other);
    const Duration noticed =
        told && !paths_.blocked(node, other) ? paths_.delay(node, other) : silence_;
    timeline_.after(noticed, [this, other, node, told, made = at(other, node).made] {
      if (running_[other] && at(other, node).up && at(other, node).made == made) {
        give_up(other, node, told);
      }
    });
  }
}

void Links::redial(std::size_t from, std::size_t to) {
  if (!at(from, to).up) return;
  give_up(from, to, false);
}

void Links::block(std::size_t from, std::size_t to) {
  paths_.block(from, to);
  const auto blocks = paths_.blocks(from, to);
  timeline_.after(silence_, [this, from, to, blocks] {
    if (!paths_.blocked(from, to) || paths_.blocks(from, to) != blocks) return;
    // Without acknowledgements the other direction's link does not live either.
    if (running_[from]) give_up(from, to, false);
    if (running_[to]) give_up(to, from, false);
  });
}

}  // namespace crossfloor::simulator
