#include "node/gateway/connection.h"

#include <arpa/inet.h>
#include <kj/exception.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace crossfloor {

std::string peer_of(kj::AsyncIoStream& stream) {
  sockaddr_storage storage{};
  kj::uint length = sizeof(storage);
  try {
    stream.getpeername(reinterpret_cast<sockaddr*>(&storage), &length);
  } catch (const kj::Exception&) {
    return {};  // gone already
  }
  char text[INET6_ADDRSTRLEN] = {};
  if (storage.ss_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&storage);
    inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
    return std::string(text) + ":" + std::to_string(ntohs(in->sin_port));
  }
  if (storage.ss_family == AF_INET6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(in6->sin6_port));
  }
  return storage.ss_family == AF_UNIX ? "unix" : "";
}

void tune(kj::AsyncIoStream& stream) {
  const auto set = [&](int level, int option, int value) {
    try {
      stream.setsockopt(level, option, &value, sizeof(value));
    } catch (const kj::Exception&) {
      // Not a TCP socket, or gone already.
    }
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
}

bool is_local(const std::string& address) {
  return address.rfind("127.", 0) == 0 || address.rfind("[::1]", 0) == 0 ||
         address.rfind("[::ffff:127.", 0) == 0 || address.rfind("unix:", 0) == 0;
}

}  // namespace crossfloor
