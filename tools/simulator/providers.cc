#include "tools/simulator/providers.h"

namespace crossfloor::simulator {
namespace {

constexpr Duration client_gives_up{30'000};

DeliveryResult plain(DeliveryKind kind, const char* reason) {
  DeliveryResult result;
  result.kind = kind;
  result.reason = reason;
  return result;
}

}  // namespace

Providers::Providers(Stage& stage, std::uint64_t seed) : stage_(stage), dice_(seed, "providers") {}

void Providers::called(Node& node, const CallProvider& call) {
  const ProviderOptions& options = stage_.options.provider;
  Handed& handed = stage_.facts.handed[call.reply];
  handed.conversation = call.conversation;
  if (handed.name.empty()) handed.name = "out-" + std::to_string(stage_.facts.handed.size());
  stage_.trace.tell(stage_.now(), [&] {
    return node.site + (call.lookup ? " asks for reply " : " sends reply ") + call.reply.hex() +
           " of " + call.conversation.hex() + ", attempt " + std::to_string(call.attempt);
  });
  const bool evil = !stage_.healing;
  Duration after = dice_.between(options.answer_min, options.answer_max);
  if (evil && dice_.chance(options.slow)) after = dice_.between(Duration{2'000}, Duration{25'000});
  if (call.lookup) {
    DeliveryResult known =
        plain(handed.taken > 0 ? DeliveryKind::accepted : DeliveryKind::absent, "never heard of");
    if (handed.taken > 0) known.external_id = handed.name;
    return answer(node.index, call, known, after);
  }
  ++handed.calls;
  // Who does not know the outcome yet (a sender named after a takeover) may repeat where the
  // receiver drops repetitions; nobody else, and without bad luck nobody at all.
  if (handed.answer_settled && (!options.repeatable || !stage_.facts.ever_apart ||
                                handed.settled_at.count(node.index) == 1)) {
    stage_.facts.broken.push_back(
        "no reply is sent twice to a provider that answered: " + call.reply.hex() + " of " +
        call.conversation.hex() + " by " + node.site);
  }
  if (handed.maybe_taken && !options.repeatable) {
    stage_.facts.broken.push_back(
        "an unknown reply is not sent again where repeats are not known: " + call.reply.hex() +
        " of " + call.conversation.hex() + " by " + node.site);
  }
  if (evil && dice_.chance(options.refuse)) {
    return answer(node.index, call, plain(DeliveryKind::refused, "no such customer"), after);
  }
  if (evil && dice_.chance(options.retry)) {
    return answer(node.index, call, plain(DeliveryKind::retry_later, "too many"), after);
  }
  if (evil && dice_.chance(options.drop_before)) {
    handed.maybe_taken = true;
    return answer(node.index, call, plain(DeliveryKind::unknown, "connection lost"),
                  client_gives_up);
  }
  ++handed.taken;
  if (evil && dice_.chance(options.drop_after)) {
    handed.maybe_taken = true;
    return answer(node.index, call, plain(DeliveryKind::unknown, "connection lost"),
                  client_gives_up);
  }
  DeliveryResult result;
  result.kind = DeliveryKind::accepted;
  result.external_id = handed.name;
  // Until the node has heard it, a crash makes it an attempt without an outcome.
  handed.maybe_taken = true;
  answer(node.index, call, result, after);
}

void Providers::answer(std::size_t node, const CallProvider& call, DeliveryResult result,
                       Duration after) {
  stage_.nodes.call(node, after, [this, call, result](Node& sender) {
    stage_.trace.tell(stage_.now(), [&] {
      return "the provider answers " + sender.site + " about reply " + call.reply.hex() + ": " +
             names_of(result.kind)[static_cast<std::size_t>(result.kind)];
    });
    sender.core->provider_answered(call.reply, call.attempt, call.lookup, result,
                                   sender.now(stage_.now()));
    if (result.kind == DeliveryKind::accepted) {
      said_[{sender.index, sender.life}].push_back(
          {sender.core->scribe().last_write(), call.reply});
    } else if (call.lookup && result.kind == DeliveryKind::absent) {
      stage_.facts.handed[call.reply].maybe_taken = false;
    } else if (result.kind == DeliveryKind::retry_later || result.kind == DeliveryKind::refused) {
      stage_.facts.handed[call.reply].maybe_taken = false;
    }
  });
}

void Providers::committed(Node& node, std::uint64_t number) {
  const auto at = said_.find({node.index, node.life});
  if (at == said_.end()) return;
  std::erase_if(at->second, [&](const Said& said) {
    if (said.write > number) return false;
    Handed& handed = stage_.facts.handed[said.reply];
    handed.answer_settled = true;
    handed.settled_at.insert(node.index);
    return true;
  });
  if (at->second.empty()) said_.erase(at);
}

}  // namespace crossfloor::simulator
