#include "node/gateway/router.h"

#include <algorithm>

#include "protocol/check.h"

namespace crossfloor {
namespace {

constexpr std::size_t max_query_fields = 64;

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1);  // the '/'
    const auto end = std::min(path.find('/'), path.size());
    out.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return out;
}

bool is_name(const std::string& segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}
bool is_rest(const std::string& segment) {
  return is_name(segment) && segment[segment.size() - 2] == '*';
}

// How well a route fits: for each segment 'a' literal, 'b' name, 'c' rest; the least is the best.
std::optional<std::string> fit(const HttpRouter::Route& route, const std::vector<std::string>& path,
                               std::map<std::string, std::string>& parameters) {
  std::string rank;
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    const std::string& wanted = route.segments[i];
    if (is_rest(wanted)) {
      std::string rest;
      for (std::size_t j = i; j < path.size(); ++j) rest += (j > i ? "/" : "") + path[j];
      const auto decoded = decode_percent(rest);
      if (!decoded) return std::nullopt;
      parameters[wanted.substr(1, wanted.size() - 3)] = *decoded;
      return rank + 'c';
    }
    if (i >= path.size()) return std::nullopt;
    if (is_name(wanted)) {
      const auto decoded = decode_percent(path[i]);
      if (!decoded || decoded->empty()) return std::nullopt;
      parameters[wanted.substr(1, wanted.size() - 2)] = *decoded;
      rank += 'b';
    } else {
      if (wanted != path[i]) return std::nullopt;
      rank += 'a';
    }
  }
  if (path.size() != route.segments.size()) return std::nullopt;
  return rank;
}

bool serves(const HttpRouter::Route& route, const std::string& method) {
  return route.method == method || (route.method == "GET" && method == "HEAD" && route.handle);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void HttpRouter::add(const std::string& method, const std::string& pattern, HttpHandler handler,
                     std::size_t max_body) {
  XF_CHECK(!pattern.empty() && pattern.front() == '/');
  routes_.push_back(std::make_unique<Route>(
      Route{method, split_path(pattern), max_body, std::move(handler), {}, {}}));
}

void HttpRouter::add_web_socket(const std::string& pattern, WebSocketHandler handler,
                                WebSocketGuard guard) {
  XF_CHECK(!pattern.empty() && pattern.front() == '/');
  routes_.push_back(std::make_unique<Route>(
      Route{"GET", split_path(pattern), 0, {}, std::move(handler), std::move(guard)}));
}

HttpRouter::Match HttpRouter::match(HttpRequest& request) const {
  const auto path = split_path(request.path);
  Match out;
  std::string best;
  std::vector<std::string> allowed;
  for (const auto& route : routes_) {
    std::map<std::string, std::string> parameters;
    const auto rank = fit(*route, path, parameters);
    if (!rank) continue;
    allowed.push_back(route->method);
    if (route->method == "GET" && route->handle) allowed.emplace_back("HEAD");
    if (!serves(*route, request.method) || (out.route && *rank >= best)) continue;
    best = *rank;
    out.route = route.get();
    request.parameters = std::move(parameters);
  }
  if (out.route) {
    out.status = 200;
  } else if (!allowed.empty()) {
    out.status = 405;
    std::sort(allowed.begin(), allowed.end());
    allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
    for (const auto& method : allowed) out.allowed += (out.allowed.empty() ? "" : ", ") + method;
  }
  return out;
}

std::optional<std::string> decode_percent(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    out += c;
  }
  if (!is_valid_utf8(out)) return std::nullopt;
  return out;
}

Status read_target(std::string_view target, HttpRequest& request) {
  const auto broken = [](std::string what, std::string where) {
    return Error{ErrorCode::malformed, std::move(what), std::move(where),
                 "send a path and a query as RFC 3986 has them"};
  };
  if (target.empty() || target.front() != '/') return broken("is not a path", "url");
  const auto end = std::min(target.find('?'), target.size());
  request.path = target.substr(0, end);
  std::string_view rest = target.substr(std::min(end + 1, target.size()));
  while (!rest.empty()) {
    const auto stop = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, stop);
    rest.remove_prefix(std::min(stop + 1, rest.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = decode_percent(pair.substr(0, equals), true);
    auto value = decode_percent(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return broken("is broken", "query");
    if (request.query.size() >= max_query_fields) return broken("has too many fields", "query");
    if (!request.query.emplace(*name, std::move(*value)).second) {
      return broken("is given twice", "query." + *name);
    }
  }
  return {};
}

}  // namespace crossfloor
