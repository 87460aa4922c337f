// Whether nodes made the same of the same entries, and what the rows say is not done.
#include <algorithm>

#include "node/core/verify_stages.h"

namespace crossfloor {
namespace {

constexpr std::uint32_t all_buckets = 256;

using Vector = std::map<std::string, std::uint64_t>;

bool within(const Vector& less, const Vector& more) {
  return std::all_of(less.begin(), less.end(), [&](const auto& one) {
    const auto at = more.find(one.first);
    return one.second == 0 || (at != more.end() && at->second >= one.second);
  });
}

// A bucket's digest as a node had it once, and what it held then.
struct Sample {
  std::string digest;
  std::shared_ptr<const Vector> vector;
};

using Samples = std::map<NodeId, std::vector<Sample>>;

// Some digest that every node had at some time.
bool agreed(const Samples& samples, std::size_t nodes) {
  if (samples.size() < nodes || samples.empty()) return false;
  const auto& first = samples.begin()->second;
  return std::any_of(first.begin(), first.end(), [&](const Sample& sample) {
    return std::all_of(samples.begin(), samples.end(), [&](const auto& one) {
      return std::any_of(one.second.begin(), one.second.end(),
                         [&](const Sample& other) { return other.digest == sample.digest; });
    });
  });
}

// Two nodes that made different rows of the same entries: the one's rows did not change between
// two looks, and what the other held lies between them.
std::optional<std::pair<NodeId, NodeId>> contradiction(const Samples& samples) {
  for (const auto& [one, mine] : samples) {
    for (std::size_t before = 0; before < mine.size(); ++before) {
      for (std::size_t after = before; after < mine.size(); ++after) {
        if (mine[before].digest != mine[after].digest) break;
        for (const auto& [other, theirs] : samples) {
          for (const auto& sample : theirs) {
            if (sample.digest == mine[before].digest) continue;
            if (within(*mine[before].vector, *sample.vector) &&
                within(*sample.vector, *mine[after].vector)) {
              return std::pair{one, other};
            }
          }
        }
      }
    }
  }
  return std::nullopt;
}

std::string hex_of(std::uint32_t bucket) {
  return to_hex(Bytes(1, static_cast<char>(bucket)));
}

class Rows final : public VerifyStage {
 public:
  const char* name() const override { return "comparing what was made of the entries"; }

  bool step(VerifyBench& bench, Now now) override {
    if (!since_) begin(bench);
    if (next_group_ < groups_.size()) {
      const auto& [region, first] = groups_[next_group_++];
      std::vector<std::uint32_t> buckets;
      const auto end = std::min(all_buckets, first + bench.options().buckets);
      for (std::uint32_t bucket = first; bucket < end; ++bucket) buckets.push_back(bucket);
      ask(bench, region, buckets);
      if (next_group_ == groups_.size()) since_ = now.steady;
      return false;
    }
    judge(bench, false);
    if (open_.empty()) return over(bench);
    if (now.steady >= *since_ + bench.options().patience) {
      judge(bench, true);
      return over(bench);
    }
    if (!std::exchange(waited_, true)) {
      bench.wait_until(now.steady + bench.options().ask_again);
      return false;
    }
    waited_ = false;
    ask_again(bench);
    return false;
  }

 private:
  using Key = std::pair<Region, std::uint32_t>;

  void begin(VerifyBench& bench) {
    since_ = Instant{};
    for (const auto& region : bench.regions()) {
      if (bench.holders(region).size() < 2) {
        ++single_;
        continue;
      }
      for (std::uint32_t first = 0; first < all_buckets; first += bench.options().buckets) {
        groups_.emplace_back(region, first);
      }
      for (std::uint32_t bucket = 0; bucket < all_buckets; ++bucket) open_[{region, bucket}];
    }
    bench.steps_of = groups_.size() * bench.nodes().size();
    if (groups_.empty()) since_ = Instant{} - bench.options().patience;
  }

  void ask(VerifyBench& bench, const Region& region, const std::vector<std::uint32_t>& buckets) {
    for (const auto& id : bench.holders(region)) {
      bench.ask<DigestsAnswer>(id, "verify.digests", DigestsQuestion{region, buckets},
                               [this, &bench, id, region, buckets](DigestsAnswer&& answer) {
                                 if (answer.texts.size() != buckets.size()) {
                                   return bench.gone(id, "answers in another form: digests");
                                 }
                                 versions_[region].insert(answer.version);
                                 Vector vector;
                                 for (const auto& to : answer.vector)
                                   vector[to.stream] = to.sequence;
                                 const auto held =
                                     std::make_shared<const Vector>(std::move(vector));
                                 for (std::size_t i = 0; i < buckets.size(); ++i) {
                                   const auto at = open_.find({region, buckets[i]});
                                   if (at != open_.end())
                                     at->second[id].push_back({answer.texts[i], held});
                                 }
                               });
    }
  }

  void ask_again(VerifyBench& bench) {
    std::map<Region, std::vector<std::uint32_t>> again;
    for (const auto& [key, samples] : open_) {
      auto& list = again[key.first];
      if (list.size() < bench.options().buckets) list.push_back(key.second);
    }
    for (const auto& [region, buckets] : again) ask(bench, region, buckets);
  }

