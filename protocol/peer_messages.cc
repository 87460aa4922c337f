#include "protocol/peer_messages.h"

#include "protocol/capnp_codec.h"
#include "protocol/peer.capnp.h"

namespace crossfloor {

template <>
struct SchemaOf<PeerMessage> : CapnpSchema<wire::PeerMessage> {};

Bytes encode(const PeerMessage& message) {
  return encode_capnp(message);
}

Result<PeerMessage> decode_peer_message(ByteView bytes) {
  auto message = decode_capnp<PeerMessage>(bytes);
  if (!message.ok()) return message;
  if (const auto* routing = std::get_if<RoutingFrame>(&message.value())) {
    if (auto checked = check_routing_message(routing->message); !checked.ok()) {
      return checked.error();
    }
  }
  return message;
}

}  // namespace crossfloor
