#include "storage/rocks/files.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace crossfloor::files {
namespace {

Error failed(const std::string& path, const char* doing, int number) {
  const auto code = number == ENOENT                       ? ErrorCode::not_found
                    : number == ENOSPC || number == EDQUOT ? ErrorCode::full
                                                           : ErrorCode::io;
  return Error{code, std::string(doing) + ": " + std::strerror(number), path,
               code == ErrorCode::full ? "make room on the disk" : ""};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string folder_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

Status sync_path(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failed(path, "cannot be opened", errno);
  if (::fsync(file.get()) != 0) return failed(path, "cannot be synced", errno);
  return {};
}

Status sync_folder_and_files(const std::string& folder) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (!at->is_regular_file()) continue;
    if (auto status = sync_path(at->path().string()); !status.ok()) return status;
  }
  if (error) return failed(folder, "cannot be listed", error.value());
  if (auto status = sync_path(folder); !status.ok()) return status;
  return sync_path(folder_of(folder));
}

Status replace(const std::string& path, ByteView content) {
  const std::string fresh = path + ".new";
  {
    const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) return failed(fresh, "cannot be created", errno);
    while (!content.empty()) {
      const auto wrote = ::write(file.get(), content.data(), content.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return failed(fresh, "cannot be written", errno);
      content.remove_prefix(static_cast<std::size_t>(wrote));
    }
    if (::fsync(file.get()) != 0) return failed(fresh, "cannot be synced", errno);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed(path, "cannot be renamed", errno);
  return sync_path(folder_of(path));
}

Result<std::uint64_t> free_bytes(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return failed(path, "cannot look at its disk", errno);
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

Result<Bytes> read(const std::string& path, std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failed(path, "cannot be opened", errno);
  Bytes out;
  char buffer[16 * 1024];
  for (;;) {
    const auto got = ::read(file.get(), buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path, "cannot be read", errno);
    if (got == 0) return out;
    if (out.size() + static_cast<std::size_t>(got) > max_bytes) {
      return Error{ErrorCode::too_large, "over " + std::to_string(max_bytes) + " bytes", path, ""};
    }
    out.append(buffer, static_cast<std::size_t>(got));
  }
}

}  // namespace crossfloor::files
