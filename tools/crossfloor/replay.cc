#include "tools/crossfloor/replay.h"

#include <cstdio>

#include "tools/crossfloor/receipts_file.h"

namespace crossfloor::cli {
namespace {

constexpr std::size_t max_lines = 10;
constexpr kj::Duration late_after = 1 * kj::SECONDS;

std::size_t total(const std::map<std::string, ReplayReport::Group>& groups) {
  std::size_t out = 0;
  for (const auto& [reason, group] : groups) out += group.count;
  return out;
}

void add(std::map<std::string, ReplayReport::Group>& groups, std::size_t line,
         const std::string& reason) {
  auto& group = groups[reason];
  ++group.count;
  if (group.lines.size() < max_lines) group.lines.push_back(line);
}

std::string groups_text(const std::string& title,
                        const std::map<std::string, ReplayReport::Group>& groups) {
  std::string out;
  for (const auto& [reason, group] : groups) {
    out += title + " " + std::to_string(group.count) + ": " + reason + " (line";
    for (std::size_t i = 0; i < group.lines.size(); ++i) {
      out += (i == 0 ? " " : ", ") + std::to_string(group.lines[i]);
    }
    out += group.count > group.lines.size() ? ", …)\n" : ")\n";
  }
  return out;
}

JsonValue groups_json(const std::map<std::string, ReplayReport::Group>& groups) {
  JsonValue out = JsonValue::empty_list();
  for (const auto& [reason, group] : groups) {
    JsonValue one = JsonValue::empty_object();
    one.add("reason", JsonValue::of_text(reason));
    one.add("messages", JsonValue::of_natural(group.count));
    JsonValue lines = JsonValue::empty_list();
    for (const auto line : group.lines) lines.items.push_back(JsonValue::of_natural(line));
    one.add("first_lines", std::move(lines));
    out.items.push_back(std::move(one));
  }
  return out;
}

std::string fixed(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.1f", value);
  return out;
}

double rate(const ReplayReport& report) {
  return report.seconds > 0 ? static_cast<double>(report.deliveries) / report.seconds : 0;
}

}  // namespace

std::size_t ReplayReport::refused_messages() const {
  return total(refused);
}
std::size_t ReplayReport::given_up_messages() const {
  return total(given_up);
}
bool ReplayReport::fine() const {
  return refused.empty() && given_up.empty() && contradictions.empty() && !interrupted;
}
void ReplayReport::refuse(std::size_t line, const std::string& reason) {
  add(refused, line, reason);
}

std::string report_text(const ReplayReport& report) {
  const auto count = [](const char* name, std::size_t number, const std::string& more = "") {
    std::string out = name;
    out.resize(12, ' ');
    return out + std::to_string(number) + (more.empty() ? "" : "  " + more) + "\n";
  };
  std::string out = count("rows", report.rows,
                          report.left_out > 0 ? std::to_string(report.left_out) + " left out" : "");
  out += count("accepted", report.accepted,
               std::to_string(report.mesh) + " receipts on two disks, " +
                   std::to_string(report.known) + " messages were there before");
  out += count("duplicates", report.duplicates, "answered with the receipt of the same message");
  out += count("refused", report.refused_messages());
  out += count("given up", report.given_up_messages());
  out += count("deliveries", report.deliveries,
               "in " + fixed(report.seconds) + " s, " + fixed(rate(report)) + " per second, " +
                   std::to_string(report.retries) + " attempts repeated");
  if (report.late > 0) out += count("late", report.late, "more than 1 s behind their time");
  out += groups_text("refused", report.refused);
  out += groups_text("given up", report.given_up);
  for (const auto& id : report.contradictions) {
    out += "contradiction: " + id + " became two messages\n";
  }
  if (report.interrupted) out += "interrupted: not all was delivered\n";
  return out;
}

JsonValue report_json(const ReplayReport& report) {
  JsonValue out = JsonValue::empty_object();
  const auto count = [&out](const char* name, std::size_t number) {
    out.add(name, JsonValue::of_natural(number));
  };
  count("rows", report.rows);
  count("left_out", report.left_out);
  count("messages", report.messages);
  count("accepted", report.accepted);
  count("known_before", report.known);
  count("duplicates", report.duplicates);
  count("refused", report.refused_messages());
  count("given_up", report.given_up_messages());
  count("deliveries", report.deliveries);
  count("retries", report.retries);
  count("receipts_mesh", report.mesh);
  count("late", report.late);
  out.add("refused_for", groups_json(report.refused));
  out.add("given_up_for", groups_json(report.given_up));
  JsonValue contradictions = JsonValue::empty_list();
  for (const auto& id : report.contradictions) {
    contradictions.items.push_back(JsonValue::of_text(id));
  }
  out.add("contradictions", std::move(contradictions));
  out.add("seconds", JsonValue::of_decimal(report.seconds));
  out.add("per_second", JsonValue::of_decimal(rate(report)));
  out.add("interrupted", JsonValue::of_bool(report.interrupted));
  return out;
}

Replay::Replay(kj::Timer& timer, IntakeClient& client, const std::vector<ReplayMessage>& messages,
               std::vector<Delivery> plan, ReplayReport report, Options options)
    : timer_(timer),
      client_(client),
      messages_(messages),
      plan_(std::move(plan)),
      report_(std::move(report)),
      options_(std::move(options)),
      states_(messages.size()),
      under_way_(*this) {
  report_.messages = messages.size();
}

double Replay::seconds() const {
  return static_cast<double>((timer_.now() - began_) / kj::MILLISECONDS) / 1000;
}

kj::Promise<void> Replay::run() {
  auto ends = kj::newPromiseAndFulfiller<void>();
  done_ = kj::mv(ends.fulfiller);
  began_ = timer_.now();
  pump();
  return kj::mv(ends.promise);
}

void Replay::stop() {
  if (stopped_) return;
  stopped_ = true;
  report_.interrupted = next_ < plan_.size();
  pump();
}

void Replay::pump() {
  while (!stopped_ && next_ < plan_.size() && running_ < options_.at_once) {
    const Delivery& delivery = plan_[next_];
    const kj::TimePoint due = began_ + delivery.at.count() * kj::MILLISECONDS;
    if (due > timer_.now()) {
      if (!armed_) {
        armed_ = true;
        under_way_.add(timer_.atTime(due).then([this] {
          armed_ = false;
          pump();
        }));
      }
      return;
    }
    if (delivery.at.count() > 0 && timer_.now() - due > late_after) ++report_.late;
    ++next_;
    start(delivery);
  }
  if (running_ == 0 && (stopped_ || next_ == plan_.size()) && done_->isWaiting()) {
    add_up();
    done_->fulfill();
  }
}

void Replay::start(const Delivery& delivery) {
  const ReplayMessage& message = messages_[delivery.message];
  ++running_;
  under_way_.add(client_.send(*message.target, delivery.host, message.body)
                     .then([this, &delivery](IntakeResult&& result) {
                       --running_;
                       finished(delivery, result);
                       pump();
                     }));
}

// The client's promises do not fail, so this is a fault of ours: the replay ends with it.
void Replay::taskFailed(kj::Exception&& e) {
  if (done_->isWaiting()) done_->reject(kj::mv(e));
}

void Replay::finished(const Delivery& delivery, const IntakeResult& result) {
  const ReplayMessage& message = messages_[delivery.message];
  State& state = states_[delivery.message];
  ++report_.deliveries;
  report_.retries += result.attempts - 1;
  if (result.end == IntakeResult::End::taken) {
    const std::string id = text_member(result.receipt, "message_id");
    if (state.taken) ++report_.duplicates;
    if (state.taken && id != state.message_id) {
      report_.contradictions.push_back(message.external_id);
    }
    state.taken = true;
    state.message_id = id;
    if (!flag_member(result.receipt, "duplicate")) state.fresh = true;
    if (text_member(result.receipt, "durable") == "mesh") ++report_.mesh;
    if (options_.on_receipt) {
      options_.on_receipt(
          receipt_line(message.target->account, message.external_id, result.host, result.receipt));
    }
  } else {
    state.failure = result.reason;
    state.refused = result.end == IntakeResult::End::refused;
  }
  if (options_.on_progress) options_.on_progress(*this);
}

void Replay::add_up() {
  report_.seconds = seconds();
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const State& state = states_[i];
    if (state.taken) {
      ++report_.accepted;
      if (!state.fresh) ++report_.known;
    }
    // A message that was taken once and refused once is told in both: somebody is wrong.
    if (state.refused) {
      add(report_.refused, messages_[i].line, state.failure);
    } else if (!state.failure.empty() && !state.taken) {
      add(report_.given_up, messages_[i].line, state.failure);
    }
  }
}

}  // namespace crossfloor::cli
