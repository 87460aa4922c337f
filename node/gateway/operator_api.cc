#include "node/gateway/operator_api.h"

#include <nlohmann/json.hpp>

#include "protocol/json_value.h"

namespace crossfloor {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t max_body = 2 * 1024 * 1024;  // `mesh apply` carries documents
constexpr auto command_patience = 10 * kj::SECONDS;
constexpr std::size_t max_reason = 500;

Error wrong(std::string field, std::string what, std::string mend = {}) {
  return {ErrorCode::malformed, std::move(what), std::move(field), std::move(mend)};
}

std::string text(const Json& arguments, const char* name) {
  const auto at = arguments.find(name);
  return at != arguments.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_command(const std::string& what) {
  return what == "requeue" || what == "assign" || what == "close";
}

// "Bearer …", the scheme in any case.
std::string bearer(const std::string& header) {
  constexpr std::string_view scheme = "bearer ";
  if (header.size() <= scheme.size()) return "";
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    const char c = header[i];
    if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != scheme[i]) return "";
  }
  return header.substr(scheme.size());
}

}  // namespace

Result<OperatorTokens> OperatorTokens::parse(const Crypto& crypto, const std::string& file) {
  OperatorTokens tokens;
  std::size_t number = 0, at = 0;
  while (at < file.size()) {
    const std::size_t end = std::min(file.find('\n', at), file.size());
    std::string line = file.substr(at, end - at);
    at = end + 1;
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty() || line[0] == '#') continue;
    const auto space = line.find(' ');
    if (space == std::string::npos || space == 0 || line.size() - space - 1 < shortest_token ||
        line.find(' ', space + 1) != std::string::npos) {
      return wrong("line " + std::to_string(number),
                   "is not a name, one blank and a token of 32 or more characters",
                   "make a token with: openssl rand -hex 32");
    }
    tokens.owners_[crypto.hash("crossfloor token", line.substr(space + 1))] = line.substr(0, space);
  }
  return tokens;
}

std::optional<std::string> OperatorTokens::owner(const Crypto& crypto,
                                                 const std::string& token) const {
  if (token.size() < shortest_token) return std::nullopt;
  // By hash, so that the time it takes tells nothing of the tokens.
  const auto at = owners_.find(crypto.hash("crossfloor token", token));
  if (at == owners_.end()) return std::nullopt;
  return at->second;
}

OperatorApi::OperatorApi(NodeCore& core, const Crypto& crypto, Random& random, kj::Timer& timer,
                         Surroundings surroundings)
    : core_(&core),
      crypto_(crypto),
      random_(random),
      timer_(timer),
      around_(std::move(surroundings)) {}

void OperatorApi::set_core(NodeCore& core) {
  core_ = &core;
  for (auto& [request, pending] : std::exchange(pending_, {})) {
    pending.reply->fulfill(HttpReply::problem(
        Error{ErrorCode::unavailable, "the node opened its store anew while this was under way", "",
              "look whether it was done, then repeat it"}));
  }
}

void OperatorApi::add_routes(HttpRouter& router) {
  router.add(
      "POST", "/v1/operator/{what}",
      [this](HttpRequest request) { return handle(std::move(request)); }, max_body);
}

Result<std::string> OperatorApi::who(const HttpRequest& request) const {
  if (request.peer == "unix") return std::string();  // its file's rights let only operators in
  const std::string token = bearer(request.header("authorization"));
  const Error refused{ErrorCode::unauthenticated,
                      token.empty() ? "a token is wanted" : "this token is not known here", "",
                      "send Authorization: Bearer TOKEN with one of http.tokens_file, or use "
                      "control.sock on the node's machine"};
  const auto owner = tokens_.owner(crypto_, token);
  if (!owner) return refused;
  return *owner;
}

kj::Promise<HttpReply> OperatorApi::handle(HttpRequest request) {
  const std::string what = request.parameter("what");
  auto owner = who(request);
  if (!owner.ok()) return HttpReply::problem(owner.error());
  if (!is_command(what) && !Operators::knows(what) && !VerifyPort::asks(what)) {
    return HttpReply::problem(Error{ErrorCode::not_found,
                                    "there is no question or act '" + what + "'", "",
                                    "see `crossfloor --help`"});
  }
  // Strict first: what two readers could understand differently gets no further.
  JsonLimits limits;
  limits.max_bytes = max_body;
  if (request.body.empty()) request.body = "{}";
  if (auto strict = parse_json(request.body, limits); !strict.ok()) {
    return HttpReply::problem(strict.error());
  }
  Json arguments = Json::parse(request.body, nullptr, false);
  if (!arguments.is_object()) return HttpReply::problem(wrong("", "an object is wanted", "{…}"));
  if (!Inspector::find(what)) {
    if (!owner.value().empty()) arguments["by"] = owner.value();
    if (text(arguments, "by").empty()) arguments["by"] = "operator";
  }
  if (is_command(what)) return command(what, dumped(arguments));
  if (arguments.contains("password_hash")) {
    return HttpReply::problem(wrong("password_hash", "is not taken from outside", "send password"));
  }
  if (arguments.contains("password") && (what == "agent_add" || what == "agent_set")) {
    if (!arguments["password"].is_string()) {
      return HttpReply::problem(wrong("password", "must be text"));
    }
    std::string password = arguments["password"];
    arguments.erase("password");
    return with_password(what, dumped(arguments), std::move(password));
  }
  return operate(what, dumped(arguments));
}

