#include "protocol/join.h"

#include "protocol/document.h"
#include "protocol/roster.h"

namespace crossfloor {
namespace {

constexpr const char* mesh_kind = "mesh file";
constexpr Duration clocks_differ_by = std::chrono::hours(1);

Status check_region(const Region& region) {
  if (is_plain_name(region, max_region_name)) return {};
  return Error{ErrorCode::malformed,
               "'" + region + "' is not 1 to 32 lower-case letters, digits and '-'", "region", ""};
}

Status check_request(const JoinRequest& request) {
  if (!is_plain_name(request.site, max_site_name)) {
    return Error{ErrorCode::malformed,
                 "'" + request.site + "' is not 1 to 64 lower-case letters, digits and '-'",
                 "join request.site", ""};
  }
  if (request.addresses.empty() || request.addresses.size() > Certificate::max_addresses) {
    return Error{ErrorCode::malformed, "a node has 1 to 16 addresses", "join request.address",
                 "give at least tcp://HOST:PORT of the mesh port"};
  }
  for (const std::string& address : request.addresses) {
    if (auto parsed = parse_endpoint(address); !parsed.ok()) {
      Error error = parsed.error();
      error.where = "join request.address";
      return error;
    }
  }
  return {};
}

// Everything issued so far that a newcomer should know: what is in force, and all revocations.
Result<std::vector<Bytes>> in_force(const Crypto& crypto, const NodeId& authority, ByteView issued,
                                    const NodeId& newcomer, WallTime now) {
  Roster roster(crypto, authority);
  if (issued.find_first_not_of("\r\n") != ByteView::npos) {
    auto documents = parse_documents(issued);
    if (!documents.ok()) return documents.error();
    for (const Document& document : documents.value()) {
      // Earlier mesh files may be handed in whole.
      if (document.kind == mesh_kind) continue;
      if (auto added = roster.add(document.text); !added.ok()) return added.error();
    }
  }
  if (roster.revocation(newcomer)) {
    return Error{ErrorCode::forbidden, "node " + newcomer.hex() + " was revoked", "",
                 "a revocation is final: make a new key with 'crossfloor node keygen'"};
  }
  std::vector<Bytes> out;
  for (Bytes& text : roster.documents()) {
    auto certificate = parse_certificate(crypto, authority, text);
    if (certificate.ok() &&
        (certificate.value().node == newcomer || !roster.member(certificate.value().node, now))) {
      continue;
    }
    out.push_back(std::move(text));
  }
  return out;
}

// "eu 9f0c…"
Result<std::map<Region, Secret>> open_secrets(const SigningKey& node,
                                              const std::vector<std::string>& lines) {
  const LinkKeyPair keys = link_keys(node);
  std::map<Region, Secret> out;
  for (const std::string& line : lines) {
    const std::size_t space = line.find(' ');
    const auto sealed =
        space == std::string::npos ? std::nullopt : from_hex(line.substr(space + 1));
    if (!sealed) {
      return Error{ErrorCode::malformed, "a secret is a region and hexadecimal digits",
                   "mesh file.secret", ""};
    }
    auto opened = open_sealed(keys, *sealed);
    if (!opened.ok()) return opened.error();
    const auto secret = Secret::from(opened.value());
    if (!secret) {
      return Error{ErrorCode::malformed, "a secret has not 32 bytes", "mesh file.secret", ""};
    }
    out[line.substr(0, space)] = *secret;
  }
  return out;
}

}  // namespace

Secret Authority::region_secret(const Crypto& crypto, const Region& region) const {
  const ByteView seed(reinterpret_cast<const char*>(key.secret.data()), 32);
  const Hash hash = crypto.hash("crossfloor region secret 1\n", seed, region);
  return hash.as<Secret>();
}

Result<Authority> make_authority(Random& random, std::vector<Region> regions) {
  Authority authority{make_signing_key(random), {}};
  if (regions.empty()) {
    return Error{ErrorCode::malformed, "a mesh has at least one region", "region",
                 "name one, for example --region eu"};
  }
  for (const Region& region : regions) {
    if (auto status = add_region(authority, region); !status.ok()) return status.error();
  }
  return authority;
}

Status add_region(Authority& authority, const Region& region) {
  if (auto status = check_region(region); !status.ok()) return status;
  auto& regions = authority.regions;
  if (std::find(regions.begin(), regions.end(), region) != regions.end()) {
    return Error{ErrorCode::conflict, "region '" + region + "' stands there already", "region", ""};
  }
  if (regions.size() == Authority::max_regions) {
    return Error{ErrorCode::full, "a mesh has at most 256 regions", "region", ""};
  }
  regions.push_back(region);
  return {};
}

Bytes authority_file(const Authority& authority) {
  const ByteView seed(reinterpret_cast<const char*>(authority.key.secret.data()), 32);
  return DocumentWriter("authority key")
      .add("mesh", authority.mesh().hex())
      .add("authority", authority.node().hex())
      .add("seed", to_hex(seed))
      .add("region", authority.regions)
      .text();
}

Result<Authority> parse_authority(ByteView text) {
  auto document = parse_document(text, "authority key");
  if (!document.ok()) return document.error();
  FieldReader read(document.value());
  const auto open = read.id<NodeId>("authority");
  const auto seed = read.one("seed");
  if (!read.status().ok()) return read.status().error();
  // The pair is checked in the same way as a node's.
  auto key =
      parse_node_key(DocumentWriter("node key").add("node", open.hex()).add("seed", seed).text());
  if (!key.ok()) {
    return Error{ErrorCode::corrupt, "the seed does not belong to the authority named in the file",
                 "authority key.seed", "restore the authority's key from a copy"};
  }
  Authority authority{key.value(), {}};
  for (const Region& region : read.all("region")) {
    if (auto status = add_region(authority, region); !status.ok()) return status.error();
  }
  return authority;
}

Result<JoinRequest> make_request(const Crypto& crypto, const SigningKey& node,
                                 const std::string& site, std::vector<std::string> addresses) {
  JoinRequest request{node.node(), link_keys(node).open, site, std::move(addresses), {}};
  if (auto status = check_request(request); !status.ok()) return status.error();
  request.text = DocumentWriter("join request")
                     .add("node", request.node.hex())
                     .add("site", request.site)
                     .add("address", request.addresses)
                     .sign(crypto, node);
  return request;
}

Result<JoinRequest> parse_request(const Crypto& crypto, ByteView text) {
  auto document = parse_document(text, "join request");
  if (!document.ok()) return document.error();
  FieldReader read(document.value());
  JoinRequest request;
  request.node = read.id<NodeId>("node");
  request.site = read.one("site");
  request.addresses = read.all("address");
  if (!read.status().ok()) return read.status().error();
  if (!document.value().genuine(crypto, request.node)) {
    return Error{ErrorCode::corrupt, "the signature does not fit the node's key",
                 "join request.signature", "fetch the request again from the node's admin"};
  }
  const auto link_key = link_key_of(request.node);
  if (!link_key) {
    return Error{ErrorCode::malformed, "the node's key is no Ed25519 key", "join request.node",
                 "make one with 'crossfloor node keygen'"};
  }
  request.link_key = *link_key;
  request.text = std::move(document.value().text);
  if (auto status = check_request(request); !status.ok()) return status.error();
  return request;
}

Result<Admission> admit(const Crypto& crypto, Random& random, const Authority& authority,
                        const JoinRequest& request, const AdmitOptions& options, ByteView issued,
                        WallTime now) {
  Certificate wanted;
  wanted.node = request.node;
  wanted.link_key = request.link_key;
  wanted.site = request.site;
  wanted.home_region = options.home_region;
  wanted.regions =
      options.regions.empty() ? std::vector<Region>{options.home_region} : options.regions;
  wanted.addresses = request.addresses;
  wanted.rights = options.rights;
  wanted.not_before = now - clocks_differ_by;
  wanted.expires = now + options.valid;
  wanted.serial = static_cast<std::uint64_t>(ms_of(now));
  for (const Region& region : wanted.regions) {
    const auto& known = authority.regions;
    if (std::find(known.begin(), known.end(), region) == known.end()) {
      return Error{ErrorCode::not_found, "the mesh has no region '" + region + "'", "region",
                   "correct its spelling, or add the region to the authority first"};
    }
  }
  auto known = in_force(crypto, authority.node(), issued, request.node, now);
  if (!known.ok()) return known.error();
  auto certificate = sign_certificate(crypto, authority.key, std::move(wanted));
  if (!certificate.ok()) return certificate.error();

  DocumentWriter out(mesh_kind);
  out.add("mesh", authority.mesh().hex())
      .add("authority", authority.node().hex())
      .add("node", request.node.hex());
  for (const Region& region : certificate.value().regions) {
    const Secret secret = authority.region_secret(crypto, region);
    out.add("secret", region + " " + to_hex(seal_to(random, request.link_key, secret.view())));
  }
  Bytes file = out.sign(crypto, authority.key) + "\n" + certificate.value().text;
  for (const Bytes& text : known.value()) file += "\n" + text;
  return Admission{std::move(certificate.value()), std::move(file)};
}

Result<Revocation> revoke(const Crypto& crypto, const Authority& authority, const NodeId& node,
                          std::vector<LastGood> last_good, const std::string& reason,
                          WallTime now) {
  Revocation wanted;
  wanted.node = node;
  wanted.time = now;
  wanted.reason = reason;
  wanted.last_good = std::move(last_good);
  return sign_revocation(crypto, authority.key, std::move(wanted));
}

Result<MeshFile> open_mesh_file(const Crypto& crypto, const SigningKey& node, ByteView text) {
  auto documents = parse_documents(text);
  if (!documents.ok()) return documents.error();
  const Document& head = documents.value()[0];
  if (head.kind != mesh_kind) {
    return Error{ErrorCode::malformed, "a mesh file is wanted, but this is a " + head.kind, "",
                 "use the file that 'crossfloor mesh admit' wrote"};
  }
  FieldReader read(head);
  MeshFile out;
  out.mesh = read.id<MeshId>("mesh");
  out.authority = read.id<NodeId>("authority");
  const auto made_for = read.id<NodeId>("node");
  if (!read.status().ok()) return read.status().error();
  if (made_for != node.node()) {
    return Error{ErrorCode::forbidden,
                 "it was made for node " + made_for.hex() + ", but the key here is that of " +
                     node.node().hex(),
                 "mesh file.node", "use the file that was made for this node's request"};
  }
  if (out.mesh != mesh_of(out.authority) || !head.genuine(crypto, out.authority)) {
    return Error{ErrorCode::corrupt, "the authority's signature does not fit",
                 "mesh file.signature", "fetch the file again from whoever made it"};
  }
  auto secrets = open_secrets(node, read.all("secret"));
  if (!secrets.ok()) return secrets.error();
  out.secrets = std::move(secrets.value());

  Roster roster(crypto, out.authority);
  for (std::size_t i = 1; i < documents.value().size(); ++i) {
    auto added = roster.add(documents.value()[i].text);
    if (!added.ok()) {
      Error error = added.error();
      error.where = "mesh file, document " + std::to_string(i + 1) + ": " + error.where;
      return error;
    }
  }
  const Certificate* own = roster.certificate(node.node());
  if (!own) {
    return Error{ErrorCode::malformed, "this node's certificate is missing", "mesh file",
                 "fetch the file again from whoever made it"};
  }
  out.own = *own;
  for (const Region& region : own->regions) {
    if (!out.secrets.contains(region)) {
      return Error{ErrorCode::malformed, "the secret of region '" + region + "' is missing",
                   "mesh file.secret", "have the node admitted again"};
    }
  }
  out.documents = roster.documents();
  return out;
}

}  // namespace crossfloor
