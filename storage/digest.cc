#include "storage/digest.h"

#include <algorithm>

#include "storage/projections.h"

namespace crossfloor {
namespace {

// All rows but those that only say what is to be done here (O, U), and those that a conversation's
// row of an older version still holds itself (B).
constexpr std::string_view digested_kinds = "ACHIKLMPRSV";

}  // namespace

std::string Digest::text() const {
  Bytes sums;
  put_be64(sums, first);
  put_be64(sums, second);
  return to_hex(sums) + "/" + std::to_string(rows);
}

DigestReckoner::DigestReckoner(const Crypto& crypto, const Secret& region_secret, Region region,
                               std::vector<unsigned char> only)
    : crypto_(crypto), secret_(region_secret), region_(std::move(region)), only_(std::move(only)) {}

bool DigestReckoner::by_bucket() const {
  return !only_.empty() && digested_kinds[kind_] != 'V';
}

bool DigestReckoner::wanted(unsigned char bucket) const {
  return only_.empty() || std::find(only_.begin(), only_.end(), bucket) != only_.end();
}

void DigestReckoner::add(ByteView key, ByteView value) {
  Bytes row;
  put_le32(row, static_cast<std::uint32_t>(key.size()));
  row.append(key).append(value);
  const Subject hash = crypto_.keyed_hash(secret_, row);
  // An act has no subject: it falls where its sequence does.
  const char bucket = key.front() == 'V' ? key.back() : key[1];
  if (!wanted(static_cast<unsigned char>(bucket))) return;
  Digest& digest = digests_[static_cast<unsigned char>(bucket)];
  digest.first += get_be64(hash.view().data());
  digest.second += get_be64(hash.view().data() + 8);
  ++digest.rows;
}

Result<bool> DigestReckoner::step(const Reader& snapshot, std::size_t max_bytes) {
  if (kind_ == digested_kinds.size()) return true;
  const char kind = digested_kinds[kind_];
  Bytes prefix(1, kind);
  if (by_bucket()) prefix.push_back(static_cast<char>(only_[bucket_]));
  std::size_t bytes = 0;
  bool more = false;
  Status bad;
  auto status = snapshot.scan(from_.empty() ? prefix : from_, after_prefix(prefix),
                              [&](ByteView key, ByteView value) {
                                if (bytes > 0 && bytes >= max_bytes) {
                                  from_ = Bytes(key);
                                  more = true;
                                  return false;
                                }
                                bytes += key.size() + value.size();
                                auto row = settle_row(kind, value);
                                if (key.size() < 2 || !row.ok()) {
                                  bad = Error{ErrorCode::corrupt, "a row that cannot be read",
                                              std::string(1, kind) + " " + to_hex(key.substr(1)),
                                              "start the node once with --rebuild"};
                                  return false;
                                }
                                if (row.value().region == region_) add(key, row.value().bytes);
                                return true;
                              });
  if (!status.ok()) return status.error();
  if (!bad.ok()) return bad.error();
  if (!more) {
    from_.clear();
    const bool same_kind = by_bucket() && ++bucket_ < only_.size();
    if (!same_kind) {
      bucket_ = 0;
      ++kind_;
    }
  }
  return kind_ == digested_kinds.size();
}

std::vector<std::size_t> unequal_buckets(const Digests& a, const Digests& b) {
  std::vector<std::size_t> unequal;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(a[i] == b[i])) unequal.push_back(i);
  }
  return unequal;
}

}  // namespace crossfloor
