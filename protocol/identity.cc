#include "protocol/identity.h"

#include <sodium.h>

#include "protocol/check.h"
#include "protocol/document.h"

namespace crossfloor {
namespace {

const unsigned char* raw(ByteView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(Bytes& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

SigningKey from_seed(const Secret& seed) {
  SigningKey key;
  NodeId open;
  crypto_sign_seed_keypair(open.raw.data(), key.secret.data(), seed.raw.data());
  return key;
}

Error bad_address(std::string_view text, std::string what) {
  return {ErrorCode::malformed, "'" + std::string(text.substr(0, 300)) + "' " + std::move(what), "",
          "write it like tcp://warsaw.example.org:7440"};
}

bool is_host(std::string_view host, bool bracketed) {
  if (host.empty() || host.size() > 253) return false;
  return std::all_of(host.begin(), host.end(), [&](char c) {
    if (c >= '0' && c <= '9') return true;
    if (bracketed) return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
  });
}

}  // namespace

SigningKey make_signing_key(Random& random) {
  return from_seed(random.id<Secret>());
}

LinkKeyPair link_keys(const SigningKey& key) {
  LinkKeyPair pair;
  XF_CHECK(crypto_sign_ed25519_sk_to_curve25519(pair.secret.raw.data(), key.secret.data()) == 0);
  XF_CHECK(crypto_scalarmult_curve25519_base(pair.open.raw.data(), pair.secret.raw.data()) == 0);
  return pair;
}

std::optional<LinkKey> link_key_of(const NodeId& node) {
  LinkKey out;
  if (crypto_sign_ed25519_pk_to_curve25519(out.raw.data(), node.raw.data()) != 0) {
    return std::nullopt;
  }
  return out;
}

MeshId mesh_of(const NodeId& authority) {
  MeshId out;
  crypto_generichash(out.raw.data(), MeshId::size, authority.raw.data(), NodeId::size, nullptr, 0);
  return out;
}

Bytes node_key_file(const SigningKey& key) {
  const ByteView secret(reinterpret_cast<const char*>(key.secret.data()), 32);
  return DocumentWriter("node key")
      .add("node", key.node().hex())
      .add("seed", to_hex(secret))
      .text();
}

Result<SigningKey> parse_node_key(ByteView text) {
  auto document = parse_document(text, "node key");
  if (!document.ok()) return document.error();
  FieldReader read(document.value());
  const auto node = read.id<NodeId>("node");
  const auto seed = read.id<Secret>("seed");
  if (!read.status().ok()) return read.status().error();
  const SigningKey key = from_seed(seed);
  if (key.node() != node) {
    return Error{ErrorCode::corrupt, "the seed does not belong to the node named in the file",
                 "node key.seed",
                 "restore node.key from a copy, or make a new key and be admitted"};
  }
  return key;
}

// libsodium's own crypto_box_seal takes its randomness from the system; this is the same format
// with the randomness given: ephemeral public key, then a box whose nonce is the hash of both keys.
Bytes seal_to(Random& random, const LinkKey& to, ByteView secret) {
  const Secret seed = random.id<Secret>();
  LinkKeyPair ephemeral;
  crypto_box_seed_keypair(ephemeral.open.raw.data(), ephemeral.secret.raw.data(), seed.raw.data());
  unsigned char nonce[crypto_box_NONCEBYTES];
  const Bytes keys = Bytes(ephemeral.open.view()) + Bytes(to.view());
  crypto_generichash(nonce, sizeof(nonce), raw(keys), keys.size(), nullptr, 0);
  Bytes box(crypto_box_MACBYTES + secret.size(), '\0');
  XF_CHECK(crypto_box_easy(raw(box), raw(secret), secret.size(), nonce, to.raw.data(),
                           ephemeral.secret.raw.data()) == 0);
  return Bytes(ephemeral.open.view()) + box;
}

Result<Bytes> open_sealed(const LinkKeyPair& keys, ByteView sealed) {
  Bytes out(sealed.size() < crypto_box_SEALBYTES ? 0 : sealed.size() - crypto_box_SEALBYTES, '\0');
  if (sealed.size() < crypto_box_SEALBYTES ||
      crypto_box_seal_open(raw(out), raw(sealed), sealed.size(), keys.open.raw.data(),
                           keys.secret.raw.data()) != 0) {
    return Error{ErrorCode::forbidden, "a sealed secret does not open with this node's key", "",
                 "use the mesh file that was made for this node's request"};
  }
  return out;
}

bool is_plain_name(std::string_view name, std::size_t max) {
  return !name.empty() && name.size() <= max && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colons = text.find("://");
  if (colons == std::string_view::npos) return bad_address(text, "names no scheme");
  Endpoint out;
  out.scheme = text.substr(0, colons);
  if (out.scheme != "tcp" && out.scheme != "http" && out.scheme != "https") {
    return bad_address(text, "is neither tcp, http nor https");
  }
  const std::string_view rest = text.substr(colons + 3);
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return bad_address(text, "names no port");
  std::string_view host = rest.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!is_host(host, bracketed)) return bad_address(text, "names no proper host");
  const auto port = parse_number(rest.substr(colon + 1));
  if (!port || *port > 65535) return bad_address(text, "names no port between 0 and 65535");
  out.host = host;
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

}  // namespace crossfloor