  void judge(VerifyBench& bench, bool last) {
    for (auto at = open_.begin(); at != open_.end();) {
      const auto& [region, bucket] = at->first;
      const auto holders = bench.holders(region);
      std::erase_if(at->second, [&](const auto& one) {
        return std::find(holders.begin(), holders.end(), one.first) == holders.end();
      });
      const auto broken = contradiction(at->second);
      const std::string where = "region " + region + ", bucket " + hex_of(bucket) + ": ";
      bool closed = true;
      if (versions_[region].size() > 1) {
        if (told_versions_.insert(region).second) {
          bench.find(Verdict::not_proved, "rows", {}, "",
                     "region " + region + ": nodes fold rows by different versions",
                     "run the same version of crossfloord everywhere");
        }
      } else if (holders.size() > 1 && broken) {
        bench.find(Verdict::broken, "rows", {}, "",
                   where + bench.site(broken->first) + " and " + bench.site(broken->second) +
                       " made different rows of the same entries",
                   "start both nodes once with --rebuild");
      } else if (holders.size() > 1 && agreed(at->second, holders.size())) {
        ++equal_;
      } else if (last || holders.size() < 2) {
        ++never_same_[region];
      } else {
        closed = false;
      }
      at = closed ? open_.erase(at) : std::next(at);
    }
  }

  bool over(VerifyBench& bench) const {
    for (const auto& [region, count] : never_same_) {
      bench.find(Verdict::not_proved, "rows", {}, "",
                 "region " + region + ", " + counted(count, "bucket") +
                     ": the nodes were never seen to hold the same entries",
                 "run verify again, when copies are equal");
    }
    std::string said = counted(equal_, "bucket") + " of rows equal on all their nodes";
    if (single_ > 0) said += "; " + counted(single_, "region") + " with one node only";
    bench.say("rows", said);
    return true;
  }

  std::optional<Instant> since_;  // all buckets were asked once
  bool waited_ = false;
  std::size_t single_ = 0;
  std::size_t next_group_ = 0;
  std::vector<Key> groups_;  // region and first bucket
  std::map<Key, Samples> open_;
  std::map<Region, std::set<std::uint32_t>> versions_;
  std::set<Region> told_versions_;
  std::map<Region, std::uint64_t> never_same_;  // buckets
  std::uint64_t equal_ = 0;
};

class Work final : public VerifyStage {
 public:
  const char* name() const override { return "looking who waits"; }

  bool step(VerifyBench& bench, Now) override {
    if (!std::exchange(asked_, true)) {
      for (const auto& region : bench.regions()) {
        // Rows are equal everywhere, which was checked: one node can tell for all.
        const auto holders = bench.holders(region);
        const bool here = std::find(holders.begin(), holders.end(), bench.self) != holders.end();
        page(bench, here ? bench.self : holders.front(), region, "");
      }
      return false;
    }
    bench.say("waiting", counted(conversations_, "conversation") + ", " +
                             std::to_string(count_[WorkFound::Kind::unanswered]) + " unanswered, " +
                             std::to_string(late_) + " over their target");
    bench.say("twice", counted(count_[WorkFound::Kind::twice], "conversation") + " handled twice");
    bench.say("replies", counted(count_[WorkFound::Kind::reply], "reply") + " without an end");
    return true;
  }

 private:
  void page(VerifyBench& bench, const NodeId& id, const Region& region, const std::string& after) {
    bench.ask<WorkAnswer>(id, "verify.work", WorkQuestion{region, after},
                          [this, &bench, id, region](WorkAnswer&& answer) {
                            conversations_ += answer.conversations;
                            for (const auto& found : answer.found) tell(bench, found);
                            if (!answer.next.empty()) page(bench, id, region, answer.next);
                          });
  }

  void tell(VerifyBench& bench, const WorkFound& found) {
    ++count_[found.kind];
    const std::string id = found.conversation.hex();
    const std::string what = "conversation " + id + " on " + found.account + ": " + found.what +
                             ", " + std::to_string(found.age_ms / 1000) + " s old";
    const Verdict verdict = found.problem ? Verdict::problem : Verdict::holds;
    switch (found.kind) {
      case WorkFound::Kind::unanswered:
        if (found.problem) ++late_;
        bench.find(verdict, "waiting", {}, "", what, "crossfloor explain " + id);
        break;
      case WorkFound::Kind::twice:
        bench.find(verdict, "twice", {}, "", what, "crossfloor conversation " + id);
        break;
      case WorkFound::Kind::reply:
        bench.find(verdict, "replies", {}, "", what, "crossfloor outbox");
        break;
    }
  }

  bool asked_ = false;
  std::uint64_t conversations_ = 0;
  std::uint64_t late_ = 0;
  std::map<WorkFound::Kind, std::uint64_t> count_;
};

}  // namespace

std::unique_ptr<VerifyStage> verify_rows() {
  return std::make_unique<Rows>();
}
std::unique_ptr<VerifyStage> verify_work() {
  return std::make_unique<Work>();
}

}  // namespace crossfloor
