#include "protocol/bodies.h"

#include "protocol/agent_record.h"
#include "protocol/bodies.capnp.h"
#include "protocol/capnp_codec.h"

namespace crossfloor {
namespace {

constexpr std::size_t salt_size = 16;

template <typename Body>
Bytes salted(const Body& body, Random& random) {
  Bytes out(salt_size, '\0');
  random.fill(out.data(), salt_size);
  out.append(encode_capnp(body));
  return out;
}

template <typename Body>
Result<Body> unsalted(ByteView bytes) {
  if (bytes.size() < salt_size) {
    return Error{ErrorCode::malformed, "a body shorter than its 16 random bytes", "", ""};
  }
  return decode_capnp<Body>(bytes.substr(salt_size));
}

}  // namespace

#define XF_BODY(Body)                                   \
  template <>                                           \
  struct SchemaOf<Body> : CapnpSchema<wire::Body> {};   \
  template <>                                           \
  Bytes encode_body(const Body& body, Random& random) { \
    return salted(body, random);                        \
  }                                                     \
  template <>                                           \
  Result<Body> decode_body(ByteView bytes) {            \
    return unsalted<Body>(bytes);                       \
  }

XF_BODY(GenerationBody)
XF_BODY(MessageBody)
XF_BODY(PlacedBody)
XF_BODY(CourseBody)
XF_BODY(TookHomeBody)
XF_BODY(ReplyBody)
XF_BODY(NoteBody)
XF_BODY(AttemptBody)
XF_BODY(OutcomeBody)
XF_BODY(LinkBody)
XF_BODY(AccountBody)
XF_BODY(AgentRecord)
XF_BODY(ActBody)
#undef XF_BODY

}  // namespace crossfloor
