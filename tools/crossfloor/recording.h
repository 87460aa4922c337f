// What a table of recorded messages says: who wrote what to which brand, when, and in answer to
// what. Columns are named by a map; the rest is worked out from the rows as a whole, because
// recordings say little about single rows:
//
//   thread    the message at the top of the chain of parents, if no column names it
//   brand     of a customer's row without a brand column: the first brand that the text mentions
//             as @name; else who answered it; else who was answered above it; else who answered
//             first in its thread
//   customer  of a brand's row: who wrote the nearest customer's message above it; else whom the
//             text mentions first as @name, unless that is a brand
//
// A pure reading: no files, no clock.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/incoming_message.h"
#include "protocol/result.h"

namespace crossfloor::cli {

// Column names of a table; an empty one is not there.
struct ColumnMap {
  std::string external_id;
  std::string customer;  // of a row that is not inbound, and without `brand`: the brand
  std::string text;
  std::string time;     // RFC 3339, "Tue Oct 31 22:10:47 +0000 2017", or seconds or ms since 1970
  std::string parent;   // external_id of what it answers
  std::string inbound;  // true, false, 1, 0, yes, no, in, out in any case; without: all are
  std::string brand;
  std::string thread;
  std::string name;  // of the customer
  std::string language;
  std::string is_public;  // as `inbound`
  std::string topic;
  bool all_public = false;

  // "external_id=tweet_id,customer=author_id,…"; set over what is there already.
  Status set(std::string_view pairs);
};

// "customer-support-on-twitter": the public set of that name, with the columns tweet_id, author_id,
// inbound, created_at, text and in_response_to_tweet_id.
Result<ColumnMap> column_preset(std::string_view name);

struct RecordedMessage {
  std::size_t line = 0;
  std::string brand;  // empty only in a table with neither `brand` nor `inbound`
  IncomingMessage message;  // provider_time_ms is the recorded time
};

struct RefusedRow {
  std::size_t line = 0;
  std::string reason;
};

struct Recording {
  std::vector<RecordedMessage> messages;  // by recorded time, then line
  std::vector<RefusedRow> refused;
  std::size_t rows = 0;  // without the header
};

// `brands`: names that are brands also if none of their rows is in the table. An error is one of
// the table as a whole: no header, a mapped column that is not there.
Result<Recording> read_recording(std::string_view csv, const ColumnMap& columns,
                                 const std::set<std::string>& brands);

// Milliseconds since 1970.
std::optional<std::int64_t> parse_recorded_time(std::string_view text);

}  // namespace crossfloor::cli
