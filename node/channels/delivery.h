// What became of one attempt to hand a reply to a provider, in the words of the log and the CLI.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "protocol/time.h"

namespace crossfloor {

// Values are stored in outcome entries: never reused, never renumbered.
enum class DeliveryKind {
  accepted,      // the provider has it; final
  refused,       // the provider does not want it, and never will; final until a person retries
  retry_later,   // surely not taken now; sent again by itself
  needs_person,  // surely answered, but not in a way that a machine may act upon
  unknown,       // sent and not answered: the provider may have it
  voided,        // a higher term made it void before it was taken; final
  absent,        // answer to a look-up: the provider surely does not have it
};

constexpr std::array<const char*, 7> names_of(DeliveryKind) {
  return {"accepted", "refused", "retry_later", "needs_person", "unknown", "voided", "absent"};
}

struct DeliveryResult {
  DeliveryKind kind = DeliveryKind::unknown;
  std::string external_id;              // the provider's id, if accepted
  std::string reason;                   // for people, unless accepted
  std::optional<Duration> retry_after;  // the provider's wish; holds for the whole account
};

}  // namespace crossfloor
