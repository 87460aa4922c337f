// Who belongs to the mesh, as far as this node knows: the newest certificate and the revocation of
// every node it ever heard of.
//
// It only grows, and what it says does not depend on the order in which documents came, so nodes
// that exchanged theirs agree. Certificates that ran out stay, because the entries of their nodes
// stay good; a revocation is final for its key.
#pragma once

#include <map>
#include <set>

#include "protocol/certificate.h"

namespace crossfloor {

class Roster {
 public:
  static constexpr Duration warn_before_expiry = std::chrono::hours(30 * 24);

  enum class Added { fresh, known };  // known: this one, or one that outdates it, was here already

  explicit Roster(const Crypto& crypto, const NodeId& authority);

  // Takes one certificate or revocation document from anybody, or says why not.
  Result<Added> add(ByteView document);

  const NodeId& authority() const { return authority_; }
  MeshId mesh() const { return mesh_; }

  // Newest certificate, also of a node that is revoked or whose certificate ran out.
  const Certificate* certificate(const NodeId& node) const;
  const Revocation* revocation(const NodeId& node) const;

  // Certificate in force, not revoked. What follows is false or nothing for all others.
  bool member(const NodeId& node, WallTime wall) const;
  bool may_hold(const NodeId& node, const Region& region, WallTime wall) const;
  bool has_right(const NodeId& node, std::string_view right, WallTime wall) const;
  std::vector<NodeId> members(WallTime wall) const;  // in id order
  // Whose link key this is. The one question of the links: who else shows up is nobody.
  std::optional<NodeId> key_allowed(const LinkKey& key, WallTime wall) const;

  // Whether entry `sequence` of a stream may be taken, from whoever sends it: its node was admitted
  // at some time, and if it was revoked the entry is not after the last good one. Where the
  // revocation names the hash of just this entry, it is in `must_be`.
  struct Verdict {
    bool take = false;
    std::optional<Hash> must_be;
  };
  Verdict entry(const Stream& stream, Sequence sequence) const;

  struct Expiry {
    NodeId node;
    std::string site;
    WallTime expires;
  };
  // Members whose certificate runs out within 30 days, soonest first.
  std::vector<Expiry> expiring(WallTime wall) const;
  // When members() next changes without any document: a certificate begins or runs out.
  std::optional<WallTime> next_change(WallTime wall) const;

  // Another number whenever any of the above may answer otherwise than before.
  std::uint64_t state(WallTime wall) const;

  // All documents: revocations first, then certificates, each in id order.
  std::vector<Bytes> documents() const;
  Hash digest() const;  // equal digests: nothing to exchange

 private:
  const Certificate* in_force(const NodeId& node, WallTime wall) const;
  Result<Added> add_certificate(ByteView document);
  Result<Added> add_revocation(ByteView document);

  const Crypto& crypto_;
  NodeId authority_;
  MeshId mesh_;
  std::map<NodeId, Certificate> certificates_;
  std::map<NodeId, Revocation> revocations_;
  std::map<LinkKey, NodeId> keys_;
  std::set<Bytes, std::less<>> held_;  // the texts of both
  // The state, and from when to when it is the same without any document.
  mutable std::uint64_t state_ = 0;
  mutable std::optional<std::pair<WallTime, WallTime>> state_holds_;
};

}  // namespace crossfloor
