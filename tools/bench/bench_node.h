// The core of a real node in this process, with an identity that a mesh's authority gave it. The
// bench is its runtime: it commits, carries messages, and looks at the clock.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "node/core/node_core.h"
#include "protocol/join.h"

namespace crossfloor::bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// One authority, and everybody it admitted. One region, "eu"; one account, "desk", of brand "acme".
class BenchMesh {
 public:
  // `age`: how long ago all of it was made.
  explicit BenchMesh(Duration age = {});

  const SodiumCrypto& crypto() const { return crypto_; }
  Random& random() { return random_; }
  const Authority& authority() const { return authority_; }

  // Certificate and mesh file of a new node. Everybody admitted later knows it.
  Admission admit_node(const SigningKey& key, const std::string& site, const std::string& address);
  const std::vector<Bytes>& certificates() const { return certificates_; }
  Duration age() const { return age_; }

 private:
  Duration age_;
  SodiumCrypto crypto_;
  SystemRandom random_;
  Authority authority_;
  std::vector<Bytes> certificates_;
};

class BenchNode {
 public:
  // `store` outlives this. Everybody who shall know each other is admitted before.
  BenchNode(BenchMesh& mesh, const SigningKey& key, const std::string& site,
            std::vector<std::string> hosts, const Store& store);

  NodeCore& core() { return *core_; }
  // The machine's clocks, so much earlier as the mesh is old and so much later as was skipped.
  Now now() const;
  void skip(Duration time);
  // Lets the five seconds go by after which a node that reaches nobody acts as home.
  void settle_alone();

 private:
  Duration age_;
  Duration skipped_{};
  Roster roster_;
  NodeSettings settings_;
  std::unique_ptr<NodeCore> core_;
};

// Message number `n`: 400 bytes of text, by one of `customers` in turn.
IncomingMessage message_number(std::uint64_t n, std::uint64_t customers);

}  // namespace crossfloor::bench
