#include "tools/crossfloor/node_client.h"

#include <kj/async-io.h>
#include <kj/compat/http.h>
#include <kj/compat/tls.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "node/gateway/tls.h"
#include "node/runtime/files.h"

namespace crossfloor::cli {
namespace {

constexpr std::size_t max_answer = 64 * 1024 * 1024;
constexpr std::size_t max_token = 4096;

std::string socket_of(const Context& context) {
  return context.data + "/control.sock";
}

Error not_reached(const Context& context, const std::string& why) {
  if (!context.url.empty()) {
    return Error{ErrorCode::unavailable, "the node cannot be reached: " + why, context.url,
                 "is it running? is the port right? if its certificate is of a private authority: "
                 "--authorities FILE"};
  }
  return Error{ErrorCode::unavailable, "the node cannot be reached: " + why, socket_of(context),
               "is crossfloord running? name another node with --data DIR or --node URL"};
}

Status check_socket(const Context& context) {
  const std::string path = socket_of(context);
  if (::access(path.c_str(), F_OK) != 0) {
    return not_reached(context, "there is no control.sock in its data folder, or it is hidden");
  }
  if (::access(path.c_str(), R_OK | W_OK) != 0) {
    Error error = not_reached(context, "this user has no right to its control.sock");
    error.mend = "run it with sudo, or join the group crossfloor";
    return error;
  }
  return {};
}

Result<std::string> token_of(const Context& context) {
  if (context.token_file.empty()) return std::string();
  auto text = read_private_file(context.token_file, max_token);
  if (!text.ok()) return text.error();
  std::string token = text.value();
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) {
    token.pop_back();
  }
  return token;
}

ErrorCode code_of(const std::string& type, unsigned status) {
  constexpr const char* prefix = "urn:crossfloor:problem:";
  for (const auto code :
       {ErrorCode::malformed, ErrorCode::too_large, ErrorCode::unauthenticated,
        ErrorCode::forbidden, ErrorCode::not_found, ErrorCode::conflict, ErrorCode::stale,
        ErrorCode::full, ErrorCode::unavailable, ErrorCode::corrupt, ErrorCode::io}) {
    if (type == prefix + std::string(name_of(code))) return code;
  }
  return status >= 500 ? ErrorCode::io : ErrorCode::malformed;
}

// A problem document (RFC 9457), or whatever else came.
Error problem_of(unsigned status, const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const auto text = [&](const char* name) {
    return json.is_object() && json.contains(name) && json[name].is_string()
               ? json[name].get<std::string>()
               : std::string();
  };
  Error error{code_of(text("type"), status), text("detail"), text("field"), text("mend")};
  if (error.what.empty()) error.what = "the node answered with status " + std::to_string(status);
  // That a node refuses because of somebody else does not mean that it cannot be reached.
  if (error.code == ErrorCode::unavailable) error.code = ErrorCode::full;
  return error;
}

struct Answer {
  unsigned status = 0;
  std::string body;
};

kj::Promise<Answer> post(kj::HttpClient& client, kj::StringPtr url, kj::HttpHeaders& headers,
                         const std::string& body) {
  auto request = client.request(kj::HttpMethod::POST, url, headers, body.size());
  auto written = request.body->write(body.data(), body.size()).attach(kj::mv(request.body));
  return written.then([response = kj::mv(request.response)]() mutable { return kj::mv(response); })
      .then([](kj::HttpClient::Response&& response) {
        const unsigned status = response.statusCode;
        auto text = response.body->readAllText(max_answer);
        return text.attach(kj::mv(response.body)).then([status](kj::String&& all) {
          return Answer{status, std::string(all.begin(), all.size())};
        });
      });
}

Answer exchange(const Context& context, const std::string& question, const std::string& body,
                const std::string& token, kj::TlsContext* tls, Duration within) {
  auto io = kj::setupAsyncIo();
  auto& timer = io.provider->getTimer();
  auto& network = io.provider->getNetwork();
  kj::HttpHeaderTable::Builder names;
  const auto authorization = names.add("Authorization");
  auto table = names.build();
  kj::HttpHeaders headers(*table);
  headers.set(kj::HttpHeaderId::CONTENT_TYPE, "application/json");
  if (!token.empty()) headers.set(authorization, kj::str("Bearer ", token.c_str()));
  const std::string path = "/v1/operator/" + question;
  const auto limit = static_cast<std::int64_t>(within.count()) * kj::MILLISECONDS;

  if (context.url.empty()) {
    const std::string name = "unix:" + socket_of(context);
    auto address = network.parseAddress(name.c_str()).wait(io.waitScope);
    auto client = kj::newHttpClient(timer, *table, *address);
    headers.set(kj::HttpHeaderId::HOST, "localhost");
    return timer.timeoutAfter(limit, post(*client, path.c_str(), headers, body)).wait(io.waitScope);
  }
  auto secure = tls->wrapNetwork(network);
  auto client = kj::newHttpClient(timer, *table, network, *secure);
  const std::string url = context.url + path;
  return timer.timeoutAfter(limit, post(*client, url.c_str(), headers, body)).wait(io.waitScope);
}

}  // namespace

bool node_is_there(const Context& context) {
  return !context.url.empty() || ::access(socket_of(context).c_str(), F_OK) == 0;
}

Result<std::string> ask_node(const Context& context, const std::string& question,
                             const std::string& arguments, Duration within) {
  if (context.url.empty()) {
    if (auto status = check_socket(context); !status.ok()) return status.error();
  }
  auto token = token_of(context);
  if (!token.ok()) return token.error();
  std::shared_ptr<kj::TlsContext> tls;
  if (!context.url.empty()) {
    auto loaded = load_client_tls(context.authorities);
    if (!loaded.ok()) return loaded.error();
    tls = std::move(loaded).value();
  }
  try {
    const Answer answer = exchange(context, question, arguments, token.value(), tls.get(), within);
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    return problem_of(answer.status, answer.body);
  } catch (const kj::Exception& wrong) {
    return not_reached(context, wrong.getDescription().cStr());
  }
}

}  // namespace crossfloor::cli
