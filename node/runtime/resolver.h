// Names of hosts to addresses, without standing still.
//
// The C library's look-up can take many seconds when a name server is away, and libzmq would do it
// on the thread that carries all links. Here one thread of its own does it; it shares two queues
// with the event loop and nothing else, and is never waited for.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "protocol/time.h"

namespace kj {
class UnixEventPort;
}

namespace crossfloor {

class Resolver {
 public:
  static constexpr std::size_t max_names = 1024;
  static constexpr Duration keep{30'000};  // after this a name is looked up again

  Resolver(kj::UnixEventPort& port, std::function<void()> answered);
  ~Resolver();

  // Numeric addresses of `host`, at once if it is one itself or is known; else empty, and
  // `answered` is called when asking again may give more. An answer that is too old is used until
  // there is a newer one.
  std::vector<std::string> look_up(const std::string& host, Instant now);

 private:
  struct Shared;
  struct Watch;
  struct Known {
    std::vector<std::string> addresses;
    Instant asked{};
  };
  void collect();

  std::shared_ptr<Shared> shared_;
  std::function<void()> answered_;
  std::map<std::string, Known> known_;
  std::unique_ptr<Watch> watch_;
};

bool is_numeric_host(const std::string& host);

}  // namespace crossfloor
