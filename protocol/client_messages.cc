#include "protocol/client_messages.h"

#include "protocol/json_codec.h"

namespace crossfloor::client {
namespace {

const std::string nothing;

// A reply of 64 KiB may be escaped to six times its size; a page may hold 50 of them.
constexpr JsonLimits command_limits{512 * 1024, 20'000, 16};
constexpr JsonLimits message_limits{32 * 1024 * 1024, 200'000, 16};

}  // namespace

std::uint64_t seq_of(const Message& message) {
  return std::visit(
      [](const auto& one) -> std::uint64_t {
        if constexpr (requires { one.seq; } &&
                      !std::is_same_v<std::decay_t<decltype(one)>, Welcome>)
          return one.seq;
        return 0;
      },
      message);
}

const std::string& id_of(const Message& message) {
  return std::visit(
      [](const auto& one) -> const std::string& {
        if constexpr (requires { one.id; }) return one.id;
        return nothing;
      },
      message);
}

const std::string& id_of(const Command& command) {
  return std::visit([](const auto& one) -> const std::string& { return one.id; }, command);
}

std::string to_text(const Message& message) {
  return json_text(message);
}
std::string to_text(const Command& command) {
  return json_text(command);
}
Result<Command> read_command(std::string_view text) {
  return read_json<Command>(text, command_limits);
}
Result<Message> read_message(std::string_view text) {
  return read_json<Message>(text, message_limits);
}

std::string readable_id(std::string_view text) {
  const auto tree = parse_json(text, command_limits);
  if (!tree.ok()) return {};
  const JsonValue* id = tree.value().find("id");
  if (id == nullptr || id->kind != JsonValue::Kind::text || id->text.size() > max_command_id) {
    return {};
  }
  return id->text;
}

}  // namespace crossfloor::client
