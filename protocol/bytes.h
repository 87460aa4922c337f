// Bytes are kept in std::string: every library we speak to takes them, and small ones need no heap.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace crossfloor {

using Bytes = std::string;
using ByteView = std::string_view;

std::string to_hex(ByteView bytes);
std::optional<Bytes> from_hex(std::string_view hex);  // nothing if odd or not hexadecimal

bool is_valid_utf8(ByteView text);  // strict: no overlong forms, surrogates or values over U+10FFFF

// Fixed-width integers. Little-endian for frozen layouts, big-endian where bytes must sort.
void put_le16(Bytes& out, std::uint16_t value);
void put_le32(Bytes& out, std::uint32_t value);
void put_le64(Bytes& out, std::uint64_t value);
void put_be32(Bytes& out, std::uint32_t value);
void put_be64(Bytes& out, std::uint64_t value);
std::uint16_t get_le16(const char* at);
std::uint32_t get_le32(const char* at);
std::uint64_t get_le64(const char* at);
std::uint32_t get_be32(const char* at);
std::uint64_t get_be64(const char* at);

}  // namespace crossfloor
