// Whether all copies of all streams are there, equal and genuine.
#include <algorithm>

#include "node/core/verify_stages.h"

namespace crossfloor {
namespace {

std::string entries(std::uint64_t from, std::uint64_t to) {
  return from == to ? "entry " + std::to_string(from)
                    : "entries " + std::to_string(from) + " to " + std::to_string(to);
}

std::string age_text(std::int64_t ms) {
  const std::int64_t seconds = ms / 1000;
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 7200) return std::to_string(seconds / 60) + " min";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86400) + " days";
}

class Members final : public VerifyStage {
 public:
  const char* name() const override { return "asking who is there"; }

  bool step(VerifyBench& bench, Now now) override {
    if (!std::exchange(asked_, true)) {
      bench.ask<VerifyMembers>(
          {}, "verify.members", MembersQuestion{},
          [&bench, now](VerifyMembers&& answer) { take(bench, std::move(answer), now); });
      return false;
    }
    std::size_t answer = 0;
    for (const auto& [id, node] : bench.nodes()) answer += node.answers ? 1 : 0;
    bench.say("nodes",
              counted(answer, "node") + " of " + std::to_string(bench.nodes().size()) + " asked");
    return true;
  }

 private:
  static void take(VerifyBench& bench, VerifyMembers&& answer, Now) {
    bench.self = answer.self;
    for (auto& member : answer.nodes) {
      const NodeId id = member.node;
      bench.nodes()[id].member = std::move(member);
    }
    for (auto& [id, node] : bench.nodes()) {
      if (node.member.reachable || id == answer.self) continue;
      bench.gone(id, "cannot be reached since " + age_text(node.member.gone_ms));
    }
  }
  bool asked_ = false;
};

class Heads final : public VerifyStage {
 public:
  const char* name() const override { return "comparing how far the copies reach"; }

  bool step(VerifyBench& bench, Now now) override {
    if (!since_) since_ = now.steady;
    if (rounds_ > 0) {
      if (rounds_ == 1) set_goal(bench);
      take_over(bench);
      if (settled(bench) || now.steady >= *since_ + bench.options().patience) {
        judge(bench);
        return true;
      }
      if (!std::exchange(waited_, true)) {
        bench.wait_until(now.steady + bench.options().ask_again);
        return false;
      }
    }
    waited_ = false;
    ++rounds_;
    coming_.clear();
    for (const auto& [id, node] : bench.nodes()) page(bench, id, "");
    return false;
  }

 private:
  struct Heard {
    std::uint64_t sequence = 0;
    NodeId by;
  };

  void page(VerifyBench& bench, const NodeId& id, const std::string& after) {
    bench.ask<HeadsAnswer>(id, "verify.heads", HeadsQuestion{after},
                           [this, &bench, id](HeadsAnswer&& answer) {
                             auto& node = bench.nodes()[id];
                             node.regions = {answer.regions.begin(), answer.regions.end()};
                             for (const auto& head : answer.heads)
                               coming_[id][head.stream] = head.sequence;
                             for (const auto& damage : answer.damages) bench.damage(id, damage);
                             for (const auto& fork : answer.forked) forked(bench, id, fork);
                             if (rounds_ == 1) {
                               for (const auto& heard : answer.heard) {
                                 auto& known = heard_[heard.stream];
                                 if (heard.sequence > known.sequence) known = {heard.sequence, id};
                               }
                             }
                             if (!answer.next.empty()) page(bench, id, answer.next);
                           });
  }

  static void forked(VerifyBench& bench, const NodeId& id, const StreamAt& fork) {
    if (!bench.forked.insert(fork.stream).second) return;
    bench.find(
        Verdict::broken, "forks", id, fork.stream,
        "its origin signed two histories that agree up to entry " + std::to_string(fork.sequence),
        "restart that origin; it begins a new stream");
  }

  void set_goal(VerifyBench& bench) {
    for (const auto& [id, heads] : coming_) {
      for (const auto& [stream, sequence] : heads) {
        auto& goal = bench.goal[stream];
        goal = std::max(goal, sequence);
      }
    }
    for (const auto& [stream, heard] : heard_) {
      auto& goal = bench.goal[stream];
      goal = std::max(goal, heard.sequence);
    }
    first_ = coming_;
  }

