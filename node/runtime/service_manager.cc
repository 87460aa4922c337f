#include "node/runtime/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "node/runtime/files.h"

namespace crossfloor {

Status notify_service_manager(std::string_view state) {
  const char* name = std::getenv("NOTIFY_SOCKET");
  if (name == nullptr || name[0] == '\0') return {};
  const std::size_t length = std::strlen(name);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if ((name[0] != '/' && name[0] != '@') || length >= sizeof address.sun_path) {
    return Error{ErrorCode::malformed, "NOTIFY_SOCKET names no socket", "NOTIFY_SOCKET",
                 "it is set by systemd; unset it elsewhere"};
  }
  std::memcpy(address.sun_path, name, length);
  if (name[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  const OwnFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return system_error("cannot make a socket", name);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  // Never waits: the service manager's queue may be full, and this is the loop's thread.
  if (::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
               reinterpret_cast<const sockaddr*>(&address), size) < 0) {
    return system_error("cannot tell the service manager", name);
  }
  return {};
}

}  // namespace crossfloor
