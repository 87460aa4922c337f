#include "tools/crossfloor/delivery_plan.h"

#include <algorithm>
#include <charconv>

namespace crossfloor::cli {
namespace {

constexpr std::size_t max_deliveries = 16;

std::optional<std::size_t> parse_count(std::string_view text) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// The moment of each message, pauses squeezed.
std::vector<Duration> moments(const std::vector<Planned>& messages,
                              const DeliveryOptions& options) {
  std::vector<Duration> out;
  double at = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (i > 0 && options.timed) {
      const auto recorded = static_cast<double>(
          std::max<std::int64_t>(0, messages[i].time_ms - messages[i - 1].time_ms));
      double pause = recorded / options.speed;
      if (options.gap_max) pause = std::min(pause, static_cast<double>(options.gap_max->count()));
      at += pause;
    }
    out.push_back(Duration{static_cast<std::int64_t>(at)});
  }
  return out;
}

}  // namespace

Result<std::pair<std::size_t, std::size_t>> parse_range(const std::string& text,
                                                        const std::string& where) {
  const auto dash = text.find('-');
  const auto least = parse_count(std::string_view(text).substr(0, dash));
  const auto most =
      dash == std::string::npos ? least : parse_count(std::string_view(text).substr(dash + 1));
  if (!least || !most || *least < 1 || *most < *least || *most > max_deliveries) {
    return Error{ErrorCode::malformed, "'" + text + "' is not a number or a range up to 16", where,
                 "write 2, or 1-3"};
  }
  return std::pair{*least, *most};
}

std::vector<Delivery> plan_deliveries(const std::vector<Planned>& messages,
                                      const DeliveryOptions& options, Random& random) {
  const auto times = moments(messages, options);
  struct Slot {
    std::uint64_t key;
    std::size_t number;
    Delivery delivery;
  };
  std::vector<Slot> slots;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::size_t count = options.least + random.below(options.most - options.least + 1);
    const std::size_t first = count > 1 ? random.below(messages[i].hosts) : 0;
    for (std::size_t k = 0; k < count; ++k) {
      const std::uint64_t late = options.shuffle > 0 ? random.below(options.shuffle + 1) : 0;
      slots.push_back({i + late, slots.size(), {times[i], i, (first + k) % messages[i].hosts}});
    }
  }
  std::vector<Duration> undisturbed;
  for (const Slot& slot : slots) undisturbed.push_back(slot.delivery.at);
  std::sort(slots.begin(), slots.end(), [](const Slot& a, const Slot& b) {
    return std::pair(a.key, a.number) < std::pair(b.key, b.number);
  });
  std::vector<Delivery> out;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    out.push_back(slots[i].delivery);
    out.back().at = undisturbed[i];
  }
  return out;
}

}  // namespace crossfloor::cli
