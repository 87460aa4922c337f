// Who a node is: one Ed25519 key. The Curve25519 key of its links, and of what is sealed to it, is
// derived from that one, so there is a single secret to keep and a single name to certify.
#pragma once

#include "protocol/crypto.h"
#include "protocol/result.h"

namespace crossfloor {

using LinkKey = Id<32, struct LinkKeyTag>;  // Curve25519 public key: what a peer shows in CURVE

struct LinkKeyPair {
  LinkKey open;
  Secret secret;
};

SigningKey make_signing_key(Random& random);

LinkKeyPair link_keys(const SigningKey& key);
// Nothing if the bytes are no point of the curve.
std::optional<LinkKey> link_key_of(const NodeId& node);

// A mesh is named after its authority.
MeshId mesh_of(const NodeId& authority);

// The file node.key (mode 0600, which is the writer's business).
Bytes node_key_file(const SigningKey& key);
Result<SigningKey> parse_node_key(ByteView text);

// Anonymous boxes (libsodium's crypto_box_seal): anybody can make one, only `to` can open it.
Bytes seal_to(Random& random, const LinkKey& to, ByteView secret);
Result<Bytes> open_sealed(const LinkKeyPair& keys, ByteView sealed);

// Names in certificates and configs: lower-case letters, digits and '-', within `max` bytes.
bool is_plain_name(std::string_view name, std::size_t max);
inline constexpr std::size_t max_region_name = 32;
inline constexpr std::size_t max_site_name = 64;

// Where a node is reached: tcp://host:port is the mesh, https://host:port (http on loopback) its
// HTTP server. A host is a DNS name, an IPv4 address or an IPv6 address in brackets.
struct Endpoint {
  std::string scheme;
  std::string host;  // without brackets
  std::uint16_t port = 0;
};
Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace crossfloor
