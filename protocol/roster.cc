#include "protocol/roster.h"

#include <tuple>

#include "protocol/document.h"

namespace crossfloor {

Roster::Roster(const Crypto& crypto, const NodeId& authority)
    : crypto_(crypto), authority_(authority), mesh_(mesh_of(authority)) {}

Result<Roster::Added> Roster::add(ByteView text) {
  // On each new link all documents are said, and nearly all of them are held already.
  if (held_.contains(text)) return Added::known;
  auto documents = parse_documents(text);
  if (!documents.ok()) return documents.error();
  if (documents.value().size() != 1) {
    return Error{ErrorCode::malformed, "one document at a time", "", ""};
  }
  const Document& document = documents.value()[0];
  if (document.kind == "certificate") return add_certificate(document.text);
  if (document.kind == "revocation") return add_revocation(document.text);
  return Error{ErrorCode::malformed,
               "a " + document.kind + " is neither certificate nor revocation", "",
               "check that this is the right file"};
}

Result<Roster::Added> Roster::add_certificate(ByteView document) {
  const auto held = [&](const Certificate& c) { return std::tie(c.serial, c.expires, c.text); };
  auto parsed = parse_certificate(crypto_, authority_, document);
  if (!parsed.ok()) return parsed.error();
  Certificate& fresh = parsed.value();
  const auto key = keys_.find(fresh.link_key);
  if (key != keys_.end() && key->second != fresh.node) {
    return Error{ErrorCode::conflict, "its link key belongs to node " + key->second.hex(),
                 "certificate.link-key", "make a new key with 'crossfloor node keygen'"};
  }
  const auto old = certificates_.find(fresh.node);
  if (old != certificates_.end()) {
    if (held(fresh) <= held(old->second)) return Added::known;
    keys_.erase(old->second.link_key);
    held_.erase(old->second.text);
  }
  const NodeId node = fresh.node;
  keys_.emplace(fresh.link_key, node);
  held_.insert(fresh.text);
  certificates_.insert_or_assign(node, std::move(fresh));
  state_holds_.reset();
  return Added::fresh;
}

Result<Roster::Added> Roster::add_revocation(ByteView document) {
  const auto held = [&](const Revocation& r) { return std::tie(r.time, r.text); };
  auto parsed = parse_revocation(crypto_, authority_, document);
  if (!parsed.ok()) return parsed.error();
  const NodeId node = parsed.value().node;
  const auto old = revocations_.find(node);
  if (old != revocations_.end() && held(parsed.value()) <= held(old->second)) return Added::known;
  if (old != revocations_.end()) held_.erase(old->second.text);
  held_.insert(parsed.value().text);
  revocations_.insert_or_assign(node, std::move(parsed.value()));
  state_holds_.reset();
  return Added::fresh;
}

const Certificate* Roster::certificate(const NodeId& node) const {
  const auto at = certificates_.find(node);
  return at == certificates_.end() ? nullptr : &at->second;
}

const Revocation* Roster::revocation(const NodeId& node) const {
  const auto at = revocations_.find(node);
  return at == revocations_.end() ? nullptr : &at->second;
}

bool Roster::member(const NodeId& node, WallTime wall) const {
  return in_force(node, wall) != nullptr;
}

const Certificate* Roster::in_force(const NodeId& node, WallTime wall) const {
  const Certificate* c = certificate(node);
  return c && c->valid_at(wall) && !revocation(node) ? c : nullptr;
}

bool Roster::may_hold(const NodeId& node, const Region& region, WallTime wall) const {
  const Certificate* c = in_force(node, wall);
  return c && c->may_hold(region);
}

bool Roster::has_right(const NodeId& node, std::string_view right, WallTime wall) const {
  const Certificate* c = in_force(node, wall);
  return c && c->has_right(right);
}

std::vector<NodeId> Roster::members(WallTime wall) const {
  std::vector<NodeId> out;
  for (const auto& [node, certificate] : certificates_) {
    if (member(node, wall)) out.push_back(node);
  }
  return out;
}

std::optional<NodeId> Roster::key_allowed(const LinkKey& key, WallTime wall) const {
  const auto at = keys_.find(key);
  if (at == keys_.end() || !member(at->second, wall)) return std::nullopt;
  return at->second;
}

Roster::Verdict Roster::entry(const Stream& stream, Sequence sequence) const {
  if (!certificate(stream.origin.node)) return {};
  const Revocation* revoked = revocation(stream.origin.node);
  if (!revoked) return {.take = true, .must_be = std::nullopt};
  for (const LastGood& good : revoked->last_good) {
    if (good.generation != stream.origin.generation || good.region != stream.region) continue;
    if (sequence > good.sequence) return {};
    if (sequence == good.sequence) return {.take = true, .must_be = good.hash};
    return {.take = true, .must_be = std::nullopt};
  }
  return {};
}

std::vector<Roster::Expiry> Roster::expiring(WallTime wall) const {
  std::vector<Expiry> out;
  for (const auto& [node, c] : certificates_) {
    if (member(node, wall) && c.expires - wall <= warn_before_expiry) {
      out.push_back({node, c.site, c.expires});
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Expiry& a, const Expiry& b) { return a.expires < b.expires; });
  return out;
}

std::optional<WallTime> Roster::next_change(WallTime wall) const {
  std::optional<WallTime> next;
  for (const auto& [node, c] : certificates_) {
    if (revocation(node)) continue;
    for (WallTime change : {c.not_before, c.expires}) {
      if (change > wall && (!next || change < *next)) next = change;
    }
  }
  return next;
}

std::uint64_t Roster::state(WallTime wall) const {
  if (!state_holds_ || wall < state_holds_->first || wall >= state_holds_->second) {
    ++state_;
    state_holds_ = {wall, next_change(wall).value_or(WallTime::max())};
  }
  return state_;
}

std::vector<Bytes> Roster::documents() const {
  std::vector<Bytes> out;
  for (const auto& [node, revocation] : revocations_) out.push_back(revocation.text);
  for (const auto& [node, certificate] : certificates_) out.push_back(certificate.text);
  return out;
}

Hash Roster::digest() const {
  Bytes all;
  for (const Bytes& text : documents()) all += crypto_.hash(text).view();
  return crypto_.hash(all);
}

}  // namespace crossfloor
