// What the mesh's authority says about a node: that it belongs (Certificate), and that it no longer
// does (Revocation). Both prove themselves: whoever has the authority's public key can check them,
// whatever road they came. Neither exists in memory without its signature having been checked.
#pragma once

#include <vector>

#include "protocol/identity.h"
#include "protocol/result.h"
#include "protocol/time.h"

namespace crossfloor {

struct Certificate {
  static constexpr std::size_t max_regions = 64;
  static constexpr std::size_t max_addresses = 16;
  static constexpr std::size_t max_rights = 16;
  // Rights that this version knows; others are kept.
  static constexpr const char* right_host = "host";    // takes in and sends for channel accounts
  static constexpr const char* right_serve = "serve";  // its agents may be given conversations
  static constexpr const char* right_operate = "operate";  // its operators look at and mend others

  MeshId mesh;
  NodeId node;
  LinkKey link_key;  // derived from `node`; said here so that nobody has to derive it again
  std::string site;
  Region home_region;
  std::vector<Region> regions;         // those that it may hold; `home_region` is among them
  std::vector<std::string> addresses;  // see Endpoint
  std::vector<std::string> rights;
  WallTime not_before{};
  WallTime expires{};
  std::uint64_t serial = 0;  // of two certificates of one node the higher counts
  Bytes text;                // the signed document, passed on as it is

  bool valid_at(WallTime wall) const { return not_before <= wall && wall < expires; }
  bool may_hold(const Region& region) const;
  bool has_right(std::string_view right) const;
  std::vector<std::string> addresses_of(std::string_view scheme) const;
};

// The last entry of one of the node's streams that everybody still takes.
struct LastGood {
  Generation generation = 0;
  Region region;
  Sequence sequence = 0;
  Hash hash;
};

struct Revocation {
  static constexpr std::size_t max_streams = 4096;
  static constexpr std::size_t max_reason = 200;

  MeshId mesh;
  NodeId node;
  WallTime time{};     // of two revocations of one node the later counts
  std::string reason;  // for people
  std::vector<LastGood> last_good;
  Bytes text;
};

// Checks every field, fills in mesh and text. Errors name the field.
Result<Certificate> sign_certificate(const Crypto& crypto, const SigningKey& authority,
                                     Certificate fields);
Result<Revocation> sign_revocation(const Crypto& crypto, const SigningKey& authority,
                                   Revocation fields);

// Only what is genuine, of this authority's mesh and within the limits comes out.
Result<Certificate> parse_certificate(const Crypto& crypto, const NodeId& authority, ByteView text);
Result<Revocation> parse_revocation(const Crypto& crypto, const NodeId& authority, ByteView text);

}  // namespace crossfloor
