// Where questions of `crossfloor verify` come in: from an operator for this node or another, from
// another node for an operator there. They are answered from the store by a reader's thread
// (ReadVerify), so that no check, however long, holds up the loop.
#pragma once

#include "node/core/home.h"
#include "node/core/mesh.h"
#include "node/core/outlet.h"
#include "node/core/scribe.h"

namespace crossfloor {

class VerifyPort {
 public:
  struct Options {
    Duration answer_within{8'000};  // of another node; then the operator is told so
    std::size_t max_under_way = 64;
  };
  // What is referred to outlives this.
  VerifyPort(const Scribe& scribe, const NodeSettings& settings, const Mesh& mesh,
             const Roster& roster, const Home& home, Outlet& outlet, Options options);

  static bool asks(std::string_view what) { return what.substr(0, 7) == "verify."; }
  // Whether an InspectAnswer of this number is one of ours.
  static bool numbers(std::uint64_t number) { return (number & own_numbers) != 0; }

  // An operator's question (VerifyEnvelope), answered by AnswerInspection.
  void ask(RequestId request, const std::string& what, const std::string& arguments, Now now);
  void receive(const NodeId& from, const InspectQuestion& question, Now now);
  void receive(const NodeId& from, const InspectAnswer& answer);
  // The answer to a ReadVerify effect.
  void read(std::uint64_t ticket, const std::string& json);
  void tick(Now now);
  std::optional<Instant> deadline() const;

 private:
  static constexpr std::uint64_t own_numbers = std::uint64_t{1} << 63;
  struct Asker {  // of a question that is being read here
    RequestId request = 0;
    NodeId node;  // zero: an operator here
    std::uint64_t number = 0;
  };
  struct Passed {  // on to another node
    RequestId request = 0;
    NodeId node;
    Instant until{};
  };

  void read_here(const Asker& asker, const std::string& what, const std::string& ask, Now now);
  void answer(const Asker& asker, std::string json);
  std::string members(Now now) const;
  std::string unreachable(const NodeId& node, std::string what, Now now) const;
  std::int64_t gone_ms(const NodeId& node, Now now) const;

  const Scribe& scribe_;
  const NodeSettings& settings_;
  const Mesh& mesh_;
  const Roster& roster_;
  const Home& home_;
  Outlet& outlet_;
  Options options_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Asker> reading_;
  std::map<std::uint64_t, Passed> passed_;
};

}  // namespace crossfloor
