// One question, put to all nodes, answered once.
//
// The asked node's own answer is there at once; the others' are collected until all have come or
// the time is over. Who did not answer is named, with since when it cannot be reached; nobody's
// silence makes an answer look whole.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/core/effects.h"
#include "node/core/inspect.h"

namespace crossfloor {

class InspectFanout {
 public:
  struct Options {
    Duration answer_within{2'000};
    std::size_t max_running = 64;
    std::size_t max_bytes = 1024 * 1024;  // of one node's answer; more is cut and said to be
  };
  struct Peer {
    NodeId node;
    std::string site;
    bool reachable = false;
    std::optional<std::int64_t> gone_ms;  // how long it could not be reached
  };
  explicit InspectFanout(Options options) : options_(options) {}

  // Returns the number that questions to the reachable peers carry; 0 if too much runs already
  // (the answer says so). With nobody to wait for it is answered at once.
  std::uint64_t begin(RequestId request, const Inspector::Question& question,
                      const std::string& arguments, Result<Inspector::Json> own,
                      const std::vector<Peer>& peers, Now now);
  // An act that was passed on to one node: its answer as it is, or that it did not answer.
  std::uint64_t forward(RequestId request, const Peer& peer, Now now);

  // Who is to be sent the question with this number.
  std::vector<NodeId> awaited(std::uint64_t number) const;

  void receive(const NodeId& from, const InspectAnswer& answer, Now now);
  void tick(Now now);
  std::optional<Instant> deadline() const;

  struct Done {
    RequestId request = 0;
    std::string json;
  };
  std::vector<Done> take_done() { return std::exchange(done_, {}); }

 private:
  struct Running {
    RequestId request = 0;
    const Inspector::Question* question = nullptr;  // null: an act that was passed on
    std::string arguments;
    std::string own;  // JSON; an error object if this node could not answer
    std::vector<Peer> peers;
    std::set<NodeId> awaited;
    std::map<NodeId, std::string> answers;
    std::map<NodeId, std::int64_t> took_ms;
    Instant since;
  };
  void finish(std::uint64_t number, Now now);
  std::string joined(const Running& running, Now now) const;

  Options options_;
  std::map<std::uint64_t, Running> running_;
  std::uint64_t next_ = 1;
  std::vector<Done> done_;
};

// {"error": {code, what, where, mend}}: how an answer says that there is none.
std::string error_json(const Error& error);
std::optional<Error> error_of(const Inspector::Json& answer);
// As text, with rows left out until it fits; `left_out` says how many.
std::string fitted(Inspector::Json answer, std::size_t max_bytes);

}  // namespace crossfloor
