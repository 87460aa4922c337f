#include "protocol/entry.h"

#include "protocol/check.h"

namespace crossfloor {
namespace {

Bytes sealed_bytes(const MeshId& mesh, const Stream& stream, Sequence sequence, const Hash& hash) {
  Bytes out = "crossfloor seal 1";
  out.append(mesh.view());
  out.append(stream_name(stream));
  put_le64(out, sequence);
  out.append(hash.view());
  return out;
}

}  // namespace

void EntryHeader::append_to(Bytes& out) const {
  out.push_back(static_cast<char>(format));
  out.push_back(static_cast<char>(flags));
  put_le16(out, kind);
  put_le64(out, time.value);
  out.append(subject.view());
}

Result<EntryHeader> EntryHeader::decode(ByteView bytes) {
  if (bytes.size() != encoded_size) {
    return Error{ErrorCode::malformed,
                 "an entry header of " + std::to_string(bytes.size()) + " bytes instead of 28", "",
                 ""};
  }
  EntryHeader header;
  header.format = static_cast<std::uint8_t>(bytes[0]);
  header.flags = static_cast<std::uint8_t>(bytes[1]);
  if (header.format != 1) {
    return Error{ErrorCode::malformed,
                 "an entry of format " + std::to_string(header.format) + "; this node reads 1", "",
                 "upgrade this node"};
  }
  header.kind = get_le16(bytes.data() + 2);
  header.time.value = get_le64(bytes.data() + 4);
  header.subject = *Subject::from(bytes.substr(12, 16));
  return header;
}

Bytes Seal::encode() const {
  Bytes out;
  out.reserve(encoded_size);
  put_le64(out, sequence);
  out.append(hash.view());
  out.append(signature.view());
  return out;
}

Result<Seal> Seal::decode(ByteView bytes) {
  if (bytes.size() != encoded_size) {
    return Error{ErrorCode::malformed,
                 "a seal of " + std::to_string(bytes.size()) + " bytes instead of 104", "", ""};
  }
  Seal seal;
  seal.sequence = get_le64(bytes.data());
  seal.hash = *Hash::from(bytes.substr(8, 32));
  seal.signature = *Signature::from(bytes.substr(40, 64));
  return seal;
}

Bytes stream_name(const Stream& stream) {
  Bytes out;
  append_stream_name(out, stream);
  return out;
}

void append_stream_name(Bytes& out, const Stream& stream) {
  XF_CHECK(stream.region.size() <= 32);
  out.append(stream.origin.node.view());
  put_le64(out, stream.origin.generation);
  out.push_back(static_cast<char>(stream.region.size()));
  out.append(stream.region);
}

Result<Stream> parse_stream_name(ByteView bytes) {
  if (bytes.size() < 42 || static_cast<unsigned char>(bytes[40]) > 32 ||
      bytes.size() != 41u + static_cast<unsigned char>(bytes[40])) {
    return Error{ErrorCode::malformed, "a stream name that is cut short or too long", "", ""};
  }
  Stream stream;
  stream.origin.node = *NodeId::from(bytes.substr(0, 32));
  stream.origin.generation = get_le64(bytes.data() + 32);
  stream.region = Region(bytes.substr(41));
  return stream;
}

Hash first_hash(const Crypto& crypto, const Stream& stream) {
  return crypto.hash(stream_name(stream));
}

Hash next_hash(const Crypto& crypto, const Hash& previous, const Entry& entry) {
  const Hash body = entry.erased_body_hash ? *entry.erased_body_hash : crypto.hash(entry.body);
  return crypto.hash(previous.view(), entry.header, body.view());
}

Seal make_seal(const Crypto& crypto, const SigningKey& key, const MeshId& mesh,
               const Stream& stream, Sequence sequence, const Hash& hash) {
  return Seal{sequence, hash, crypto.sign(key, sealed_bytes(mesh, stream, sequence, hash))};
}

bool seal_is_genuine(const Crypto& crypto, const MeshId& mesh, const Stream& stream,
                     const Seal& seal) {
  return crypto.verify(stream.origin.node, sealed_bytes(mesh, stream, seal.sequence, seal.hash),
                       seal.signature);
}

}  // namespace crossfloor
