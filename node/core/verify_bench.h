// What the stages of `crossfloor verify` share: whom to ask, what is under way, and where it is
// written what was found.
//
// A stage asks, with a function for each answer; when nothing is under way it is stepped again. A
// node that does not answer twice, or is out of reach, is asked nothing more: what concerns it is
// "not proved".
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "node/core/verify_questions.h"
#include "node/core/verify_report.h"
#include "protocol/json_codec.h"

namespace crossfloor {

struct VerifyOptions {
  Duration patience{10'000};      // for copies, digests and receipts to become equal
  Duration ask_again{300};        // between two looks at what is not equal yet
  std::size_t page = 100;         // receipts and hashes in one question
  std::uint32_t buckets = 32;     // of digests in one question
  std::size_t under_way = 16;     // questions at once
  std::size_t told_at_most = 20;  // findings of one check that are only for information
};

struct VerifyAsk {
  std::uint64_t number = 0;
  NodeId node;  // zero: the node that is connected to
  std::string what;
  std::string ask;  // JSON

  std::string envelope() const;  // the arguments of the operator's question
};

class VerifyBench {
 public:
  struct Node {
    VerifyMember member;
    bool answers = true;
    std::set<Region> regions;                    // that it holds, by its own word
    std::map<std::string, std::uint64_t> heads;  // by stream
  };

  explicit VerifyBench(VerifyOptions options) : options_(options) {}

  // --- asking ---
  template <typename Answer, typename Question>
  void ask(const NodeId& node, const char* what, const Question& question,
           std::function<void(Answer&&)> then) {
    ask_text(node, what, json_text(question), [this, node, then](const std::string& json) {
      auto answer = read_json<Answer>(json, JsonLimits{4u << 20, 400'000, 16});
      if (!answer.ok()) return gone(node, "answers in another form: " + answer.error().text());
      then(std::move(answer).value());
    });
  }
  void wait_until(Instant when) { again_at_ = when; }
  bool idle() const { return questions_.empty() && under_way_.empty(); }
  const std::optional<Instant>& again_at() const { return again_at_; }
  void go_on() { again_at_.reset(); }
  std::vector<VerifyAsk> take_questions();
  void answered(std::uint64_t number, const Result<std::string>& json);

  // --- whom ---
  std::map<NodeId, Node>& nodes() { return nodes_; }
  const std::map<NodeId, Node>& nodes() const { return nodes_; }
  // Those that answer and hold the region, in id order.
  std::vector<NodeId> holders(const Region& region) const;
  std::set<Region> regions() const;  // held by anybody that answers
  // Whether all that may hold the region were asked.
  bool all_asked(const Region& region) const;
  std::string site(const NodeId& node) const;
  void gone(const NodeId& node, const std::string& why);
  NodeId self;  // who is connected to

  // --- what was found ---
  void find(Verdict verdict, const char* check, const NodeId& node, const std::string& stream,
            std::string what, std::string mend = "");
  void damage(const NodeId& node, const Damage& damage);
  void say(const char* check, std::string what) { said_[check] = std::move(what); }
  VerifyReport report() const;

  const VerifyOptions& options() const { return options_; }
  std::set<std::string> forked;               // streams
  std::map<std::string, std::uint64_t> goal;  // of streams: what anybody had at the beginning
  std::optional<Error> failed;                // the very first question
  std::uint64_t steps = 0, steps_of = 0;      // of the stage under way

 private:
  struct UnderWay {
    VerifyAsk ask;
    std::function<void(const std::string&)> then;
    bool repeated = false;
  };
  void ask_text(const NodeId& node, const char* what, std::string text,
                std::function<void(const std::string&)> then);

  VerifyOptions options_;
  std::uint64_t next_number_ = 1;
  std::vector<UnderWay> questions_;
  std::map<std::uint64_t, UnderWay> under_way_;
  std::optional<Instant> again_at_;
  std::map<NodeId, Node> nodes_;
  std::map<std::string, std::string> said_;  // by check
  std::vector<VerifyFinding> findings_;
  std::map<std::string, std::size_t> told_;  // for information only, by check
  std::set<std::string> damages_;
  std::uint64_t left_out_ = 0;
};

// The region in the name of a stream; empty if it is none.
Region region_of_stream(const std::string& stream);
// "1,234"; and a plural: counted(3, "node") is "3 nodes".
std::string counted(std::uint64_t number, const std::string& what);

}  // namespace crossfloor
