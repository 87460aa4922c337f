// Requests and answers of the node's HTTP server as plain values.
#pragma once

#include <map>
#include <string>

#include "node/channels/http_exchange.h"
#include "node/channels/problem.h"
#include "protocol/bytes.h"
#include "protocol/result.h"

namespace crossfloor {

struct HttpRequest {
  std::string method;                             // "GET", "POST", …
  std::string path;                               // as it came, without the query
  std::map<std::string, std::string> parameters;  // {names} of the route's pattern, decoded
  std::map<std::string, std::string> query;       // decoded
  HttpHeaderList headers;                         // names in lower case, values as they came
  Bytes body;
  std::string peer;     // "127.0.0.1:4242", "[::1]:4242" or "unix"; personal, not for logs
  bool secure = false;  // came over TLS

  // The value of that header (name in lower case), or "". Repeated headers are joined by ", ".
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
  std::string parameter(const std::string& name) const {
    const auto it = parameters.find(name);
    return it == parameters.end() ? std::string() : it->second;
  }
};

struct HttpReply {
  int status = 200;
  Bytes body;
  std::string content_type = "application/json";
  HttpHeaderList headers;

  static HttpReply json(Bytes text, int status = 200) {
    return {status, std::move(text), "application/json", {}};
  }
  // No answer: the connection is closed. For stand-ins of other people's servers.
  static HttpReply none() { return {0, {}, {}, {}}; }
  static HttpReply problem(const Error& error) {
    return problem(error, http_status_of(error.code));
  }
  static HttpReply problem(const Error& error, int status) {
    return {status, problem_document(error, status), problem_content_type, {}};
  }
};

}  // namespace crossfloor