  void take_over(VerifyBench& bench) {
    for (auto& [id, node] : bench.nodes()) {
      if (node.answers) node.heads = coming_[id];
    }
  }

  static std::uint64_t head(const VerifyBench::Node& node, const std::string& stream) {
    const auto at = node.heads.find(stream);
    return at == node.heads.end() ? 0 : at->second;
  }

  bool settled(const VerifyBench& bench) const {
    for (const auto& [stream, goal] : bench.goal) {
      if (bench.forked.count(stream) == 1) continue;
      for (const auto& id : bench.holders(region_of_stream(stream))) {
        if (head(bench.nodes().at(id), stream) < goal) return false;
      }
    }
    return true;
  }

  void judge(VerifyBench& bench) const {
    std::size_t lost = 0;
    for (const auto& [stream, goal] : bench.goal) {
      if (bench.forked.count(stream) == 1) continue;
      const auto holders = bench.holders(region_of_stream(stream));
      std::uint64_t most = 0;
      NodeId best;
      for (const auto& id : holders) {
        const auto reached = head(bench.nodes().at(id), stream);
        if (reached > most) best = id;
        most = std::max(most, reached);
      }
      if (most < goal && !holders.empty()) {
        ++lost;
        judge_lost(bench, stream, most, goal);
      }
      for (const auto& id : holders) judge_behind(bench, id, stream, std::min(most, goal), best);
    }
    bench.say("lost", lost == 0 ? "somebody holds all that was heard of"
                                : counted(lost, "stream") + " end before what was heard of");
    bench.say("forks", bench.forked.empty() ? "no origin signed two histories"
                                            : counted(bench.forked.size(), "stream"));
  }

  void judge_lost(VerifyBench& bench, const std::string& stream, std::uint64_t most,
                  std::uint64_t goal) const {
    const auto heard = heard_.find(stream);
    const NodeId by = heard == heard_.end() ? NodeId{} : heard->second.by;
    const bool all = bench.all_asked(region_of_stream(stream));
    bench.find(all ? Verdict::broken : Verdict::not_proved, "lost", by, stream,
               entries(most + 1, goal) + " were heard of and are held by " +
                   (all ? "nobody" : "nobody that could be asked"),
               "bring the disk of their origin back, if it still exists");
  }

  void judge_behind(VerifyBench& bench, const NodeId& id, const std::string& stream,
                    std::uint64_t wanted, const NodeId& best) const {
    const std::uint64_t reached = head(bench.nodes().at(id), stream);
    if (reached >= wanted) return;
    const auto before = first_.find(id);
    std::uint64_t first = 0;
    if (before != first_.end()) {
      const auto at = before->second.find(stream);
      if (at != before->second.end()) first = at->second;
    }
    const std::string lacks =
        "lacks " + entries(reached + 1, wanted) + ", which " + bench.site(best) + " holds";
    if (reached > first) {
      bench.find(Verdict::not_proved, "copies", id, stream, lacks + "; it is fetching them",
                 "run verify again later");
    } else {
      bench.find(Verdict::broken, "copies", id, stream, lacks, "crossfloor links");
    }
  }

  std::optional<Instant> since_;
  std::size_t rounds_ = 0;
  bool waited_ = false;
  std::map<NodeId, std::map<std::string, std::uint64_t>> coming_;
  std::map<NodeId, std::map<std::string, std::uint64_t>> first_;
  std::map<std::string, Heard> heard_;
};

class Hashes final : public VerifyStage {
 public:
  const char* name() const override { return "comparing the copies"; }

  bool step(VerifyBench& bench, Now) override {
    if (!std::exchange(asked_, true)) {
      ask(bench);
      return false;
    }
    judge(bench);
    return true;
  }

