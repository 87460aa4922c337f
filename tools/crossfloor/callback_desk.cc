#include "tools/crossfloor/callback_desk.h"

#include <algorithm>

#include "protocol/ids.h"
#include "tools/crossfloor/intake_client.h"

namespace crossfloor::cli {
namespace {

constexpr std::size_t max_waits = 100'000;

CallbackAnswer with_id(int status, const std::string& external_id) {
  JsonValue body = JsonValue::empty_object();
  body.add("external_id", JsonValue::of_text(external_id));
  return {{}, status, dump_json(body), false};
}

CallbackAnswer refusal(int status, const char* why) {
  JsonValue body = JsonValue::empty_object();
  body.add("detail", JsonValue::of_text(why));
  return {{}, status, dump_json(body), false};
}

// What docs/channel.md says is always there.
bool is_sound(const JsonValue& object) {
  const JsonValue* visible = object.find("public");
  return ReplyId::from_hex_text(text_member(object, "reply_id")) &&
         ConversationId::from_hex_text(text_member(object, "conversation_id")) &&
         !text_member(object, "to").empty() && !text_member(object, "text").empty() &&
         visible != nullptr && visible->kind == JsonValue::Kind::boolean;
}

}  // namespace

void CallbackDesk::wrote(const std::string& account, const std::string& customer, WallTime now) {
  waiting_.try_emplace({account, customer}, now);
}

CallbackAnswer CallbackDesk::reply(const std::string& account, const std::string& body,
                                   WallTime now) {
  ++figures_.requests;
  const auto parsed = parse_json(body);
  if (!parsed.ok() || !is_sound(parsed.value())) {
    ++figures_.unsound;
    return refusal(400, "is not a reply as docs/channel.md describes it");
  }
  const JsonValue& object = parsed.value();
  const std::string id = text_member(object, "reply_id");
  const std::string digest = SodiumCrypto().hash(body, {}, {}).hex();
  // Drawn for each request alike, so that a seed gives one order of faults.
  const Duration after = random_.unit() < faults_.slow ? faults_.slow_by : Duration{};
  const double chance = random_.unit();
  const auto slowly = [after](CallbackAnswer answer) {
    answer.after = after;
    return answer;
  };
  if (chance < faults_.fail) {
    ++figures_.failed;
    return slowly(refusal(503, "fails by chance"));
  }
  const auto known = taken_.find({account, id});
  if (known != taken_.end()) return slowly(repeated(known->second, digest));
  if (chance < faults_.fail + faults_.refuse) {
    ++figures_.refused;
    return slowly(refusal(422, "refuses by chance"));
  }
  const std::string external_id = "out-" + id;
  taken_[{account, id}] = {external_id, digest};
  ++figures_.replies;
  log_line_ = take(account, object, external_id, now);
  CallbackAnswer answer = slowly(with_id(200, external_id));
  answer.fresh = true;
  if (chance < faults_.fail + faults_.refuse + faults_.drop) {
    ++figures_.dropped;
    answer.status = 0;
  }
  return answer;
}

CallbackAnswer CallbackDesk::repeated(const Taken& taken, const std::string& digest) {
  ++figures_.repetitions;
  if (!taken.digest.empty() && taken.digest != digest) ++figures_.different;
  return with_id(409, taken.external_id);
}

// The log's line; ends the customer's wait.
std::string CallbackDesk::take(const std::string& account, const JsonValue& object,
                               const std::string& external_id, WallTime now) {
  JsonValue line = JsonValue::empty_object();
  line.add("account", JsonValue::of_text(account));
  for (const char* name : {"reply_id", "conversation_id", "to", "public", "text", "thread_id",
                           "parent_id", "language", "signature"}) {
    if (const JsonValue* value = object.find(name)) line.add(name, *value);
  }
  line.add("external_id", JsonValue::of_text(external_id));
  line.add("received_at", JsonValue::of_natural(static_cast<std::uint64_t>(ms_of(now))));
  const auto wait = waiting_.find({account, text_member(object, "to")});
  if (wait != waiting_.end()) {
    const std::int64_t waited = std::max<std::int64_t>(0, ms_of(now) - ms_of(wait->second));
    waiting_.erase(wait);
    ++figures_.answered;
    waits_.push_back(waited);
    if (waits_.size() > max_waits) waits_.pop_front();
    line.add("waited_ms", JsonValue::of_natural(static_cast<std::uint64_t>(waited)));
  }
  return dump_json(line);
}

CallbackAnswer CallbackDesk::lookup(const std::string& account, const std::string& reply_id) {
  ++figures_.lookups;
  const auto known = taken_.find({account, reply_id});
  if (known == taken_.end()) return refusal(404, "was not taken");
  return with_id(200, known->second.external_id);
}

void CallbackDesk::restore(const std::string& log_line) {
  const auto parsed = parse_json(log_line);
  if (!parsed.ok()) return;  // the last line of a process that was killed may be half
  const std::string account = text_member(parsed.value(), "account");
  const std::string id = text_member(parsed.value(), "reply_id");
  const std::string external_id = text_member(parsed.value(), "external_id");
  if (!id.empty() && !external_id.empty()) taken_[{account, id}] = {external_id, ""};
}

}  // namespace crossfloor::cli
