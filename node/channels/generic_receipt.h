// The answer to a message that was taken in: a promise that can be proved later, by
// `crossfloor verify --receipts`.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "protocol/fields.h"

namespace crossfloor {

// What must be lost before the message is.
enum class Durable {
  site,  // the disk of this node
  mesh,  // the disks of two nodes
};
constexpr auto names_of(Durable) {
  return std::array{"site", "mesh"};
}

struct GenericReceipt {
  MessageId message_id;
  std::string stream;  // stream_text()
  std::uint64_t sequence = 0;
  Hash hash;
  Durable durable = Durable::site;
  bool duplicate = false;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("message_id", self.message_id,
          Rule{.required = true,
               .doc = "the message's name in Crossfloor, the same at every node",
               .example = "\"5f0c3a9e41d2b7781c6e90aa3bd4f215\""});
    visit("stream", self.stream,
          Rule{.required = true,
               .max_bytes = 128,
               .doc = "the log that holds it: node, start of that node, region",
               .example = "\"9b1f….4fe01c7d22aa9031.eu\""});
    visit("sequence", self.sequence, Rule{.doc = "its place in that log", .example = "4711"});
    visit("hash", self.hash,
          Rule{.doc = "of that log up to and with the message", .example = "\"a3c0…\""});
    visit("durable", self.durable,
          Rule{.doc = "mesh: on the disks of two nodes; site: on the disk of this one",
               .example = "\"mesh\""});
    visit("duplicate", self.duplicate, Rule{.doc = "it was here already", .example = "false"});
  }
};

// "<node, 64 hexadecimal digits>.<generation, 16>.<region>", and back.
std::string stream_text(const Stream& stream);
std::optional<Stream> parse_stream_text(std::string_view text);

}  // namespace crossfloor
