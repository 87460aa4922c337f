// Customers who write, and the channels that bring what they write: to several hosts at once, again
// while the first is being synced, late, out of order, until somebody says that it is safe.
#pragma once

#include "tools/simulator/arrivals.h"
#include "tools/simulator/stage.h"

namespace crossfloor::simulator {

class Customers {
 public:
  Customers(Stage& stage, std::uint64_t seed);

  void begin();
  void answered(Node& node, const AnswerIntake& answer);
  std::uint64_t written() const { return next_external_ - 1; }
  std::size_t waiting() const { return intakes_.size(); }

 private:
  void writes();
  void write_one();
  void write_as_recorded();
  void write(std::size_t customer);
  void bring(const IncomingMessage& message, const Region& region);
  void hand_in(std::size_t node, const IncomingMessage& message, const Region& region,
               Duration after, bool resend);
  std::size_t some_host(const Region& region);
  void bursts();
  void link_two();
  void links();

  struct Intake {
    std::string external_id;
    Region region;
  };

  Stage& stage_;
  Dice dice_;
  std::vector<Region> regions_;
  std::vector<Arrival> recorded_;
  std::size_t next_recorded_ = 0;
  std::map<RequestId, Intake> intakes_;
  RequestId next_request_ = 1;
  std::uint64_t next_external_ = 1;
};

}  // namespace crossfloor::simulator
