#include "storage/rocks/head_file.h"

#include "protocol/check.h"
#include "storage/rocks/files.h"

namespace crossfloor {
namespace {

// Magic; then for each stream its name, sequence (8, LE), hash (32); then the hash of all before.
constexpr ByteView magic = "crossfloor heads 1\n";
constexpr std::size_t max_file_bytes = 64 * 1024 * 1024;
constexpr std::size_t tail_size = 8 + Hash::size;

Error unreadable(const std::string& path) {
  return Error{ErrorCode::corrupt, "the file of heads cannot be read", path,
               "remove it; whether the store lost anything then shows only against peers"};
}

}  // namespace

Status write_head_file(const std::string& path, const Crypto& crypto, const Heads& heads) {
  Bytes content(magic);
  for (const auto& [stream, head] : heads) {
    content.append(stream_name(stream));
    put_le64(content, head.sequence);
    content.append(head.hash.view());
  }
  content.append(crypto.hash(content).view());
  return files::replace(path, content);
}

Result<Heads> read_head_file(const std::string& path, const Crypto& crypto) {
  auto content = files::read(path, max_file_bytes);
  if (!content.ok() && content.error().code == ErrorCode::not_found) return Heads();
  if (!content.ok()) return content.error();
  ByteView rest = content.value();
  if (rest.size() < magic.size() + Hash::size || rest.substr(0, magic.size()) != magic) {
    return unreadable(path);
  }
  const ByteView covered = rest.substr(0, rest.size() - Hash::size);
  if (crypto.hash(covered).view() != rest.substr(covered.size())) return unreadable(path);
  Heads heads;
  for (rest = covered.substr(magic.size()); !rest.empty();) {
    const std::size_t name_size =
        rest.size() > 40 ? 41u + static_cast<unsigned char>(rest[40]) : rest.size();
    if (rest.size() < name_size + tail_size) return unreadable(path);
    auto stream = parse_stream_name(rest.substr(0, name_size));
    if (!stream.ok()) return unreadable(path);
    heads[stream.value()] = {get_le64(rest.data() + name_size),
                             *Hash::from(rest.substr(name_size + 8, Hash::size))};
    rest.remove_prefix(name_size + tail_size);
  }
  return heads;
}

Result<std::vector<LostTail>> lost_since(const Heads& once, const Reader& reader,
                                         const Crypto& crypto) {
  auto now = stored_heads(reader);
  if (!now.ok()) return now.error();
  std::vector<LostTail> lost;
  for (const auto& [stream, head] : once) {
    const auto held = now.value().find(stream);
    const Sequence sequence = held == now.value().end() ? 0 : held->second.sequence;
    if (sequence < head.sequence) {
      lost.push_back({stream, head, sequence});
      continue;
    }
    auto hash = hash_at(reader, crypto, stream, head.sequence);
    if (!hash.ok()) return hash.error();
    if (hash.value() != head.hash) lost.push_back({stream, head, head.sequence});
  }
  return lost;
}

Error error_of(const std::vector<LostTail>& lost) {
  XF_CHECK(!lost.empty());
  std::string what = "the store holds less than it did:";
  constexpr std::size_t max_listed = 10;
  for (std::size_t i = 0; i < lost.size() && i < max_listed; ++i) {
    what += (i == 0 ? " " : ", ") + short_name(lost[i].stream) + " up to " +
            std::to_string(lost[i].held) + " of " + std::to_string(lost[i].once.sequence);
  }
  if (lost.size() > max_listed)
    what += " and " + std::to_string(lost.size() - max_listed) + " more";
  return Error{ErrorCode::corrupt, what, "", "these streams are fetched again from peers"};
}

}  // namespace crossfloor
