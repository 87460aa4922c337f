// The lives of a node within one process.
//
// After a commit that failed nobody knows what the disk holds, so that store is never asked for
// another: the node ends and begins anew on a fresh opening, under a new generation, as after a
// crash but at once. A disk without room would fail again: there the next life only reads, shows
// what it has and says why, until there is room. A disk that fails time and again is left to
// whoever watches the process.
#pragma once

#include "node/runtime/reopenings.h"
#include "node/shell/node_process.h"

namespace crossfloor {

class NodeLives {
 public:
  static constexpr int failed = 1;
  static constexpr int wrong_input = 2;
  // Tells people what keeps the node from living; returns `code`.
  using Complain = std::function<int(const std::vector<Error>&, int code)>;

  // `crypto` outlives this.
  NodeLives(Config config, const Crypto& crypto, Complain complain)
      : config_(std::move(config)), crypto_(crypto), complain_(std::move(complain)) {}

  // Until the process shall end; returns its exit code.
  int run();

 private:
  // One life, from the opening of the store on. Returns the exit code if it was the last one.
  std::optional<int> live();
  std::optional<int> after(const NodeProcess::End& end);
  std::optional<int> cannot_live(std::vector<Error> why, int code);
  void read_until_there_is_room(const Error& why);

  Config config_;
  const Crypto& crypto_;
  Complain complain_;
  Reopenings reopenings_;
  std::optional<NodeProcess::Reading> reading_;
};

}  // namespace crossfloor
