// Plays a plan of deliveries into nodes and adds up what they said.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tools/crossfloor/delivery_plan.h"
#include "tools/crossfloor/intake_client.h"
#include "tools/crossfloor/recording.h"

namespace crossfloor::cli {

struct ReplayMessage {
  std::size_t line = 0;  // of the table, for the report
  const ChannelTarget* target = nullptr;
  std::string external_id;
  std::string body;
};

struct ReplayReport {
  // Messages of one fault, with the lines of the first ones.
  struct Group {
    std::size_t count = 0;
    std::vector<std::size_t> lines;
  };
  std::size_t rows = 0;                     // of the table
  std::size_t left_out = 0;                 // by --only, --limit
  std::size_t messages = 0;                 // that were to be delivered
  std::size_t deliveries = 0;               // that came to an end
  std::size_t accepted = 0;                 // messages with a receipt
  std::size_t known = 0;                    // of these: each receipt says that it was there before
  std::size_t duplicates = 0;               // deliveries of a message that had a receipt already
  std::size_t retries = 0;                  // attempts beyond the first of each delivery
  std::size_t mesh = 0;                     // receipts that promise two disks
  std::size_t late = 0;                     // deliveries more than 1 s behind their time
  std::map<std::string, Group> refused;     // by reason
  std::map<std::string, Group> given_up;    // by reason
  std::vector<std::string> contradictions;  // external ids that got two message ids
  double seconds = 0;
  bool interrupted = false;

  std::size_t refused_messages() const;
  std::size_t given_up_messages() const;
  bool fine() const;
  void refuse(std::size_t line, const std::string& reason);
};

std::string report_text(const ReplayReport& report);
JsonValue report_json(const ReplayReport& report);

class Replay : private kj::TaskSet::ErrorHandler {
 public:
  struct Options {
    std::size_t at_once = 64;  // deliveries under way
    std::function<void(const std::string& line)> on_receipt;
    std::function<void(const Replay&)> on_progress;  // after each delivery
  };
  // What is given outlives the replay. `report` comes with what is known already.
  Replay(kj::Timer& timer, IntakeClient& client, const std::vector<ReplayMessage>& messages,
         std::vector<Delivery> plan, ReplayReport report, Options options);

  // Resolves when all deliveries have come to an end, or after stop() those under way.
  kj::Promise<void> run();
  void stop();

  const ReplayReport& report() const { return report_; }
  std::size_t planned() const { return plan_.size(); }
  double seconds() const;  // since the start

 private:
  struct State {
    std::string message_id;
    bool taken = false;
    bool fresh = false;  // some receipt says that it was not there before
    std::string failure;
    bool refused = false;
  };
  void pump();
  void start(const Delivery& delivery);
  void finished(const Delivery& delivery, const IntakeResult& result);
  void add_up();
  void taskFailed(kj::Exception&& e) override;

  kj::Timer& timer_;
  IntakeClient& client_;
  const std::vector<ReplayMessage>& messages_;
  std::vector<Delivery> plan_;
  ReplayReport report_;
  Options options_;
  std::vector<State> states_;
  std::size_t next_ = 0;
  std::size_t running_ = 0;
  bool stopped_ = false;
  kj::TimePoint began_ = kj::origin<kj::TimePoint>();
  kj::Own<kj::PromiseFulfiller<void>> done_;
  bool armed_ = false;  // pump() will be called at the next one's time
  kj::TaskSet under_way_;
};

}  // namespace crossfloor::cli
