// An agent's desk in a terminal: shows what rings, the conversation and the customer's history, and
// takes commands, one a line. A script may be piped in: then each line waits for the answer to the
// one before.
#pragma once

#include <kj/async-io.h>

#include <deque>
#include <iosfwd>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "tools/crossfloor/agent_client.h"

namespace crossfloor::cli {

class AgentTerminal {
 public:
  AgentTerminal(ClientSurroundings& around, AgentClient::Options client,
                kj::AsyncInputStream& input, std::ostream& out, bool interactive);

  kj::Promise<Status> run();

 private:
  struct Known {
    int number = 0;
    Epoch epoch;
    client::ConversationView view;
    std::set<MessageId> shown;  // the customer's messages that were on the screen
    std::string next;           // of the history that was shown
  };
  using Answered = std::function<void(const client::Message&)>;

  // What a line means. Nothing is said if it cannot be understood.
  void obey(const std::string& line);
  void obey_about_work(const std::string& verb, const std::string& rest);
  void pending(const std::string& rest);
  void transfer(const std::string& rest);
  void reply(const std::string& text, bool is_public);
  void help();

  void take(const client::Message& message);
  void on(const client::Welcome& welcome);
  void on(const client::Snapshot& snapshot);
  void on(const client::Ring& ring);
  void on(const client::RingOver& over);
  void on(const client::Changed& changed);
  void on(const client::SlotsChanged& changed);
  void on(const client::SessionOver& over);
  void on(const client::Refused& refused);
  void on(const client::Opened& opened);
  void on(const client::HistoryAnswer& answer);
  void on(const client::CustomerAnswer& answer);
  void on(const client::LogOffQuestion& question);
  void on(const client::Done& done);
  void on(const client::SlotsAnswer& answer);

  Known& know(const ConversationId& id);
  std::optional<ConversationId> chosen(const std::string& word) const;
  std::optional<ConversationId> current_or_say();
  void say(client::Command command, std::string done_text, ConversationId about = {});
  void open(const ConversationId& id);
  void show_item(const client::HistoryItem& item);
  void show_items(const std::vector<client::HistoryItem>& newest_first);
  void show_slots(const client::SlotsView& slots);
  std::string title(const client::ConversationView& view) const;
  void print(const std::string& line);
  void prompt();

  kj::Promise<void> read_input();
  void work_off_lines();

  AgentClient client_;
  kj::Timer& timer_;
  kj::AsyncInputStream& input_;
  std::ostream& out_;
  bool interactive_;
  char buffer_[4096];
  std::string partial_;
  std::deque<std::string> lines_;
  bool end_of_input_ = false;
  bool leaving_ = false;
  bool waiting_for_ring_ = false;
  std::map<ConversationId, Known> known_;
  int next_number_ = 1;
  std::optional<ConversationId> current_;
  std::optional<ConversationId> ringing_;
  client::SlotsView slots_;
  struct Said {
    std::string done_text;
    ConversationId about;
  };
  std::map<std::string, Said> said_;
};

}  // namespace crossfloor::cli
