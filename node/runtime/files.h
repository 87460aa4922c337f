// Small files read and written whole, with errors that name the file and the mend.
#pragma once

#include <string>
#include <utility>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace crossfloor {

// Closes its descriptor.
class OwnFd {
 public:
  OwnFd() = default;
  explicit OwnFd(int fd) : fd_(fd) {}
  OwnFd(OwnFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnFd& operator=(OwnFd&& other) noexcept;
  ~OwnFd();

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// "path: doing what: reason", from errno.
Error system_error(const std::string& doing, const std::string& path);

// Errors: not_found, too_large, io.
Result<Bytes> read_file(const std::string& path, std::size_t most);
// The same, and forbidden if anybody but owner and group may read it, or the group may write.
Result<Bytes> read_private_file(const std::string& path, std::size_t most);
// The same, and forbidden if anybody but the owner may do anything with it.
Result<Bytes> read_own_file(const std::string& path, std::size_t most);

// Durable and whole, or not there: written beside, synced, renamed, folder synced.
Status replace_file(const std::string& path, ByteView content, unsigned mode);
// The same, but conflict if the file exists already (keys are never overwritten).
Status create_file(const std::string& path, ByteView content, unsigned mode);

}  // namespace crossfloor
