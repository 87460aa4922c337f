// Where replies go: providers that answer, slowly or not at all, refuse, or take a reply and drop
// the connection. They remember what they took, as the checkers of sending need it.
#pragma once

#include "tools/simulator/stage.h"

namespace crossfloor::simulator {

class Providers {
 public:
  Providers(Stage& stage, std::uint64_t seed);

  void called(Node& node, const CallProvider& call);
  void committed(Node& node, std::uint64_t number);

 private:
  struct Said {
    std::uint64_t write;  // that made the outcome durable
    ReplyId reply;
  };
  void answer(std::size_t node, const CallProvider& call, DeliveryResult result, Duration after);

  Stage& stage_;
  Dice dice_;
  std::map<std::pair<std::size_t, std::uint64_t>, std::vector<Said>> said_;  // by node and life
};

}  // namespace crossfloor::simulator
