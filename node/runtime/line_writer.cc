#include "node/runtime/line_writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "node/runtime/thread_name.h"

namespace crossfloor {
namespace {

// A descriptor that takes nothing any more (nobody reads the pipe) loses its lines, as it would
// without a thread.
void write_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = ::write(fd, text.data() + done, text.size() - done);
    if (wrote > 0) {
      done += static_cast<std::size_t>(wrote);
    } else if (errno == EAGAIN) {  // somebody who has it, too, made it non-blocking
      pollfd room{fd, POLLOUT, 0};
      ::poll(&room, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

}  // namespace

struct LineWriter::Shared {
  Shared(int fd_given, Options options_given) : fd(fd_given), options(std::move(options_given)) {}

  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return ending || !waiting.empty(); });
      if (waiting.empty()) return;
      const std::string text = std::exchange(waiting, {});
      writing = true;
      lock.unlock();
      write_all(fd, text);
      lock.lock();
      writing = false;
      // Only now: while those lines stood in the way, more may have been left out.
      if (lost > 0 && options.loss) waiting.insert(0, options.loss(std::exchange(lost, 0)));
      changed.notify_all();
    }
  }

  bool drained() const { return waiting.empty() && !writing; }

  const int fd;
  const Options options;

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::string waiting;
  std::uint64_t lost = 0;
  bool writing = false;
  bool ending = false;
};

LineWriter::LineWriter(int fd, Options options)
    : shared_(std::make_shared<Shared>(fd, std::move(options))) {
  std::thread([shared = shared_] {
    name_thread("log");
    shared->run();
  }).detach();
}

LineWriter::~LineWriter() {
  drain(shared_->options.last_lines);
  const std::lock_guard lock(shared_->mutex);
  shared_->ending = true;
  shared_->changed.notify_all();
}

void LineWriter::write(std::string line) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->waiting.size() + line.size() > shared_->options.most_bytes) {
    ++shared_->lost;
    return;
  }
  shared_->waiting += line;
  shared_->changed.notify_all();
}

bool LineWriter::drain(std::chrono::milliseconds within) {
  std::unique_lock lock(shared_->mutex);
  return shared_->changed.wait_for(lock, within, [this] { return shared_->drained(); });
}

}  // namespace crossfloor
