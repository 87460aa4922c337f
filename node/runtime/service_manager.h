// What systemd wants to hear from a service of Type=notify: a datagram to $NOTIFY_SOCKET.
#pragma once

#include <string_view>

#include "protocol/result.h"

namespace crossfloor {

// "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=…", several with a line break between them.
// Without $NOTIFY_SOCKET nothing happens, which is fine. Errors: io, malformed (the variable).
Status notify_service_manager(std::string_view state);

}  // namespace crossfloor
