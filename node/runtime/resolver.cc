#include "node/runtime/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "node/runtime/files.h"
#include "node/runtime/zmq_watch.h"
#include "protocol/check.h"

namespace crossfloor {
namespace {

std::vector<std::string> ask_the_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, freeaddrinfo);
  std::vector<std::string> out;
  for (const addrinfo* at = found; at; at = at->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) ==
        0) {
      out.emplace_back(text);
    }
  }
  return out;
}

}  // namespace

struct Resolver::Shared {
  std::mutex mutex;
  std::condition_variable asked;
  std::deque<std::string> questions;
  std::vector<std::pair<std::string, std::vector<std::string>>> answers;
  bool stop = false;
  bool running = false;
  OwnFd bell{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};

  static void run(const std::shared_ptr<Shared>& shared) {
    std::unique_lock lock(shared->mutex);
    while (true) {
      shared->asked.wait(lock, [&] { return shared->stop || !shared->questions.empty(); });
      if (shared->stop) return;
      const std::string host = std::move(shared->questions.front());
      shared->questions.pop_front();
      lock.unlock();
      auto addresses = ask_the_system(host);
      lock.lock();
      shared->answers.emplace_back(host, std::move(addresses));
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto rung = write(shared->bell.get(), &one, sizeof(one));
    }
  }
};

struct Resolver::Watch {
  ZmqWatch watch;  // edge-triggered like a ZeroMQ socket's descriptor
};

Resolver::Resolver(kj::UnixEventPort& port, std::function<void()> answered)
    : shared_(std::make_shared<Shared>()), answered_(std::move(answered)) {
  XF_CHECK(static_cast<bool>(shared_->bell));
  watch_.reset(new Watch{ZmqWatch(port, shared_->bell.get(), [this] { collect(); })});
}

Resolver::~Resolver() {
  const std::lock_guard lock(shared_->mutex);
  shared_->stop = true;
  shared_->asked.notify_one();
}

std::vector<std::string> Resolver::look_up(const std::string& host, Instant now) {
  if (is_numeric_host(host)) return {host};
  const auto at = known_.find(host);
  const bool fresh = at != known_.end() && now - at->second.asked < keep;
  if (!fresh && (at != known_.end() || known_.size() < max_names)) {
    known_[host].asked = now;
    const std::lock_guard lock(shared_->mutex);
    shared_->questions.push_back(host);
    if (!std::exchange(shared_->running, true)) {
      // Left to itself: at the end of the process nobody waits for a name server.
      std::thread([shared = shared_] { Shared::run(shared); }).detach();
    }
    shared_->asked.notify_one();
  }
  return at == known_.end() ? std::vector<std::string>{} : at->second.addresses;
}

void Resolver::collect() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto heard = read(shared_->bell.get(), &count, sizeof(count));
  decltype(shared_->answers) answers;
  {
    const std::lock_guard lock(shared_->mutex);
    answers.swap(shared_->answers);
  }
  for (auto& [host, addresses] : answers) {
    if (!addresses.empty()) known_[host].addresses = std::move(addresses);
  }
  answered_();
}

bool is_numeric_host(const std::string& host) {
  unsigned char out[16];
  return inet_pton(AF_INET, host.c_str(), out) == 1 || inet_pton(AF_INET6, host.c_str(), out) == 1;
}

}  // namespace crossfloor
