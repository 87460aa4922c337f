#include "node/channels/generic_receipt.h"

namespace crossfloor {
namespace {

constexpr std::size_t node_digits = NodeId::size * 2;
constexpr std::size_t generation_digits = 16;
constexpr std::size_t max_region = 32;

}  // namespace

std::string stream_text(const Stream& stream) {
  Bytes generation;
  put_be64(generation, stream.origin.generation);
  return stream.origin.node.hex() + "." + to_hex(generation) + "." + stream.region;
}

std::optional<Stream> parse_stream_text(std::string_view text) {
  constexpr std::size_t region_at = node_digits + generation_digits + 2;
  if (text.size() <= region_at || text.size() > region_at + max_region) return std::nullopt;
  if (text[node_digits] != '.' || text[region_at - 1] != '.') return std::nullopt;
  const auto node = NodeId::from_hex_text(text.substr(0, node_digits));
  const auto generation = from_hex(text.substr(node_digits + 1, generation_digits));
  if (!node || !generation) return std::nullopt;
  const std::string_view region = text.substr(region_at);
  for (const char c : region) {
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') return std::nullopt;
  }
  return Stream{{*node, get_be64(generation->data())}, Region(region)};
}

}  // namespace crossfloor
