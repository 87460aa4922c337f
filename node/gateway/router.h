// Which handler answers which path.
//
// A pattern is made of segments: literal ones, "{name}" for exactly one, and as the last one
// "{name*}" for all the rest: "/v1/channels/{account}/messages", "/app/{file*}". Literal segments
// win over names, names over the rest.
#pragma once

#include <kj/async.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/gateway/http_message.h"
#include "node/gateway/web_socket.h"

namespace crossfloor {

// May run for long; dropped when the server goes away. What it throws is answered as 500 without
// the inner text.
using HttpHandler = std::function<kj::Promise<HttpReply>(HttpRequest)>;
// Sets on_text and on_close of the session, which is open from then on.
using WebSocketHandler = std::function<void(HttpRequest, std::shared_ptr<WebSocketSession>)>;
// May refuse a request before it becomes a WebSocket.
using WebSocketGuard = std::function<Status(const HttpRequest&)>;

class HttpRouter {
 public:
  static constexpr std::size_t default_max_body = 256 * 1024;

  struct Route {
    std::string method;
    std::vector<std::string> segments;
    std::size_t max_body = default_max_body;
    HttpHandler handle;
    WebSocketHandler open;  // of a WebSocket route; then `handle` is empty
    WebSocketGuard guard;
  };

  // A handler for GET answers HEAD as well.
  void add(const std::string& method, const std::string& pattern, HttpHandler handler,
           std::size_t max_body = default_max_body);
  void add_web_socket(const std::string& pattern, WebSocketHandler handler,
                      WebSocketGuard guard = {});

  // The route for the request, whose `parameters` are filled in; or why there is none: 404, or 405
  // with the methods that exist. Routes stay where they are.
  struct Match {
    const Route* route = nullptr;
    int status = 404;
    std::string allowed;  // for 405: "GET, HEAD"
  };
  Match match(HttpRequest& request) const;

 private:
  std::vector<std::unique_ptr<Route>> routes_;
};

// "a%20b" → "a b". Nothing if an escape is broken or the text has a zero byte or is not UTF-8.
std::optional<std::string> decode_percent(std::string_view text, bool plus_is_space = false);

// Cuts a request's target into path and query. `malformed` if it is not a path, its query is broken
// or names something twice.
Status read_target(std::string_view target, HttpRequest& request);

}  // namespace crossfloor
