#include "node/core/intake.h"

#include <algorithm>

namespace crossfloor {
namespace {

// One message's edits; each has a place in its row.
constexpr std::size_t max_copies = 256;

Error nobody_in_reach() {
  return {ErrorCode::unavailable, "no other node of the region is in reach", "",
          "send it again later, or to another host"};
}

// What the account adds to what the channel said.
std::shared_ptr<MessageBody> body_of(const AccountSettings& account, const IncomingMessage& said,
                                     std::int64_t taken_ms) {
  auto body = std::make_shared<MessageBody>();
  body->account = account.name;
  body->brand = account.brand;
  body->channel = word_of(account.channel);
  body->taken_ms = taken_ms;
  body->trusted_ref = account.trusted_ref;
  body->message = said;
  if (body->message.language.empty()) body->message.language = account.language;
  auto& skills = body->message.skills;
  for (const auto& skill : account.skills) {
    if (std::find(skills.begin(), skills.end(), skill) == skills.end()) skills.push_back(skill);
  }
  return body;
}

}  // namespace

void Intake::take(RequestId request, const std::string& account_name,
                  const IncomingMessage& message, Now now) {
  const AccountSettings* account = settings_.account(account_name);
  const bool mesh = account != nullptr && asks_mesh(*account, now);
  if (auto why = refusal(account_name, account, mesh, now)) {
    return outlet_.emit(AnswerIntake{request, std::move(*why)});
  }
  auto receipt = write(*account, message, now);
  if (!receipt.ok()) return outlet_.emit(AnswerIntake{request, receipt.error()});
  // What was sent from here and comes back is known by the outcome of the reply.
  const bool echo = receipt.value().sequence == 0;
  if (mesh && !echo) return answer_when_durable(request, receipt.value());
  receipt.value().mesh = mesh;
  outlet_.emit(AnswerIntake{request, receipt.value()});
}

std::optional<Error> Intake::refusal(const std::string& name, const AccountSettings* account,
                                     bool mesh, Now now) const {
  if (account == nullptr || !account->hosted_here || scribe_.subjects(account->region) == nullptr) {
    return Error{ErrorCode::not_found, "this node hosts no channel account " + name, "",
                 "see [[account]] in site.toml"};
  }
  if (stopping_) {
    return Error{ErrorCode::unavailable, "this node is stopping", "", "ask another host"};
  }
  if (mesh && settings_.when_alone == WhenAlone::refuse && given_up(account->region, now)) {
    return nobody_in_reach();
  }
  if (mesh && receipts_.size() >= Receipts::max_waiting) {
    return Error{ErrorCode::unavailable,
                 "too many messages wait until a second node of the region has them", "",
                 "send it again later, or to another host"};
  }
  return std::nullopt;
}

bool Intake::asks_mesh(const AccountSettings& account, Now now) const {
  return settings_.durability == Durability::mesh && mesh_.nodes_of(account.region, now).size() > 1;
}

bool Intake::given_up(const Region& region, Now now) const {
  const auto alone = alone_since_.find(region);
  return alone != alone_since_.end() && now.steady >= alone->second + settings_.alone_after;
}

// The receipt of a new entry, of the one that holds the same already, or, for the echo of what was
// sent from here, one without an entry.
Result<Receipt> Intake::write(const AccountSettings& account, const IncomingMessage& message,
                              Now now) {
  const Subjects& subjects = *scribe_.subjects(account.region);
  const MessageId id = subjects.message(account.name, message.external_id);
  const Subject text = subjects.text(word_of(message.kind), message.text);
  auto row = rows::message(scribe_.view(), id);
  if (!row.ok()) {
    return Error{row.error().code, row.error().what, "", "see `crossfloor status`"};
  }
  Receipt receipt;
  receipt.message = id;
  const MessageCopy* known = row.value() ? row.value()->find(message.kind, text) : nullptr;
  if (known != nullptr) {
    receipt.duplicate = true;
    receipt.stream = {{known->at.node, known->at.generation}, account.region};
    receipt.sequence = known->at.sequence;
    auto hash = hash_at(scribe_.view(), scribe_.crypto(), receipt.stream, receipt.sequence);
    if (hash.ok()) receipt.hash = hash.value();
    return receipt;
  }
  if (row.value() && !row.value()->echo_of.is_zero() && message.kind == MessageKind::message) {
    receipt.duplicate = true;
    return receipt;
  }
  if (row.value() && row.value()->copies.size() >= max_copies) {
    return Error{ErrorCode::full,
                 "this external id has " + std::to_string(max_copies) + " revisions already",
                 "external_id", "give a new message a new id"};
  }
  const auto written = scribe_.write_message(
      account.region, id, body_of(account, message, ms_of(scribe_.wall(now))), now);
  receipt.stream = written.stream;
  receipt.sequence = written.at.sequence;
  receipt.hash = written.hash;
  return receipt;
}

void Intake::answer_when_durable(RequestId request, const Receipt& receipt) {
  receipts_.wait(receipt.stream, receipt.sequence, [=, this](bool proven) {
    if (!proven && settings_.when_alone == WhenAlone::refuse) {
      return outlet_.emit(AnswerIntake{request, nobody_in_reach()});
    }
    Receipt durable = receipt;
    durable.mesh = proven;
    outlet_.emit(AnswerIntake{request, durable});
  });
}

void Intake::release(Now now) {
  for (const auto& [region, secret] : settings_.region_secrets) {
    if (replication_.alone(region, now)) {
      alone_since_.try_emplace(region, now.steady);
    } else {
      alone_since_.erase(region);
    }
  }
  for (auto& ready : receipts_.take(now.steady, alone_since_, settings_.alone_after)) {
    ready.done(ready.mesh);
  }
}

}  // namespace crossfloor
