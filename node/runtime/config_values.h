// How values are written in a config: "30s", "16MiB", "host:7440", "https://…", "whsec_…".
// Pure text to value and back; who complains, and with which line, is config_reader.h's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/time.h"

namespace crossfloor {

// A whole number and a unit: ms, s, m, h, d. "0" needs a unit, too. Nothing if it is not that, or
// longer than ten years.
std::optional<Duration> parse_duration(std::string_view text);
std::string duration_text(Duration duration);  // in the largest unit that divides it: "90s", "2m"

// A whole number and a unit: B, KiB, MiB, GiB.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string size_text(std::uint64_t bytes);

struct HostPort {
  std::string host;  // name, IPv4, or IPv6 without brackets
  std::uint16_t port = 0;
  bool operator==(const HostPort&) const = default;
  std::string text() const;  // IPv6 in brackets
};
std::optional<HostPort> parse_host_port(std::string_view text);  // "host:port", "[::1]:7440"
bool is_loopback(std::string_view host);                         // localhost, 127.0.0.0/8, ::1

struct Url {
  bool tls = false;
  HostPort address;    // port filled in: 443 or 80
  std::string target;  // begins with '/'; path and query
  bool operator==(const Url&) const = default;
};
// http or https; no user:password, no fragment, nothing but printable ASCII.
std::optional<Url> parse_url(std::string_view text);

// A Standard Webhooks secret: "whsec_" and base64 of 24 to 64 bytes. Gives the bytes.
std::optional<Bytes> parse_secret(std::string_view text);

// The candidate that `word` was probably meant to be; nothing if none is near.
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);

}  // namespace crossfloor
