// People at work: they take, decline or miss what rings, answer what is unanswered, close, hand
// over, shut the laptop without a word, and try to log in where they do not belong.
#pragma once

#include "tools/simulator/work_watch.h"

namespace crossfloor::simulator {

class Agents {
 public:
  Agents(Stage& stage, std::uint64_t seed);

  // The world begins: from here on they have their own bad days.
  void begin();
  // All agents of this node log in, and go on with what they had.
  void node_started(Node& node);
  void hears(Node& node, const NotifyAgent& notice);
  void answered(Node& node, const AnswerCommand& answer);
  // A call to this node's core is over.
  void called(const Node& node) { watch_.called(node); }

 private:
  struct Agent {
    std::string name;
    std::size_t node = 0;
    bool present = true;
    std::uint64_t absence = 0;  // rises when the agent goes
  };

  void log_in(Node& node, Agent& agent);
  void ready(Node& node, const Agent& agent);
  void take_up(Node& node, const Agent& agent);
  void rings(Node& node, const NotifyAgent& notice);
  void notes_offer(const Work& work, const ConversationId& conversation);
  void works(Node& node, const std::string& agent, const ConversationId& conversation);
  void acts(Node& node, const std::string& agent, const ConversationId& conversation);
  void command(Node& node, const std::string& agent, const ConversationId& conversation,
               const Epoch& epoch, Verb verb,
               const std::function<void(DeskCommand&)>& fill = nullptr);
  Duration handling_time();
  bool ends_work(Verb verb) const;
  Agent* find(const std::string& name);
  Agent& any() { return agents_[dice_.below(agents_.size())]; }
  void vanish(Agent& agent);
  void comes_back(Agent& agent);
  void log_out(Agent& agent);
  void stray(Agent& agent);
  void often(Duration every, const std::function<void()>& what);

  struct Asked {
    std::string agent;
    Verb verb = Verb::accept;
    ConversationId conversation;
    Region region;
  };

  Stage& stage_;
  WorkWatch watch_;
  Dice dice_;
  std::vector<Agent> agents_;
  // Who is busy with what, in which life of the node, so that nobody does a thing twice.
  std::set<std::tuple<std::uint64_t, std::string, ConversationId>> at_work_;
  std::map<RequestId, Asked> asked_;
  std::map<ConversationId, Taken> offered_;  // the last offer
  std::map<ConversationId, std::set<std::string>> said_no_;
  RequestId next_request_ = RequestId{1} << 32;
  std::uint64_t next_command_ = 1;
};

}  // namespace crossfloor::simulator
