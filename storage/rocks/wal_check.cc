#include "storage/rocks/wal_check.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "storage/rocks/files.h"

namespace crossfloor {
namespace {

constexpr std::size_t block_size = 32 * 1024;
constexpr std::size_t header_size = 7;
constexpr std::size_t max_wal_bytes = 256 * 1024 * 1024;

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ 0x82F63B78u : value >> 1;
    table[i] = value;
  }
  return table;
}();

std::uint32_t masked_crc(ByteView bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes) {
    crc = crc >> 8 ^ crc_table[(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  }
  crc ^= 0xFFFFFFFFu;
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

// Length of the good record at the start of `rest` of a block, header included; 0 if it is bad.
std::size_t good_record(ByteView rest) {
  if (rest.size() < header_size) return 0;
  const auto type = static_cast<unsigned char>(rest[6]);
  const std::size_t length = get_le16(rest.data() + 4);
  if (type < 1 || type > 4 || header_size + length > rest.size()) return 0;
  if (masked_crc(rest.substr(6, 1 + length)) != get_le32(rest.data())) return 0;
  return header_size + length;
}

bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
}

// Whether any good record that starts a batch begins at or after `from`. Lengths there cannot be
// trusted, so within the damaged block every offset is tried.
bool good_start_behind(ByteView content, std::size_t from) {
  const std::size_t damaged_block = from / block_size;
  for (std::size_t at = from; at + header_size <= content.size();) {
    const ByteView block_rest = content.substr(at, block_size - at % block_size);
    const std::size_t length = good_record(block_rest);
    if (length > 0 && (block_rest[6] == 1 || block_rest[6] == 2)) return true;
    if (length > 0) {
      at += length;
    } else if (at / block_size == damaged_block) {
      ++at;
    } else {
      at = (at / block_size + 1) * block_size;
    }
  }
  return false;
}

}  // namespace

WalVerdict judge_wal(ByteView content) {
  bool inside = false;  // a batch has begun and not ended
  std::size_t batch_at = 0;
  for (std::size_t at = 0; at < content.size();) {
    const ByteView rest = content.substr(at, block_size - at % block_size);
    if (rest.size() < header_size && all_zero(rest)) {
      at += rest.size();
      continue;
    }
    const std::size_t length = good_record(rest);
    // A file system may leave zeros where the size was known before the bytes.
    if (length == 0 && all_zero(content.substr(at))) break;
    const int type = length > 0 ? rest[6] : 0;
    const bool fits = inside ? type == 3 || type == 4 : type == 1 || type == 2;
    if (length == 0 || !fits) return {at, good_start_behind(content, length == 0 ? at + 1 : at)};
    if (!inside) batch_at = at;
    inside = type == 2 || type == 3;
    at += length;
  }
  if (inside) return {batch_at, false};
  return {};
}

Result<WalFileVerdict> judge_wals_of(const std::string& path) {
  std::vector<std::filesystem::path> logs;
  std::error_code error;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".log") logs.push_back(at->path());
  }
  if (error) return Error{ErrorCode::io, "cannot be listed: " + error.message(), path, ""};
  std::sort(logs.begin(), logs.end());
  for (std::size_t i = 0; i < logs.size(); ++i) {
    auto content = files::read(logs[i].string(), max_wal_bytes);
    if (!content.ok()) return content.error();
    auto verdict = judge_wal(content.value());
    if (!verdict.bad_at) continue;
    // A newer log was begun only after this one was whole.
    for (std::size_t later = i + 1; later < logs.size() && !verdict.good_behind; ++later) {
      auto behind = files::read(logs[later].string(), max_wal_bytes);
      if (!behind.ok()) return behind.error();
      verdict.good_behind = good_start_behind(behind.value(), 0);
    }
    return WalFileVerdict{logs[i].string(), verdict};
  }
  return WalFileVerdict{};
}

}  // namespace crossfloor
