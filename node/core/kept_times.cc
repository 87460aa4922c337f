#include "node/core/kept_times.h"

#include <algorithm>

#include "protocol/bytes.h"
#include "storage/log_keys.h"

namespace crossfloor {
namespace {

Bytes key_of(ChannelKind kind) {
  return keys::handling_times(static_cast<std::uint8_t>(kind));
}

}  // namespace

// The value: means in milliseconds and cases, of own and of others' work (each 4, LE).
void keep_handling_times(Workspace& workspace, ChannelKind kind, const HandlingTimes& times) {
  Bytes value;
  for (const double each :
       {times.local_ms, times.local_cases, times.remote_ms, times.remote_cases}) {
    put_le32(value, static_cast<std::uint32_t>(std::clamp(each, 0.0, 4e9)));
  }
  workspace.put(key_of(kind), std::move(value));
}

HandlingTimes kept_handling_times(const Reader& reader, ChannelKind kind) {
  const auto found = reader.get(key_of(kind));
  constexpr std::size_t numbers = 4;
  if (!found.ok() || !found.value() || found.value()->size() != 4 * numbers) return {};
  const auto number = [&](std::size_t place) {
    return static_cast<double>(get_le32(found.value()->data() + 4 * place));
  };
  return {number(0), number(1), number(2), number(3)};
}

}  // namespace crossfloor
