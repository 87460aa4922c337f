#include "node/shell/node_lives.h"

#include "node/runtime/log.h"
#include "storage/rebuild.h"
#include "storage/rocks/files.h"

namespace crossfloor {

int NodeLives::run() {
  for (;;) {
    if (const auto code = live()) return *code;
  }
}

std::optional<int> NodeLives::live() {
  const auto mode = reading_ ? Foundation::Mode::reading : Foundation::Mode::writing;
  auto laid = Foundation::lay(config_, crypto_, machine_now().wall, mode);
  if (laid.foundation == nullptr) {
    return cannot_live(laid.complaints.errors,
                       laid.complaints.config_at_fault ? wrong_input : failed);
  }
  if (!reading_) {
    auto due = rebuild_is_due(*laid.foundation->store);
    if (!due.ok()) return cannot_live({due.error()}, failed);
    if (due.value()) {
      if (auto done = rebuild(*laid.foundation, crypto_); !done.ok()) {
        return cannot_live({done.error()}, failed);
      }
    }
  }
  auto io = kj::setupAsyncIo();
  NodeProcess node(io, *laid.foundation, crypto_, reading_);
  if (auto started = node.start(); !started.ok()) return cannot_live({started.error()}, failed);
  // A port that the machine chose is known to others by now: the next life keeps it.
  config_.mesh.listen.port = node.mesh_address().port;
  config_.http.listen.port = node.http_address().port;
  return after(node.run());
}

std::optional<int> NodeLives::after(const NodeProcess::End& end) {
  switch (end.why) {
    case NodeProcess::End::Why::stopped:
      return 0;
    case NodeProcess::End::Why::failed:
      return failed;
    case NodeProcess::End::Why::there_is_room:
      reading_.reset();
      return std::nullopt;
    case NodeProcess::End::Why::store_failed:
      break;
  }
  if (end.error.code == ErrorCode::full) {
    read_until_there_is_room(end.error);
    return std::nullopt;
  }
  if (reopenings_.allow(machine_now().steady)) return std::nullopt;
  return complain_({{end.error.code, "the store failed time and again: " + end.error.what,
                     end.error.where, end.error.mend}},
                   failed);
}

std::optional<int> NodeLives::cannot_live(std::vector<Error> why, int code) {
  if (reading_) why.insert(why.begin(), reading_->why);  // for want of room it could not even read
  if (reading_ || why.front().code != ErrorCode::full) return complain_(why, code);
  read_until_there_is_room(why.front());
  return std::nullopt;
}

void NodeLives::read_until_there_is_room(const Error& why) {
  // Twice what must stay free, so that it does not go on for a moment only. A disk that is full
  // although much is free (of quotas, of inodes) must have more than that.
  const std::uint64_t reserve = reserve_of(config_.storage);
  const auto found = files::free_bytes(config_.node.data_folder);
  const std::uint64_t free = found.ok() ? found.value() : 0;
  reading_ = {why, free < reserve ? 2 * reserve : free + reserve};
  log_error("no_room", {{"what", why.what},
                        {"where", config_.node.data_folder},
                        {"free", free},
                        {"wanted", reading_->bytes_wanted}});
}

}  // namespace crossfloor
