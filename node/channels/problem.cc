#include "node/channels/problem.h"

#include <nlohmann/json.hpp>

namespace crossfloor {

int http_status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::malformed:
      return 400;
    case ErrorCode::too_large:
      return 413;
    case ErrorCode::unauthenticated:
      return 401;
    case ErrorCode::forbidden:
      return 403;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::conflict:
      return 409;
    case ErrorCode::stale:
      return 409;  // look again and repeat; it is not gone for ever
    case ErrorCode::full:
      return 503;
    case ErrorCode::unavailable:
      return 503;
    case ErrorCode::corrupt:
      return 500;
    case ErrorCode::io:
      return 500;
  }
  return 500;
}

const char* http_reason_of(int status) {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "";
  }
}

std::string problem_document(const Error& error, int status) {
  nlohmann::ordered_json json{
      {"type", std::string("urn:crossfloor:problem:") + name_of(error.code)},
      {"title", http_reason_of(status)},
      {"status", status},
      {"detail", error.what}};
  if (!error.where.empty()) json["field"] = error.where;
  if (!error.mend.empty()) json["mend"] = error.mend;
  // An error may quote what was sent, valid text or not.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string problem_document(const Error& error) {
  return problem_document(error, http_status_of(error.code));
}

}  // namespace crossfloor