 private:
  void ask(VerifyBench& bench) {
    std::map<NodeId, std::vector<StreamAt>> wanted;
    for (const auto& [stream, goal] : bench.goal) {
      const auto holders = bench.holders(region_of_stream(stream));
      std::uint64_t common = UINT64_MAX;
      for (const auto& id : holders) {
        const auto& heads = bench.nodes().at(id).heads;
        const auto at = heads.find(stream);
        common = std::min(common, at == heads.end() ? 0 : at->second);
      }
      if (holders.size() < 2) {
        ++single_;
      } else if (common > 0) {
        common_[stream] = common;
        for (const auto& id : holders) wanted[id].push_back({stream, common, {}});
      }
    }
    const std::size_t page = bench.options().page;
    for (const auto& [id, all] : wanted) {
      for (std::size_t at = 0; at < all.size(); at += page) {
        HashesQuestion question;
        const auto end = std::min(all.size(), at + page);
        question.at.assign(all.begin() + static_cast<std::ptrdiff_t>(at),
                           all.begin() + static_cast<std::ptrdiff_t>(end));
        ++bench.steps_of;
        bench.ask<HashesAnswer>(id, "verify.hashes", question,
                                [this, &bench, id = id](HashesAnswer&& answer) {
                                  for (const auto& damage : answer.damages) {
                                    bench.damage(id, damage);
                                  }
                                  for (const auto& one : answer.at) {
                                    hashes_[one.stream][id] = one.hash;
                                  }
                                });
      }
    }
  }

  void judge(VerifyBench& bench) const {
    std::size_t equal = 0;
    std::uint64_t up_to = 0;
    for (const auto& [stream, common] : common_) {
      if (bench.forked.count(stream) == 1) continue;
      const auto at = hashes_.find(stream);
      if (at == hashes_.end() || at->second.size() < 2) {
        bench.find(Verdict::not_proved, "copies", {}, stream, "could not be compared");
        continue;
      }
      std::map<Hash, std::string> sites;
      for (const auto& [id, hash] : at->second) {
        auto& list = sites[hash];
        list += (list.empty() ? "" : ", ") + bench.site(id);
      }
      if (sites.size() == 1) {
        ++equal;
        up_to += common;
        continue;
      }
      std::string what = "copies differ up to entry " + std::to_string(common) + ":";
      for (const auto& [hash, list] : sites) {
        what += " " + list + " " + hash.hex().substr(0, 16) + "…";
      }
      bench.find(Verdict::broken, "copies", {}, stream, std::move(what),
                 "the check of chains tells which copy is damaged");
    }
    std::string said = counted(equal, "stream") + " equal on all their nodes, up to " +
                       counted(up_to, "common entry");
    if (single_ > 0) said += "; " + counted(single_, "stream") + " with one node only";
    bench.say("copies", said);
  }

  bool asked_ = false;
  std::size_t single_ = 0;
  std::map<std::string, std::uint64_t> common_;
  std::map<std::string, std::map<NodeId, Hash>> hashes_;
};

class Chains final : public VerifyStage {
 public:
  const char* name() const override { return "checking chains and seals"; }

  bool step(VerifyBench& bench, Now) override {
    if (!std::exchange(asked_, true)) {
      for (const auto& [id, node] : bench.nodes()) slice(bench, id, {});
      return false;
    }
    bench.say("chains", counted(entries_, "entry") + " in " + counted(streams_, "copy") +
                            " of streams checked against their seals");
    return true;
  }

 private:
  void slice(VerifyBench& bench, const NodeId& id, const std::optional<StreamAt>& from) {
    ++bench.steps_of;
    bench.ask<ChainsAnswer>(id, "verify.chains", ChainsQuestion{from},
                            [this, &bench, id](ChainsAnswer&& answer) {
                              entries_ += answer.entries;
                              streams_ += answer.streams;
                              for (const auto& damage : answer.damages) bench.damage(id, damage);
                              if (answer.next) slice(bench, id, answer.next);
                            });
  }

  bool asked_ = false;
  std::uint64_t entries_ = 0;
  std::uint64_t streams_ = 0;
};

}  // namespace

std::unique_ptr<VerifyStage> verify_members() {
  return std::make_unique<Members>();
}
std::unique_ptr<VerifyStage> verify_heads() {
  return std::make_unique<Heads>();
}
std::unique_ptr<VerifyStage> verify_hashes() {
  return std::make_unique<Hashes>();
}
std::unique_ptr<VerifyStage> verify_chains() {
  return std::make_unique<Chains>();
}

}  // namespace crossfloor
