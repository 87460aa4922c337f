// How a scripted agent works: how long a case takes, and what is answered. Pure, from one seed.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/client_messages.h"
#include "protocol/crypto.h"

namespace crossfloor::cli {

struct HandlingTime {
  enum class Shape { exponential, lognormal, fixed };
  Shape shape = Shape::exponential;
  Duration mean{10'000};
  double spread = 0.8;  // lognormal: standard deviation of the logarithm

  // At most 20 times the mean.
  Duration draw(Random& random) const;
};

// Recorded answers by the platform's id of the message, each message's in the order of the file.
using RecordedReplies = std::map<std::string, std::vector<std::string>>;
// A CSV file with the columns external_id and reply, one row for each answer. Errors: malformed
// with the line.
Result<RecordedReplies> read_replies(std::string_view csv);

struct Account {
  std::string name;
  std::string password;
};
// A CSV file with the columns name and password.
Result<std::vector<Account>> read_accounts(std::string_view csv);

struct PlannedReply {
  std::string text;
  std::vector<MessageId> seen;
  bool is_public = false;
};
// What is answered, and by which text: with recorded answers each message its own; without, all
// that is unanswered by the template. Recorded only and none known: no reply.
//
// Template: {agent} {site} {customer} {count} (unanswered messages), {seen} (their texts),
// {earlier} (what the customer wrote before, in any conversation).
struct AnswerPlan {
  std::string agent;
  std::string site;
  std::string reply_template;  // empty: only recorded answers
  const RecordedReplies* recorded = nullptr;
};
// `items` is what was on the screen, in any order.
std::vector<PlannedReply> plan_replies(const AnswerPlan& plan, const client::ConversationView& view,
                                       const std::vector<client::HistoryItem>& items);

}  // namespace crossfloor::cli
