#include "node/runtime/config_values.h"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <utility>

namespace crossfloor {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit kTimes[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
constexpr Unit kSizes[] = {{"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}};

template <std::size_t N>
std::optional<std::uint64_t> parse_with_unit(std::string_view text, const Unit (&units)[N]) {
  std::uint64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{}) return std::nullopt;
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const Unit& unit : units) {
    if (rest != unit.name) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string text_with_unit(std::uint64_t value, const Unit (&units)[N]) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) {
      return std::to_string(value / unit.factor) + std::string(unit.name);
    }
  }
  return "0" + std::string(units[N - 1].name);
}

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const auto ms = parse_with_unit(text, kTimes);
  if (!ms || *ms > 3'650ULL * 86'400'000) return std::nullopt;
  return Duration{static_cast<std::int64_t>(*ms)};
}

std::string duration_text(Duration duration) {
  const std::string sign = duration.count() < 0 ? "-" : "";
  const auto ms = static_cast<std::uint64_t>(std::abs(duration.count()));
  return ms == 0 ? "0s" : sign + text_with_unit(ms, kTimes);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_with_unit(text, kSizes);
}

std::string size_text(std::uint64_t bytes) {
  return text_with_unit(bytes, kSizes);
}

std::string HostPort::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<HostPort> parse_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (!port || host.empty() || host.size() > 255) return std::nullopt;
  if (host.front() == '[') {
    if (host.size() < 4 || host.back() != ']') return std::nullopt;
    host = host.substr(1, host.size() - 2);
    const bool good =
        host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos &&
        host.find(':') != std::string_view::npos;
    if (!good) return std::nullopt;
  } else if (!std::all_of(host.begin(), host.end(), is_host_byte)) {
    return std::nullopt;
  }
  return HostPort{std::string(host), *port};
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  return host.substr(0, 4) == "127." &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (text.substr(0, 8) == "https://") {
    url.tls = true;
    text.remove_prefix(8);
  } else if (text.substr(0, 7) == "http://") {
    text.remove_prefix(7);
  } else {
    return std::nullopt;
  }
  const auto printable = [](char c) { return c > ' ' && c < '\x7f' && c != '#' && c != '"'; };
  if (!std::all_of(text.begin(), text.end(), printable)) return std::nullopt;
  const auto slash = std::min(text.find('/'), text.find('?'));
  std::string authority(text.substr(0, slash));
  url.target = slash == std::string_view::npos ? "/" : std::string(text.substr(slash));
  if (url.target.front() != '/') url.target.insert(0, "/");
  const bool has_port =
      !authority.empty() && authority.back() != ']' &&
      authority.find(':', authority.find(']') == std::string::npos ? 0 : authority.find(']')) !=
          std::string::npos;
  if (!has_port) authority += url.tls ? ":443" : ":80";
  const auto address = parse_host_port(authority);
  if (!address || address->port == 0) return std::nullopt;
  url.address = *address;
  return url;
}

std::optional<Bytes> parse_secret(std::string_view text) {
  constexpr std::string_view prefix = "whsec_";
  if (text.substr(0, prefix.size()) != prefix) return std::nullopt;
  text.remove_prefix(prefix.size());
  Bytes bytes(text.size(), '\0');
  std::size_t size = 0;
  for (const int variant :
       {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING}) {
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                          text.size(), nullptr, &size, nullptr, variant) != 0) {
      continue;
    }
    if (size < 24 || size > 64) return std::nullopt;
    bytes.resize(size);
    return bytes;
  }
  return std::nullopt;
}

std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates) {
  // A third of the letters may differ, rounded up, so that "lisen" finds "listen" and "x"
  // nothing.
  std::size_t best = (word.size() + 2) / 3 + 1;
  std::optional<std::string> found;
  if (word.size() > 64) return found;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= best || distance >= candidate.size()) continue;
    best = distance;
    found = candidate;
  }
  return found;
}

}  // namespace crossfloor
