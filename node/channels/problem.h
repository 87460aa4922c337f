// How an Error looks to whoever spoke HTTP to us: a problem document (RFC 9457) and its status.
#pragma once

#include <string>

#include "protocol/result.h"

namespace crossfloor {

inline constexpr const char* problem_content_type = "application/problem+json";

// 400, 401, 403, 404, 409, 413, 500 or 503.
int http_status_of(ErrorCode code);
const char* http_reason_of(int status);  // "Not Found"; "" for statuses that we never send

// {"type","title","status","detail","field","mend"}; `field` and `mend` only if there are any.
// `type` is "urn:crossfloor:problem:" and the code's name, so that programs need not read prose.
std::string problem_document(const Error& error, int status);
std::string problem_document(const Error& error);

}  // namespace crossfloor
