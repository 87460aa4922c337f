// How a node comes into a mesh, and out of it: one file each way.
//
//   crossfloor mesh init      make_authority     authority.key, to be kept offline
//   crossfloor node keygen    make_request       node.key stays; the request goes to the authority
//   crossfloor mesh admit     admit              mesh.file goes back; the node starts from it alone
//   crossfloor mesh apply     Roster::add        one certificate or revocation, by hand
//   crossfloor mesh revoke    revoke
//
// All of it takes contents and returns contents; the command line reads and writes the files.
#pragma once

#include <map>

#include "protocol/certificate.h"

namespace crossfloor {

// The secret of a region (it keys the ids of messages and handles) is derived from the authority's
// key, so that a region can be added without any state but its name.
struct Authority {
  static constexpr std::size_t max_regions = 256;
  SigningKey key;
  std::vector<Region> regions;  // a misspelt region at `admit` is an error, not a new region

  NodeId node() const { return key.node(); }
  MeshId mesh() const { return mesh_of(key.node()); }
  Secret region_secret(const Crypto& crypto, const Region& region) const;
};

Result<Authority> make_authority(Random& random, std::vector<Region> regions);
Status add_region(Authority& authority, const Region& region);
Bytes authority_file(const Authority& authority);  // mode 0600
Result<Authority> parse_authority(ByteView text);

// Signed with the node's own key: whoever asks has the key that is to be certified.
struct JoinRequest {
  NodeId node;
  LinkKey link_key;
  std::string site;
  std::vector<std::string> addresses;
  Bytes text;
};
Result<JoinRequest> make_request(const Crypto& crypto, const SigningKey& node,
                                 const std::string& site, std::vector<std::string> addresses);
Result<JoinRequest> parse_request(const Crypto& crypto, ByteView text);

struct AdmitOptions {
  Region home_region;
  std::vector<Region> regions;  // empty: the home region alone
  std::vector<std::string> rights{Certificate::right_host, Certificate::right_serve,
                                  Certificate::right_operate};
  Duration valid = std::chrono::hours(365 * 24);
};
struct Admission {
  Certificate certificate;
  Bytes mesh_file;
};
// `issued` is the text of all certificates and revocations that the authority made before (may be
// empty); the newcomer gets those in force, to know whom to dial. Admitting the same node again
// renews its certificate. The new certificate begins an hour before `now`, for clocks differ.
Result<Admission> admit(const Crypto& crypto, Random& random, const Authority& authority,
                        const JoinRequest& request, const AdmitOptions& options, ByteView issued,
                        WallTime now);

Result<Revocation> revoke(const Crypto& crypto, const Authority& authority, const NodeId& node,
                          std::vector<LastGood> last_good, const std::string& reason, WallTime now);

// What a node starts from.
struct MeshFile {
  MeshId mesh;
  NodeId authority;
  Certificate own;
  std::map<Region, Secret> secrets;  // one for each region of `own`
  std::vector<Bytes> documents;      // certificates (the own one too) and revocations
};
// Opens the file with the key of the node for which it was made; complains if it was for another.
Result<MeshFile> open_mesh_file(const Crypto& crypto, const SigningKey& node, ByteView text);

}  // namespace crossfloor
