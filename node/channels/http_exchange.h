// One HTTP call to somebody else's server, as plain values: what the pure cores ask for and what
// they are told of it. The three ends differ in what the other side may have done.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "protocol/bytes.h"

namespace crossfloor {

using HttpHeaderList = std::vector<std::pair<std::string, std::string>>;

struct HttpCall {
  std::string method;  // "GET", "POST" or "PUT"
  std::string url;     // http:// or https://
  HttpHeaderList headers;
  Bytes body;
};

struct HttpOutcome {
  enum class End {
    not_sent,   // no byte of the request left: the other side has surely done nothing
    no_answer,  // something was sent, and no whole answer came: nobody knows
    answered,
  };
  End end = End::not_sent;
  int status = 0;
  HttpHeaderList headers;  // names in lower case
  Bytes body;
  std::string why;  // for people, unless answered

  // The first header of that name (lower case), or "".
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

}  // namespace crossfloor
