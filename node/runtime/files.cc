#include "node/runtime/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace crossfloor {
namespace {

std::string mode_text(unsigned mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", mode & 07777U);
  return text;
}

Result<Bytes> read_whole(const std::string& path, std::size_t most, unsigned forbidden,
                         const char* wanted_mode) {
  const OwnFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return system_error("cannot open", path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return system_error("cannot look at", path);
  if (!S_ISREG(info.st_mode)) {
    return Error{ErrorCode::io, "is not a regular file", path, "give the path of a file"};
  }
  if ((info.st_mode & forbidden) != 0) {
    return Error{ErrorCode::forbidden,
                 "has mode " + mode_text(info.st_mode) + ", too wide for a secret", path,
                 "chmod " + std::string(wanted_mode) + " " + path};
  }
  Bytes content;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("cannot read", path);
    if (got == 0) return content;
    content.append(buffer, static_cast<std::size_t>(got));
    if (content.size() > most) {
      return Error{ErrorCode::too_large, "is over " + std::to_string(most) + " bytes", path,
                   "give a smaller file"};
    }
  }
}

Status sync_folder_of(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  const OwnFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return system_error("cannot sync", folder);
  return {};
}

Status write_beside(const std::string& temporary, ByteView content, unsigned mode) {
  ::unlink(temporary.c_str());
  const OwnFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return system_error("cannot create", temporary);
  while (!content.empty()) {
    const ssize_t put = ::write(fd.get(), content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return system_error("cannot write", temporary);
    content.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fchmod(fd.get(), mode) != 0) return system_error("cannot set the mode", temporary);
  if (::fsync(fd.get()) != 0) return system_error("cannot sync", temporary);
  return {};
}

}  // namespace

OwnFd& OwnFd::operator=(OwnFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

OwnFd::~OwnFd() {
  if (fd_ >= 0) ::close(fd_);
}

Error system_error(const std::string& doing, const std::string& path) {
  const int number = errno;
  const bool missing = number == ENOENT || number == ENOTDIR;
  std::string mend;
  if (missing) mend = "create it, or correct the path";
  if (number == EACCES || number == EPERM)
    mend = "give the user that runs crossfloord the right to it";
  if (number == ENOSPC || number == EDQUOT) mend = "make room on that disk";
  return Error{missing ? ErrorCode::not_found : ErrorCode::io, doing + ": " + std::strerror(number),
               path, mend};
}

Result<Bytes> read_file(const std::string& path, std::size_t most) {
  return read_whole(path, most, 0, "");
}

Result<Bytes> read_private_file(const std::string& path, std::size_t most) {
  return read_whole(path, most, S_IRWXO | S_IWGRP, "0640");
}

Result<Bytes> read_own_file(const std::string& path, std::size_t most) {
  return read_whole(path, most, S_IRWXO | S_IRWXG, "0600");
}

Status replace_file(const std::string& path, ByteView content, unsigned mode) {
  const std::string temporary = path + ".new";
  if (auto written = write_beside(temporary, content, mode); !written.ok()) return written;
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return system_error("cannot rename its new version", path);
  return sync_folder_of(path);
}

Status create_file(const std::string& path, ByteView content, unsigned mode) {
  const std::string temporary = path + ".new";
  if (auto written = write_beside(temporary, content, mode); !written.ok()) return written;
  // A link fails where the name is taken, so two who create at once cannot both succeed.
  const bool linked = ::link(temporary.c_str(), path.c_str()) == 0;
  const int number = errno;
  ::unlink(temporary.c_str());
  if (!linked && number == EEXIST) {
    return Error{ErrorCode::conflict, "exists already", path,
                 "keep it, or move it away first if it is really to be replaced"};
  }
  errno = number;
  if (!linked) return system_error("cannot create", path);
  return sync_folder_of(path);
}

}  // namespace crossfloor
