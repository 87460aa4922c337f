// Scripted agents, many in one process: for demos and load. Each accepts or declines what rings,
// works on it for a drawn time, answers, and ends it.
#pragma once

#include <kj/async-io.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "tools/crossfloor/agent_client.h"
#include "tools/crossfloor/agent_script.h"

namespace crossfloor::cli {

enum class Ending { close, pending, leave };

struct AutoOptions {
  HandlingTime handling;
  double accept = 1.0;         // probability
  Duration reaction{500};      // mean time until an offer is taken
  std::string reply_template;  // empty: only recorded answers
  const RecordedReplies* recorded = nullptr;
  Ending ending = Ending::close;
};

// Of all agents of the process.
struct AutoFigures {
  std::uint64_t logged_in = 0;
  std::uint64_t rung = 0;
  std::uint64_t accepted = 0;
  std::uint64_t declined = 0;
  std::uint64_t missed = 0;
  std::uint64_t replies = 0;
  std::uint64_t closed = 0;
  std::uint64_t taken_away = 0;  // while it was worked on
  std::uint64_t reconnections = 0;
  std::uint64_t snapshots = 0;
  std::map<std::string, std::uint64_t> errors;  // by code
  Duration worked{0};                           // drawn handling times that were worked off
  std::uint64_t cases = 0;
  kj::TimePoint last_work = kj::origin<kj::TimePoint>();  // when something happened last
};

class AutoAgent {
 public:
  AutoAgent(ClientSurroundings& around, AgentClient::Options client, const AutoOptions& options,
            AutoFigures& figures, kj::TaskSet& tasks);

  kj::Promise<Status> run() { return client_.run(); }
  void log_off();
  std::size_t at_work() const { return tasks_.size(); }

 private:
  struct Task {
    std::uint64_t number = 0;  // so that a timer of an older one does nothing
    Epoch epoch;
    client::ConversationView view;
    std::map<std::string, client::HistoryItem> items;  // by cursor
    std::set<MessageId> answered;
    std::vector<PlannedReply> replies;  // still to be said, last first
    PlannedReply said;                  // the latest that was
    bool working = false;               // accepted
  };
  enum class Step { accept, decline, open, more, reply, end };
  struct Said {
    Step step;
    ConversationId conversation;
    std::uint64_t number = 0;  // of the task: it may have rung anew since
  };

  void take(const client::Message& message);
  void on(const client::Ring& ring);
  void on(const client::Changed& changed);
  void on(const client::Snapshot& snapshot);
  void on(const client::Opened& opened);
  void on(const client::HistoryAnswer& answer);
  void on(const client::Done& done);
  void on(const client::Refused& refused);
  void on(const client::SlotsChanged& changed);
  void offered(const ConversationId& id, const Epoch& epoch);
  void go_on(const ConversationId& id);
  void open(const ConversationId& id);
  void read_on(const ConversationId& id, const std::string& next);
  void work(const ConversationId& id, Duration time);
  std::vector<PlannedReply> planned(const Task& task) const;
  void answer(const ConversationId& id);
  void next_reply(const ConversationId& id);
  void finish(const ConversationId& id);
  void later(Duration time, const ConversationId& id, std::function<void()> what);
  void say(Step step, const ConversationId& id, client::Command command);

  ClientSurroundings& around_;
  const AutoOptions& options_;
  AutoFigures& figures_;
  kj::TaskSet& timers_;
  AgentClient client_;
  std::map<ConversationId, Task> tasks_;
  std::map<std::string, Said> said_;
  std::uint64_t next_number_ = 1;
  bool leaving_ = false;
};

}  // namespace crossfloor::cli