kj::Promise<HttpReply> OperatorApi::with_password(const std::string& what, std::string arguments,
                                                  std::string password) {
  auto pair = kj::newPromiseAndFulfiller<Result<std::string>>();
  auto fulfiller =
      std::make_shared<kj::Own<kj::PromiseFulfiller<Result<std::string>>>>(kj::mv(pair.fulfiller));
  around_.hash_password(std::move(password), [fulfiller](Result<std::string> hash) {
    (*fulfiller)->fulfill(std::move(hash));
  });
  return pair.promise.then([this, what, arguments = std::move(arguments)](
                               Result<std::string>&& hash) -> kj::Promise<HttpReply> {
    if (!hash.ok()) {
      Error error = hash.error();
      if (error.where.empty()) error.where = "password";
      return HttpReply::problem(error);
    }
    Json with = Json::parse(arguments);
    with["password_hash"] = hash.value();
    return operate(what, dumped(with));
  });
}

kj::Promise<HttpReply> OperatorApi::operate(const std::string& what, std::string arguments) {
  auto pair = kj::newPromiseAndFulfiller<HttpReply>();
  const RequestId request = next_++;
  pending_[request] = {kj::mv(pair.fulfiller), {}};
  core_->operate(request, what, arguments, around_.now());
  around_.changed();
  return kj::mv(pair.promise);
}

kj::Promise<HttpReply> OperatorApi::command(const std::string& what,
                                            const std::string& arguments_text) {
  const Json arguments = Json::parse(arguments_text);
  for (const auto& [name, value] : arguments.items()) {
    const bool fits = name == "conversation" || name == "reason" || name == "by" ||
                      (name == "agent" && what == "assign");
    if (!fits || !value.is_string()) {
      return HttpReply::problem(fits ? wrong(name, "must be text")
                                     : wrong(name, "'" + what + "' takes no such argument"));
    }
  }
  const std::string reason = text(arguments, "reason");
  if (reason.empty() || reason.size() > max_reason) {
    return HttpReply::problem(wrong("reason", "says why, in 1 to 500 bytes", "add --reason"));
  }
  auto id = Inspector(*core_).conversation_id(text(arguments, "conversation"));
  if (!id.ok()) return HttpReply::problem(id.error());
  DeskCommand command;
  command.id = random_.id<CommandId>();
  command.verb = *from_word<Verb>(what);
  command.conversation = id.value();
  command.agent = text(arguments, "by");
  command.agent_node = core_->mesh().self();
  command.by_operator = true;
  command.reason = reason;
  if (what == "assign") {
    const auto agent = core_->desk().record(text(arguments, "agent"));
    if (!agent || agent->disabled) {
      return HttpReply::problem(Error{
          ErrorCode::not_found,
          agent ? "this agent is disabled" : "there is no agent '" + text(arguments, "agent") + "'",
          "agent", "see `crossfloor agents`"});
    }
    command.to_agent = agent->name;
    command.to_node = agent->node;
  }
  auto pair = kj::newPromiseAndFulfiller<HttpReply>();
  const RequestId request = next_++;
  pending_[request] = {kj::mv(pair.fulfiller), {what, id.value().hex(), command.agent, reason}};
  core_->command(request, command, around_.now());
  around_.changed();
  auto too_long = timer_.afterDelay(command_patience).then([]() {
    return HttpReply::problem(Error{ErrorCode::unavailable,
                                    "the conversation's home cannot be reached; the command waits "
                                    "here and goes to whoever is home next",
                                    "", "see `crossfloor sites`; or `crossfloor takeover`"});
  });
  return pair.promise.exclusiveJoin(kj::mv(too_long));
}

bool OperatorApi::carry_out(const AnswerInspection& answer) {
  const auto at = pending_.find(answer.request);
  if (at == pending_.end()) return answer.request >= first_request;
  auto reply = kj::mv(at->second.reply);
  pending_.erase(at);
  const auto error = error_of(Json::parse(answer.json, nullptr, false));
  reply->fulfill(error ? HttpReply::problem(*error) : HttpReply::json(answer.json));
  return true;
}

bool OperatorApi::carry_out(const AnswerCommand& answer) {
  const auto at = pending_.find(answer.request);
  if (at == pending_.end()) return answer.request >= first_request;
  Pending pending = std::move(at->second);
  pending_.erase(at);
  const CommandAnswer& said = answer.answer;
  if (!said.ok) {
    const auto error =
        error_of(Json{{"error", {{"code", said.code}, {"what", said.what}, {"mend", said.mend}}}});
    pending.reply->fulfill(HttpReply::problem(*error));
    return true;
  }
  core_->act(pending.act, around_.now());
  around_.changed();
  pending.reply->fulfill(HttpReply::json(dumped({{"done", pending.act.verb},
                                                 {"conversation", said.conversation.hex()},
                                                 {"node", core_->mesh().self().hex()},
                                                 {"site", core_->settings().site}})));
  return true;
}

}  // namespace crossfloor
