#include "node/runtime/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "node/runtime/data_folder.h"

namespace crossfloor {
namespace {

Status remove_stale(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return system_error("cannot look at it", path);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return Error{ErrorCode::conflict, "something that is no socket lies there", path,
                 "move it away"};
  }
  if (::unlink(path.c_str()) != 0) return system_error("cannot remove the old socket", path);
  return {};
}

}  // namespace

Result<ControlSocket> ControlSocket::listen(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{ErrorCode::too_large,
                 "the path has " + std::to_string(path.size()) + " bytes, a Unix socket takes " +
                     std::to_string(sizeof address.sun_path - 1),
                 path, "choose a data folder with a shorter path"};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  if (auto removed = remove_stale(path); !removed.ok()) return removed.error();
  OwnFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return system_error("cannot make a socket", path);
  // Linux gives the file the rights of the unbound socket, less the umask: owner only until the
  // group is set.
  if (::fchmod(fd.get(), 0600) != 0) return system_error("cannot set its mode", path);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return system_error("cannot bind to it", path);
  }
  ControlSocket socket(path, std::move(fd));  // from here on the file is removed on any error
  if (const auto group = operators_group()) {
    // Without the right to give it to the group it stays with the own one.
    [[maybe_unused]] const int given = ::chown(path.c_str(), static_cast<uid_t>(-1), *group);
  }
  if (::chmod(path.c_str(), 0660) != 0) return system_error("cannot set its mode", path);
  if (::listen(socket.fd(), 64) != 0) return system_error("cannot listen on it", path);
  return socket;
}

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}

ControlSocket::~ControlSocket() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace crossfloor
