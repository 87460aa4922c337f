#include "tools/bench/routing/central_queue.h"

#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <set>
#include <tuple>

namespace crossfloor::bench {
namespace {

class Queue {
 public:
  Queue(const Cell& cell, const Workload& workload, Sharing sharing, Duration link)
      : cell_(cell), workload_(workload), sharing_(sharing), link_(link) {
    outcome_.cases.resize(workload.arrivals.size());
    for (std::size_t i = 0; i < workload.workers.size(); ++i) {
      agents_.push_back({});
      idle_.insert(rank(static_cast<int>(i)));
    }
    lines_.resize(static_cast<std::size_t>(cell.sites) * workload.services.size());
  }

  Outcome run() {
    for (const auto* span :
         {cell_.cut ? &*cell_.cut : nullptr, cell_.drain ? &*cell_.drain : nullptr}) {
      if (span) events_.push({span->to, Event::Kind::together, 0});
    }
    std::size_t next = 0;
    const auto& arrivals = workload_.arrivals;
    while (next < arrivals.size() || !events_.empty()) {
      const bool arrival = next < arrivals.size() &&
                           (events_.empty() || arrivals[next].at + link_ < events_.top().at);
      if (arrival) {
        now_ = arrivals[next].at + link_;
        comes(static_cast<int>(next++));
        continue;
      }
      const auto event = events_.top();
      events_.pop();
      now_ = event.at;
      if (event.kind == Event::Kind::freed) {
        gets_free(event.worker);
      } else {
        for (std::size_t i = 0; i < agents_.size(); ++i) serve(static_cast<int>(i));
      }
    }
    return std::move(outcome_);
  }

 private:
  struct Event {
    enum class Kind { freed, together };
    Duration at{0};
    Kind kind = Kind::freed;
    int worker = 0;
    bool operator>(const Event& other) const { return at > other.at; }
  };
  struct Agent {
    int busy = 0;
    Duration idle_since{0};
  };
  // Fewest skills, most free capacity, longest idle: as the mesh chooses (routing.md, rule 5).
  using Rank = std::tuple<std::size_t, int, Duration, int>;

  const Worker& worker(int number) const {
    return workload_.workers[static_cast<std::size_t>(number)];
  }
  Agent& agent(int number) { return agents_[static_cast<std::size_t>(number)]; }
  Rank rank(int number) {
    return {worker(number).skills.size(), agent(number).busy, agent(number).idle_since, number};
  }
  std::deque<int>& line(int site, std::size_t service) {
    return lines_[static_cast<std::size_t>(site) * workload_.services.size() + service];
  }
  bool within(const std::optional<Span>& span) const {
    return span && span->from <= now_ && now_ < span->to;
  }
  bool together(int one, int other) const {
    if (one == other) return true;
    if (sharing_ == Sharing::isolated) return false;
    return !within(cell_.cut) || (one != cell_.cut->site && other != cell_.cut->site);
  }
  bool takes_part(int number) const {
    return !within(cell_.drain) || worker(number).site != cell_.drain->site;
  }
  bool left(int number) const {
    const auto& arrival = workload_.arrivals[static_cast<std::size_t>(number)];
    return cell_.patience > Duration{0} && now_ + link_ > arrival.at + cell_.patience;
  }

  void comes(int number) {
    const auto& arrival = workload_.arrivals[static_cast<std::size_t>(number)];
    const auto bit = std::uint64_t{1} << arrival.service;
    std::optional<int> best;
    for (const auto& rank : idle_) {
      const int candidate = std::get<3>(rank);
      if (!(worker(candidate).serves & bit) || !takes_part(candidate)) continue;
      const bool own = worker(candidate).site == arrival.site;
      if (!own && !together(worker(candidate).site, arrival.site)) continue;
      if (own || sharing_ != Sharing::local_first) {
        best = candidate;
        break;
      }
      if (!best) best = candidate;
    }
    if (best) {
      start(*best, number);
    } else {
      line(arrival.site, static_cast<std::size_t>(arrival.service)).push_back(number);
    }
  }

  void start(int chosen, int number) {
    const auto& arrival = workload_.arrivals[static_cast<std::size_t>(number)];
    const bool full_before = agent(chosen).busy == cell_.capacity;
    if (!full_before) idle_.erase(rank(chosen));
    ++agent(chosen).busy;
    if (agent(chosen).busy < cell_.capacity) idle_.insert(rank(chosen));
    outcome_.cases[static_cast<std::size_t>(number)] = {now_ + link_, chosen};
    auto takes = arrival.handling;
    if (worker(chosen).site != arrival.site) {
      takes = Duration{static_cast<std::int64_t>(static_cast<double>(takes.count()) *
                                                 (1 + cell_.remote_slower))};
    }
    events_.push({now_ + link_ + takes + link_, Event::Kind::freed, chosen});
  }

  void gets_free(int number) {
    if (agent(number).busy < cell_.capacity) idle_.erase(rank(number));
    --agent(number).busy;
    agent(number).idle_since = now_;
    idle_.insert(rank(number));
    serve(number);
  }

  void serve(int number) {
    while (agent(number).busy < cell_.capacity && takes_part(number)) {
      const auto chosen = oldest_for(number);
      if (!chosen) return;
      start(number, *chosen);
    }
  }

  std::optional<int> oldest_for(int number) {
    const auto& who = worker(number);
    std::optional<int> best;
    std::deque<int>* from = nullptr;
    const auto look = [&](int site) {
      for (std::size_t s = 0; s < workload_.services.size(); ++s) {
        if (!(who.serves & (std::uint64_t{1} << s))) continue;
        auto& waiting = line(site, s);
        while (!waiting.empty() && left(waiting.front())) waiting.pop_front();
        if (waiting.empty() || (best && waiting.front() > *best)) continue;
        best = waiting.front();
        from = &waiting;
      }
    };
    look(who.site);
    if (!best || sharing_ == Sharing::pooled) {
      for (int site = 0; site < cell_.sites; ++site) {
        if (site != who.site && together(site, who.site)) look(site);
      }
    }
    if (from) from->pop_front();
    return best;
  }

  const Cell& cell_;
  const Workload& workload_;
  const Sharing sharing_;
  const Duration link_;
  Duration now_{0};
  std::vector<Agent> agents_;
  std::set<Rank> idle_;  // with a free slot
  std::vector<std::deque<int>> lines_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  Outcome outcome_;
};

}  // namespace

Outcome central_queue(const Cell& cell, const Workload& workload, Sharing sharing, Duration link) {
  return Queue(cell, workload, sharing, link).run();
}

}  // namespace crossfloor::bench
