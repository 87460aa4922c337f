#include "tools/bench/routing/central_queue.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <set>
#include <tuple>
#include <utility>

namespace crossfloor::bench {
namespace {

class Queue {
 public:
  Queue(const Cell& cell, const Workload& workload, Sharing sharing, Duration link,
        AcrossCut across)
      : cell_(cell), workload_(workload), sharing_(sharing), link_(link), across_(across) {
    outcome_.cases.resize(workload.arrivals.size());
    courses_.resize(workload.arrivals.size());
    for (std::size_t i = 0; i < workload.workers.size(); ++i) {
      agents_.push_back({});
      idle_.insert(rank(static_cast<int>(i)));
    }
    lines_.resize(static_cast<std::size_t>(cell.sites) * workload.services.size());
  }

  // Goes on from how another model stood when the cut began.
  void take_over(const Outcome& other) {
    now_ = cell_.cut->from;
    for (; next_ < workload_.arrivals.size() && workload_.arrivals[next_].at < now_; ++next_) {
      outcome_.cases[next_] = other.cases[next_];
    }
    for (const auto& open : other.open_at_cut) {
      const auto number = static_cast<std::size_t>(open.conversation);
      const auto& arrival = workload_.arrivals[number];
      if (open.worker >= 0) {
        occupy(open.worker, open.conversation, open.left);
      } else {
        if (outcome_.cases[number].started >= now_) outcome_.cases[number] = {};
        courses_[number].left = open.left;
        line(arrival.site, static_cast<std::size_t>(arrival.service)).push_back(open.conversation);
      }
    }
    events_.push({now_, Event::Kind::together});
  }

  Outcome run() {
    for (const auto* span :
         {cell_.cut ? &*cell_.cut : nullptr, cell_.drain ? &*cell_.drain : nullptr}) {
      if (span) events_.push({span->to, Event::Kind::together});
    }
    if (cell_.cut && across_ == AcrossCut::goes_back) {
      // Renewed every third of its term, a lease has in the mean five sixths to go.
      events_.push({cell_.cut->from + cell_.lease * 5 / 6, Event::Kind::leases_end});
    }
    const auto& arrivals = workload_.arrivals;
    while (next_ < arrivals.size() || !events_.empty()) {
      const bool arrival = next_ < arrivals.size() &&
                           (events_.empty() || arrivals[next_].at + link_ < events_.top().at);
      if (arrival) {
        now_ = arrivals[next_].at + link_;
        comes(static_cast<int>(next_++));
        continue;
      }
      const auto event = events_.top();
      events_.pop();
      now_ = event.at;
      if (event.kind == Event::Kind::freed) {
        if (courses_[static_cast<std::size_t>(event.number)].turn == event.turn) {
          serve(ends(event.number));
        }
      } else {
        if (event.kind == Event::Kind::leases_end) end_leases();
        for (std::size_t i = 0; i < agents_.size(); ++i) serve(static_cast<int>(i));
      }
    }
    return std::move(outcome_);
  }

 private:
  struct Event {
    enum class Kind { freed, together, leases_end };
    Duration at{0};
    Kind kind = Kind::freed;
    int number = 0;  // of the conversation that ends
    int turn = 0;    // if it is still this turn
    bool operator>(const Event& other) const { return at > other.at; }
  };
  struct Course {
    int worker = -1;  // who has it now
    int turn = 0;     // how often somebody took it up
    Duration ends{0};
    std::optional<Duration> left;  // of the handling, if it came back
  };
  struct Agent {
    int busy = 0;
    Duration idle_since{0};
  };
  // Fewest abilities, most free capacity, longest idle: as the mesh chooses (routing.md, rule 5).
  using Rank = std::tuple<std::size_t, int, Duration, int>;

  const Worker& worker(int number) const {
    return workload_.workers[static_cast<std::size_t>(number)];
  }
  Agent& agent(int number) { return agents_[static_cast<std::size_t>(number)]; }
  Rank rank(int number) {
    const std::size_t abilities = worker(number).skills.size() + worker(number).languages.size();
    return {abilities, agent(number).busy, agent(number).idle_since, number};
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
    auto& one = outcome_.cases[static_cast<std::size_t>(number)];
    if (one.worker < 0) one = {now_ + link_, chosen};
    auto takes = courses_[static_cast<std::size_t>(number)].left.value_or(arrival.handling);
    if (worker(chosen).site != arrival.site) {
      takes = Duration{static_cast<std::int64_t>(static_cast<double>(takes.count()) *
                                                 (1 + cell_.remote_slower))};
    }
    occupy(chosen, number, link_ + takes + link_);
  }

  void occupy(int chosen, int number, Duration takes) {
    if (agent(chosen).busy < cell_.capacity) idle_.erase(rank(chosen));
    ++agent(chosen).busy;
    if (agent(chosen).busy < cell_.capacity) idle_.insert(rank(chosen));
    auto& course = courses_[static_cast<std::size_t>(number)];
    course.worker = chosen;
    course.ends = now_ + takes;
    events_.push({course.ends, Event::Kind::freed, number, ++course.turn});
  }

  // Returns who has room now.
  int ends(int number) {
    auto& course = courses_[static_cast<std::size_t>(number)];
    const int who = std::exchange(course.worker, -1);
    ++course.turn;
    if (agent(who).busy < cell_.capacity) idle_.erase(rank(who));
    --agent(who).busy;
    agent(who).idle_since = now_;
    idle_.insert(rank(who));
    return who;
  }

  // What crosses the border of the cut leaves its agent, and waits at home with its age.
  void end_leases() {
    for (std::size_t i = 0; i < courses_.size(); ++i) {
      const auto& course = courses_[i];
      const auto& arrival = workload_.arrivals[i];
      if (course.worker < 0 || together(worker(course.worker).site, arrival.site)) continue;
      const int number = static_cast<int>(i);
      courses_[i].left = course.ends - now_;
      ends(number);
      auto& waiting = line(arrival.site, static_cast<std::size_t>(arrival.service));
      waiting.insert(std::lower_bound(waiting.begin(), waiting.end(), number), number);
    }
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
  const AcrossCut across_;
  Duration now_{0};
  std::size_t next_ = 0;  // arrival
  std::vector<Agent> agents_;
  std::vector<Course> courses_;
  std::set<Rank> idle_;  // with a free slot
  std::vector<std::deque<int>> lines_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  Outcome outcome_;
};

}  // namespace

Outcome central_queue(const Cell& cell, const Workload& workload, Sharing sharing, Duration link,
                      AcrossCut across) {
  return Queue(cell, workload, sharing, link, across).run();
}

Outcome queue_after_cut(const Cell& cell, const Workload& workload, const Outcome& mesh,
                        AcrossCut across) {
  Queue queue(cell, workload, Sharing::pooled, Duration{0}, across);
  queue.take_over(mesh);
  return queue.run();
}

}  // namespace crossfloor::bench
