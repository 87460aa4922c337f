#include "protocol/subjects.h"

namespace crossfloor {

Subject Subjects::hash(ByteView kind, std::initializer_list<ByteView> parts) const {
  std::size_t size = 4 + kind.size();
  for (ByteView part : parts) size += 4 + part.size();
  Bytes joined;
  joined.reserve(size);
  put_le32(joined, static_cast<std::uint32_t>(kind.size()));
  joined.append(kind);
  for (ByteView part : parts) {
    put_le32(joined, static_cast<std::uint32_t>(part.size()));
    joined.append(part);
  }
  return crypto_.keyed_hash(key_, joined);
}

MessageId Subjects::message(ByteView account, ByteView external_id) const {
  return hash("message", {account, external_id}).as<MessageId>();
}
HandleId Subjects::handle(ByteView brand, ByteView channel, ByteView external_id) const {
  return hash("handle", {brand, channel, external_id}).as<HandleId>();
}
HandleId Subjects::reference(ByteView brand, ByteView customer_ref) const {
  return hash("reference", {brand, customer_ref}).as<HandleId>();
}
Subject Subjects::agent(ByteView name) const {
  return hash("agent", {name});
}
Subject Subjects::account(ByteView name) const {
  return hash("account", {name});
}
CommandId Subjects::command(ByteView agent, ByteView client_id) const {
  return hash("command", {agent, client_id}).as<CommandId>();
}
ReplyId Subjects::reply(const CommandId& command) const {
  return hash("reply", {command.view()}).as<ReplyId>();
}
Subject Subjects::thread(ByteView account, ByteView thread_id, const HandleId& handle) const {
  return hash("thread", {account, thread_id, handle.view()});
}
Subject Subjects::place(ByteView account, const HandleId& handle, bool is_public) const {
  return hash("place", {account, handle.view(), is_public ? "public" : "private"});
}
Subject Subjects::text(ByteView kind, ByteView text) const {
  return hash("text", {kind, text});
}

}  // namespace crossfloor
