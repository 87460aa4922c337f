// crossfloor send: one message through a channel account, to see whether the channel works.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "node/channels/generic_intake.h"
#include "node/runtime/clock.h"
#include "node/runtime/config_values.h"
#include "tools/crossfloor/families.h"
#include "tools/crossfloor/intake_client.h"
#include "tools/crossfloor/receipts_file.h"

namespace crossfloor::cli {
namespace {

constexpr std::size_t max_piped = 64 * 1024 + 1;  // one byte over a message's limit

struct SendArguments {
  std::vector<std::string> urls;
  std::string account;
  std::string secret_file;
  std::string direction = "in";
  std::string kind = "message";
  std::string patience = "20s";
  IncomingMessage message;
};

Result<std::string> body_of(SendArguments& arguments, Random& random) {
  IncomingMessage& message = arguments.message;
  if (message.external_id.empty()) message.external_id = "cli-" + random.id<MessageId>().hex();
  if (message.text == "-") {
    message.text.assign(max_piped, '\0');
    std::cin.read(message.text.data(), static_cast<std::streamsize>(max_piped));
    message.text.resize(static_cast<std::size_t>(std::cin.gcount()));
  }
  message.direction = *from_word<Direction>(arguments.direction);
  message.kind = *from_word<MessageKind>(arguments.kind);
  message.provider_time_ms = ms_of(machine_now().wall);
  std::string body = write_generic_message(message);
  // What the node would refuse is refused here, with the same words.
  if (auto judged = read_generic_message(body); !judged.ok()) return judged.error();
  return body;
}

Exit run(Context& context, SendArguments& arguments) {
  const auto patience = parse_duration(arguments.patience);
  if (!patience) {
    return fail(context,
                Error{ErrorCode::malformed, "'" + arguments.patience + "' is no duration",
                      "--patience", "write it as 20s"},
                Exit::usage);
  }
  const auto secret = read_secret_file(arguments.secret_file);
  if (!secret.ok()) return fail(context, secret.error());
  ChannelTargets targets;
  const auto added = add_target({}, arguments.account, arguments.urls, secret.value(),
                                arguments.secret_file, targets);
  if (!added.ok()) return fail(context, added.error(), Exit::usage);
  SystemRandom random;
  auto body = body_of(arguments, random);
  if (!body.ok()) return fail(context, body.error(), Exit::usage);

  auto io = kj::setupAsyncIo();
  HttpClientOptions http_options;
  http_options.authorities_file = context.authorities;
  auto http = HttpClient::make(io.provider->getNetwork(), io.provider->getTimer(), http_options);
  if (!http.ok()) return fail(context, http.error());
  IntakeClient client(*http.value(), io.provider->getTimer(), random, {.patience = *patience});
  const auto result =
      client.send(targets.accounts[0], 0, std::move(body).value()).wait(io.waitScope);
  if (result.end != IntakeResult::End::taken) {
    const bool reached = result.status != 0;
    return fail(
        context,
        Error{reached ? ErrorCode::malformed : ErrorCode::unavailable, result.reason, result.host,
              reached ? "" : "is the node running, and does it host the account?"});
  }
  if (context.json) {
    context.out << receipt_line(arguments.account, arguments.message.external_id, result.host,
                                result.receipt)
                << "\n";
    return Exit::fine;
  }
  const std::string durable = text_member(result.receipt, "durable");
  context.out << arguments.message.external_id << " is message "
              << text_member(result.receipt, "message_id")
              << (flag_member(result.receipt, "duplicate") ? ", which was there already" : "")
              << (durable == "mesh" ? ", on the disks of two nodes" : ", on the disk of this node")
              << "\n";
  return Exit::fine;
}

}  // namespace

void add_send_verb(CLI::App& app, Context& context) {
  auto a = std::make_shared<SendArguments>();
  CLI::App* verb =
      add_verb(app, "send", "Sends one message through a channel account",
               {"crossfloor send --url http://127.0.0.1:7480 --account shop-chat \\",
                "  --secret-file shop.secret --customer c1 --text 'Where is my parcel?'",
                "fortune | crossfloor send … --customer c1 --public --thread t1 --text -"});
  verb->add_option("--url", a->urls, "a host of the account; several: the next if one fails")
      ->required();
  verb->add_option("--account", a->account, "the channel account")->required();
  verb->add_option("--secret-file", a->secret_file, "file with the account's whsec_…")
      ->required()
      ->type_name("FILE");
  verb->add_option("--customer", a->message.customer.external_id, "the customer's external id");
  verb->add_option("--text", a->message.text, "what he writes; - reads it from the input");
  verb->add_option("--id", a->message.external_id,
                   "external id of the message (default: a new one)");
  verb->add_option("--name", a->message.customer.name, "the customer's name");
  verb->add_option("--ref", a->message.customer.customer_ref, "your own key of the customer");
  verb->add_flag("--public", a->message.is_public, "others can read it");
  verb->add_option("--thread", a->message.thread_id, "id of the thread");
  verb->add_option("--parent", a->message.parent_id, "external id of the message it answers");
  verb->add_option("--language", a->message.language, "BCP 47, as fi-FI");
  verb->add_option("--priority", a->message.priority, "0 to 3")->check(CLI::Range(0, 3));
  verb->add_option("--mood", a->message.mood, "0 calm, 1 unhappy, 2 furious")
      ->check(CLI::Range(0, 2));
  verb->add_option("--topic", a->message.topic, "what it is about");
  verb->add_option("--skill", a->message.skills, "that the agent must have; may be repeated");
  verb->add_option("--direction", a->direction, "in, or out: an answer given elsewhere")
      ->check(CLI::IsMember({"in", "out"}));
  verb->add_option("--kind", a->kind, "message, edited, deleted, delivered, read")
      ->check(CLI::IsMember({"message", "edited", "deleted", "delivered", "read"}));
  verb->add_option("--patience", a->patience, "how long it is tried (default 20s)")
      ->type_name("TIME");
  on_run(verb, context, [&context, a] { return run(context, *a); });
}

}  // namespace crossfloor::cli
