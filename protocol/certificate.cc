#include "protocol/certificate.h"

#include <set>

#include "protocol/document.h"

namespace crossfloor {
namespace {

constexpr const char* certificate_kind = "certificate";
constexpr const char* revocation_kind = "revocation";

Error wrong(const char* where, std::string what) {
  return {ErrorCode::malformed, std::move(what), where, ""};
}

bool has_duplicates(const std::vector<std::string>& values) {
  return std::set<std::string>(values.begin(), values.end()).size() != values.size();
}

Status check_lists(const Certificate& c) {
  if (c.regions.empty() || c.regions.size() > Certificate::max_regions) {
    return wrong("certificate.region", "a node holds 1 to 64 regions");
  }
  for (const Region& region : c.regions) {
    if (!is_plain_name(region, max_region_name)) {
      return wrong("certificate.region",
                   "'" + region + "' is not 1 to 32 lower-case letters, digits and '-'");
    }
  }
  if (has_duplicates(c.regions)) return wrong("certificate.region", "a region stands there twice");
  if (!c.may_hold(c.home_region)) {
    return wrong("certificate.home-region", "'" + c.home_region + "' is not among the regions");
  }
  if (c.addresses.size() > Certificate::max_addresses) {
    return wrong("certificate.address", "more than 16 addresses");
  }
  for (const std::string& address : c.addresses) {
    if (auto parsed = parse_endpoint(address); !parsed.ok()) {
      Error error = parsed.error();
      error.where = "certificate.address";
      return error;
    }
  }
  if (c.rights.size() > Certificate::max_rights || has_duplicates(c.rights)) {
    return wrong("certificate.right", "more than 16 rights, or one that stands there twice");
  }
  for (const std::string& right : c.rights) {
    if (!is_plain_name(right, 32)) return wrong("certificate.right", "'" + right + "' is no right");
  }
  return {};
}

Status check(const Certificate& c) {
  if (!is_plain_name(c.site, max_site_name)) {
    return wrong("certificate.site",
                 "'" + c.site + "' is not 1 to 64 lower-case letters, digits and '-'");
  }
  if (c.node.is_zero()) return wrong("certificate.node", "the node is missing");
  if (c.link_key.is_zero()) return wrong("certificate.link-key", "the link key is missing");
  if (c.expires <= c.not_before) {
    return wrong("certificate.expires", "it would expire before it begins");
  }
  return check_lists(c);
}

Status check(const Revocation& r) {
  if (r.node.is_zero()) return wrong("revocation.node", "the node is missing");
  if (r.reason.empty() || r.reason.size() > Revocation::max_reason || !is_valid_utf8(r.reason) ||
      std::any_of(r.reason.begin(), r.reason.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return wrong("revocation.reason", "the reason is one line of 1 to 200 bytes");
  }
  if (r.last_good.size() > Revocation::max_streams) {
    return wrong("revocation.last-good", "more than 4096 streams");
  }
  std::set<std::pair<Generation, Region>> seen;
  for (const LastGood& good : r.last_good) {
    if (!is_plain_name(good.region, max_region_name) || good.sequence == 0) {
      return wrong("revocation.last-good", "a stream has no region or no sequence");
    }
    if (!seen.emplace(good.generation, good.region).second) {
      return wrong("revocation.last-good", "a stream stands there twice");
    }
  }
  return {};
}

std::string generation_text(Generation generation) {
  Bytes bytes;
  put_be64(bytes, generation);
  return to_hex(bytes);
}

// generation, region, sequence, hash
std::optional<LastGood> parse_last_good(std::string_view text) {
  std::vector<std::string_view> words;
  while (words.size() < 4) {
    const std::size_t space = text.find(' ');
    words.push_back(text.substr(0, space));
    if (space == std::string_view::npos) break;
    text.remove_prefix(space + 1);
  }
  if (words.size() != 4 || words[0].size() != 16) return std::nullopt;
  const auto generation = from_hex(words[0]);
  const auto sequence = parse_number(words[2]);
  const auto hash = Hash::from_hex_text(words[3]);
  if (!generation || !sequence || !hash) return std::nullopt;
  return LastGood{get_be64(generation->data()), Region(words[1]), *sequence, *hash};
}

// The document, if this authority signed it.
Result<Document> genuine_document(const Crypto& crypto, const NodeId& authority, ByteView text,
                                  const char* kind) {
  auto document = parse_document(text, kind);
  if (!document.ok()) return document.error();
  FieldReader read(document.value());
  const auto mesh = read.id<MeshId>("mesh");
  if (!read.status().ok()) return read.status().error();
  if (mesh != mesh_of(authority)) {
    return Error{ErrorCode::forbidden, "it belongs to another mesh: " + mesh.hex(),
                 std::string(kind) + ".mesh", "apply it to a node of that mesh"};
  }
  if (!document.value().genuine(crypto, authority)) {
    return Error{ErrorCode::corrupt, "the authority's signature does not fit",
                 std::string(kind) + ".signature", "fetch the file again from whoever made it"};
  }
  return document;
}

}  // namespace

bool Certificate::may_hold(const Region& region) const {
  return std::find(regions.begin(), regions.end(), region) != regions.end();
}

bool Certificate::has_right(std::string_view right) const {
  return std::find(rights.begin(), rights.end(), right) != rights.end();
}

std::vector<std::string> Certificate::addresses_of(std::string_view scheme) const {
  std::vector<std::string> out;
  for (const std::string& address : addresses) {
    if (address.starts_with(std::string(scheme) + "://")) out.push_back(address);
  }
  return out;
}

Result<Certificate> sign_certificate(const Crypto& crypto, const SigningKey& authority,
                                     Certificate fields) {
  if (auto status = check(fields); !status.ok()) return status.error();
  fields.mesh = mesh_of(authority.node());
  fields.text = DocumentWriter(certificate_kind)
                    .add("mesh", fields.mesh.hex())
                    .add("node", fields.node.hex())
                    .add("link-key", fields.link_key.hex())
                    .add("site", fields.site)
                    .add("home-region", fields.home_region)
                    .add("region", fields.regions)
                    .add("address", fields.addresses)
                    .add("right", fields.rights)
                    .add("not-before", time_text(fields.not_before))
                    .add("expires", time_text(fields.expires))
                    .add("serial", std::to_string(fields.serial))
                    .sign(crypto, authority);
  // Read back, so that what is returned is what everybody else will read (whole seconds).
  return parse_certificate(crypto, authority.node(), fields.text);
}

Result<Certificate> parse_certificate(const Crypto& crypto, const NodeId& authority,
                                      ByteView text) {
  auto document = genuine_document(crypto, authority, text, certificate_kind);
  if (!document.ok()) return document.error();
  FieldReader read(document.value());
  Certificate c;
  c.mesh = read.id<MeshId>("mesh");
  c.node = read.id<NodeId>("node");
  c.link_key = read.id<LinkKey>("link-key");
  c.site = read.one("site");
  c.home_region = read.one("home-region");
  c.regions = read.all("region");
  c.addresses = read.all("address");
  c.rights = read.all("right");
  c.not_before = read.time("not-before");
  c.expires = read.time("expires");
  c.serial = read.number("serial");
  c.text = std::move(document.value().text);
  if (!read.status().ok()) return read.status().error();
  if (auto status = check(c); !status.ok()) return status.error();
  return c;
}

Result<Revocation> sign_revocation(const Crypto& crypto, const SigningKey& authority,
                                   Revocation fields) {
  if (auto status = check(fields); !status.ok()) return status.error();
  DocumentWriter out(revocation_kind);
  out.add("mesh", mesh_of(authority.node()).hex())
      .add("node", fields.node.hex())
      .add("time", time_text(fields.time))
      .add("reason", fields.reason);
  for (const LastGood& good : fields.last_good) {
    out.add("last-good", generation_text(good.generation) + " " + good.region + " " +
                             std::to_string(good.sequence) + " " + good.hash.hex());
  }
  return parse_revocation(crypto, authority.node(), out.sign(crypto, authority));
}

Result<Revocation> parse_revocation(const Crypto& crypto, const NodeId& authority, ByteView text) {
  auto document = genuine_document(crypto, authority, text, revocation_kind);
  if (!document.ok()) return document.error();
  FieldReader read(document.value());
  Revocation r;
  r.mesh = read.id<MeshId>("mesh");
  r.node = read.id<NodeId>("node");
  r.time = read.time("time");
  r.reason = read.one("reason");
  for (const std::string& line : read.all("last-good")) {
    const auto good = parse_last_good(line);
    if (!good) {
      read.complain("last-good", "must be generation, region, sequence and hash");
      break;
    }
    r.last_good.push_back(*good);
  }
  r.text = std::move(document.value().text);
  if (!read.status().ok()) return read.status().error();
  if (auto status = check(r); !status.ok()) return status.error();
  return r;
}

}  // namespace crossfloor
