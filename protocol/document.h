// The text form of everything that people carry between machines: keys, requests, certificates,
// revocations and mesh files.
//
//   crossfloor certificate 1
//   mesh 5f0c…
//   site helsinki
//   address tcp://10.1.0.4:7440
//   signature 77ab…
//
// A document is its first line (kind and format), then fields, one a line, a name and a value with
// one space between, and, where somebody vouches for it, the signature over all the bytes before
// that last line. It is stored and passed on as the bytes that were signed, so a newer node may add
// fields that older ones keep without knowing them. Because the kind is among the signed bytes, a
// signature made for one kind is worth nothing in another. Several documents stand in one file with
// an empty line between them; carriage returns, which mail likes to add, are taken out.
#pragma once

#include <utility>
#include <vector>

#include "protocol/crypto.h"
#include "protocol/result.h"
#include "protocol/time.h"

namespace crossfloor {

struct Document {
  static constexpr std::size_t max_bytes = 1024 * 1024;
  static constexpr std::size_t max_line = 1024;
  static constexpr std::size_t max_in_file = 4096;

  std::string kind;
  std::vector<std::pair<std::string, std::string>> fields;  // in order, without the signature
  std::optional<Signature> signature;
  Bytes text;             // the whole document, its last line ends in '\n'
  std::size_t covered{};  // this many bytes of `text` are what the signature covers

  bool genuine(const Crypto& crypto, const NodeId& signer) const;
};

// All documents of a file, at least one. Formats other than 1 are refused with the reason.
Result<std::vector<Document>> parse_documents(ByteView text);
// A file that must hold exactly one document, of this kind.
Result<Document> parse_document(ByteView text, std::string_view kind);

class DocumentWriter {
 public:
  explicit DocumentWriter(std::string_view kind);
  DocumentWriter& add(std::string_view name, std::string_view value);
  DocumentWriter& add(std::string_view name, const std::vector<std::string>& values);
  Bytes text() const { return text_; }
  Bytes sign(const Crypto& crypto, const SigningKey& key) const;

 private:
  Bytes text_;
};

// Reads fields and remembers the first complaint, so that a parser is a list of what it wants.
class FieldReader {
 public:
  explicit FieldReader(const Document& document) : document_(document) {}

  std::string one(std::string_view name);               // there must be exactly one
  std::vector<std::string> all(std::string_view name);  // any number
  std::uint64_t number(std::string_view name);
  WallTime time(std::string_view name);
  template <typename T>
  T id(std::string_view name) {
    const std::string text = one(name);
    if (!status_.ok()) return {};
    const auto id = T::from_hex_text(text);
    if (!id) complain(name, "must be " + std::to_string(2 * T::size) + " hexadecimal digits");
    return id.value_or(T{});
  }
  void complain(std::string_view name, std::string what);  // keeps the first one only
  const Status& status() const { return status_; }

 private:
  const Document& document_;
  Status status_;
};

// Decimal digits only, no sign, no leading zeros, no overflow.
std::optional<std::uint64_t> parse_number(std::string_view text);

// "2027-11-23T17:04:47Z", whole seconds, UTC; years 1970 to 9999.
std::string time_text(WallTime time);
std::optional<WallTime> parse_time(std::string_view text);

}  // namespace crossfloor
