// Hands one message to an account's hosts as docs/channel.md says, until it has a receipt, is
// refused, or patience ends: no connection, no answer, 408, 425, 429 and 5xx are tried again with
// growing pauses, each time at the next host. Repeating is safe: the same external_id is one
// message.
#pragma once

#include <kj/async-io.h>

#include <string>

#include "node/gateway/http_client.h"
#include "protocol/crypto.h"
#include "protocol/json_value.h"
#include "tools/crossfloor/channel_targets.h"

namespace crossfloor::cli {

struct IntakeResult {
  enum class End { taken, refused, given_up };
  End end = End::given_up;
  int status = 0;      // of the last answer; 0: none
  std::string host;    // that was asked last
  std::string reason;  // unless taken: for people, the same for the same fault
  JsonValue receipt;   // if taken: the object of the answer
  unsigned attempts = 0;
};

class IntakeClient {
 public:
  struct Options {
    Duration first_pause{250};
    Duration longest_pause{5'000};
    Duration patience{60'000};  // no new attempt after this
  };
  // All that is given outlives the client, and the client its promises.
  IntakeClient(HttpClient& http, kj::Timer& timer, Random& random, Options options)
      : http_(http), timer_(timer), random_(random), options_(options) {}

  // `body` as write_generic_message() gives it; `target` outlives the promise, which never throws.
  kj::Promise<IntakeResult> send(const ChannelTarget& target, std::size_t first_host,
                                 std::string body);

 private:
  struct Run;
  kj::Promise<void> attempt(Run& run);
  bool judge(Run& run, const HttpOutcome& outcome) const;

  HttpClient& http_;
  kj::Timer& timer_;
  Random& random_;
  Options options_;
};

// The value of a text member of an object; "" if it is not there or no text.
std::string text_member(const JsonValue& object, std::string_view name);
bool flag_member(const JsonValue& object, std::string_view name);

}  // namespace crossfloor::cli
