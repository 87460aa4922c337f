// The Unix socket through which the command line speaks HTTP to its node. Who may use it is a
// matter of file rights: its owner, and the group crossfloor if there is one.
#pragma once

#include <string>

#include "node/runtime/files.h"

namespace crossfloor {

// A listening socket; its file is removed with this object.
class ControlSocket {
 public:
  // `path` is DataFolder::control_socket(), whose lock the caller holds: so a socket that lies
  // there is left from a process that ended, and is replaced. Never open to others, not for a
  // moment. Errors: too_large (path over 107 bytes), conflict (something else lies there), io.
  static Result<ControlSocket> listen(const std::string& path);

  ControlSocket(ControlSocket&& other) noexcept;
  ControlSocket& operator=(ControlSocket&&) = delete;
  ~ControlSocket();

  // Bound, listening, non-blocking, close-on-exec; stays owned by this object. For
  // kj::LowLevelAsyncIoProvider::wrapListenSocketFd.
  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

 private:
  ControlSocket(std::string path, OwnFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  OwnFd fd_;
};

}  // namespace crossfloor
