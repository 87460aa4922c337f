#include "tools/simulator/options.h"

#include <array>
#include <charconv>
#include <functional>

namespace crossfloor::simulator {
namespace {

enum class Sort { shape, vice };

// One list of all options; everything else here walks over it.
template <class Self, class Visit>
void each_option(Self& o, Visit&& visit) {
  visit("shape.nodes", o.shape.nodes, Sort::shape);
  visit("shape.regions", o.shape.regions, Sort::shape);
  visit("shape.agents", o.shape.agents, Sort::shape);
  visit("shape.length", o.shape.length, Sort::shape);
  visit("shape.heal", o.shape.heal, Sort::shape);
  visit("shape.takeover_after", o.shape.takeover_after, Sort::shape);
  visit("shape.chat", o.shape.chat, Sort::shape);
  visit("shape.mesh_durability", o.shape.mesh_durability, Sort::shape);
  visit("shape.real_crypto", o.shape.real_crypto, Sort::shape);
  visit("shape.codec_one_in", o.shape.codec_one_in, Sort::shape);
  visit("network.profile", o.network.profile, Sort::shape);
  visit("network.loss", o.network.loss, Sort::vice);
  visit("network.duplicate", o.network.duplicate, Sort::vice);
  visit("network.reorder", o.network.reorder, Sort::vice);
  visit("network.bandwidth", o.network.bandwidth, Sort::vice);
  visit("network.clogs_every", o.network.clogs_every, Sort::vice);
  visit("network.clog_max", o.network.clog_max, Sort::shape);
  visit("network.one_way_every", o.network.one_way_every, Sort::vice);
  visit("network.cuts_every", o.network.cuts_every, Sort::vice);
  visit("network.cut_max", o.network.cut_max, Sort::shape);
  visit("network.partitions_every", o.network.partitions_every, Sort::vice);
  visit("network.partition_max", o.network.partition_max, Sort::shape);
  visit("network.flaps_every", o.network.flaps_every, Sort::vice);
  visit("network.flap_max", o.network.flap_max, Sort::shape);
  visit("node.sync_min", o.node.sync_min, Sort::shape);
  visit("node.sync_max", o.node.sync_max, Sort::shape);
  visit("node.slow_disks_every", o.node.slow_disks_every, Sort::vice);
  visit("node.crashes_every", o.node.crashes_every, Sort::vice);
  visit("node.mid_batch", o.node.mid_batch, Sort::shape);
  visit("node.power", o.node.power, Sort::vice);
  visit("node.down_max", o.node.down_max, Sort::shape);
  visit("node.pauses_every", o.node.pauses_every, Sort::vice);
  visit("node.pause_max", o.node.pause_max, Sort::shape);
  visit("node.stops_every", o.node.stops_every, Sort::vice);
  visit("node.lost_disks_every", o.node.lost_disks_every, Sort::vice);
  visit("node.old_backups_every", o.node.old_backups_every, Sort::vice);
  visit("node.write_errors_every", o.node.write_errors_every, Sort::vice);
  visit("node.read_errors_every", o.node.read_errors_every, Sort::vice);
  visit("node.full_disks_every", o.node.full_disks_every, Sort::vice);
  visit("node.full_max", o.node.full_max, Sort::shape);
  visit("node.flips_every", o.node.flips_every, Sort::vice);
  visit("node.flip_max", o.node.flip_max, Sort::shape);
  visit("node.clones_every", o.node.clones_every, Sort::vice);
  visit("node.clone_max", o.node.clone_max, Sort::shape);
  visit("node.drift_ppm", o.node.drift_ppm, Sort::vice);
  visit("node.clock_offset", o.node.clock_offset, Sort::vice);
  visit("node.jumps_every", o.node.jumps_every, Sort::vice);
  visit("node.jump_max", o.node.jump_max, Sort::shape);
  visit("people.customers", o.people.customers, Sort::shape);
  visit("people.arrivals_every", o.people.arrivals_every, Sort::shape);
  visit("people.arrivals_from", o.people.arrivals_from, Sort::shape);
  visit("people.bursts_every", o.people.bursts_every, Sort::vice);
  visit("people.handling", o.people.handling, Sort::shape);
  visit("people.handling_mean", o.people.handling_mean, Sort::shape);
  visit("people.accept", o.people.accept, Sort::shape);
  visit("people.decline", o.people.decline, Sort::shape);
  visit("people.transfer", o.people.transfer, Sort::vice);
  visit("people.wrap_up", o.people.wrap_up, Sort::vice);
  visit("people.vanish_every", o.people.vanish_every, Sort::vice);
  visit("people.vanish_max", o.people.vanish_max, Sort::shape);
  visit("people.log_outs_every", o.people.log_outs_every, Sort::vice);
  visit("people.strays_every", o.people.strays_every, Sort::vice);
  visit("people.links_every", o.people.links_every, Sort::vice);
  visit("channel.hosts_at_once", o.channel.hosts_at_once, Sort::shape);
  visit("channel.duplicate", o.channel.duplicate, Sort::vice);
  visit("channel.repeat", o.channel.repeat, Sort::vice);
  visit("channel.late", o.channel.late, Sort::vice);
  visit("channel.resend_after", o.channel.resend_after, Sort::shape);
  visit("provider.answer_min", o.provider.answer_min, Sort::shape);
  visit("provider.answer_max", o.provider.answer_max, Sort::shape);
  visit("provider.slow", o.provider.slow, Sort::vice);
  visit("provider.refuse", o.provider.refuse, Sort::vice);
  visit("provider.retry", o.provider.retry, Sort::vice);
  visit("provider.drop_before", o.provider.drop_before, Sort::vice);
  visit("provider.drop_after", o.provider.drop_after, Sort::vice);
  visit("provider.repeatable", o.provider.repeatable, Sort::shape);
  visit("provider.lookup", o.provider.lookup, Sort::shape);
  visit("malice.garbage_every", o.malice.garbage_every, Sort::vice);
  visit("malice.flips_every", o.malice.flips_every, Sort::vice);
  visit("malice.replays_every", o.malice.replays_every, Sort::vice);
  visit("malice.floods_every", o.malice.floods_every, Sort::vice);
  visit("malice.drop_bodies", o.malice.drop_bodies, Sort::vice);
  visit("malice.wild_words_every", o.malice.wild_words_every, Sort::vice);
  visit("malice.wild_entries_every", o.malice.wild_entries_every, Sort::vice);
}

std::string text_of(const std::string& value) {
  return value;
}
std::string text_of(bool value) {
  return value ? "true" : "false";
}
std::string text_of(std::int64_t value) {
  return std::to_string(value);
}
std::string text_of(Duration value) {
  return duration_text(value);
}
std::string text_of(double value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

template <typename Number>
bool read_number(const std::string& text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

bool read(const std::string& text, std::string& value) {
  value = text;
  return true;
}
bool read(const std::string& text, bool& value) {
  value = text == "true";
  return text == "true" || text == "false";
}
bool read(const std::string& text, std::int64_t& value) {
  return read_number(text, value) && value >= 0;
}
bool read(const std::string& text, double& value) {
  return read_number(text, value) && value >= 0 && value <= 1;
}
bool read(const std::string& text, Duration& value) {
  auto parsed = parse_duration(text);
  if (parsed.ok()) value = parsed.value();
  return parsed.ok();
}

const char* wanted(const std::string&) {
  return "text";
}
const char* wanted(bool) {
  return "true or false";
}
const char* wanted(std::int64_t) {
  return "a whole number";
}
const char* wanted(double) {
  return "a share from 0 to 1";
}
const char* wanted(Duration) {
  return "a time like 250ms, 30s, 5m or 8h";
}

constexpr std::array profiles{"machine", "lan", "continent", "world", "mixed"};
constexpr std::array handlings{"exponential", "lognormal", "fixed"};

template <typename Words>
bool is_one_of(const Words& words, const std::string& text) {
  for (const char* word : words) {
    if (text == word) return true;
  }
  return false;
}

}  // namespace

Result<Duration> parse_duration(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  const std::int64_t scale = unit == "ms"                  ? 1
                             : unit == "s"                 ? 1'000
                             : unit == "m"                 ? 60'000
                             : unit == "h"                 ? 3'600'000
                             : unit.empty() && number == 0 ? 1
                                                           : 0;
  constexpr std::int64_t most = 1'000'000'000'000;
  if (error != std::errc{} || scale == 0 || number < 0 || number > most / scale) {
    return Error{ErrorCode::malformed, "\"" + text + "\" is no time", "",
                 "write it like 250ms, 30s, 5m or 8h"};
  }
  return Duration{number * scale};
}

std::string duration_text(Duration duration) {
  const auto ms = duration.count();
  if (ms == 0) return "0";
  if (ms % 3'600'000 == 0) return std::to_string(ms / 3'600'000) + "h";
  if (ms % 60'000 == 0) return std::to_string(ms / 60'000) + "m";
  if (ms % 1'000 == 0) return std::to_string(ms / 1'000) + "s";
  return std::to_string(ms) + "ms";
}

std::vector<std::string> Options::names() {
  std::vector<std::string> out;
  Options any;
  each_option(any, [&](const char* name, auto&, Sort) { out.emplace_back(name); });
  return out;
}

std::vector<std::string> Options::vices() {
  std::vector<std::string> out;
  Options any;
  each_option(any, [&](const char* name, auto&, Sort sort) {
    if (sort == Sort::vice) out.emplace_back(name);
  });
  return out;
}

Status Options::set(const std::string& name, const std::string& value) {
  Status status = Error{ErrorCode::not_found, "there is no option " + name, name,
                        "mesh-sim --options lists them"};
  each_option(*this, [&](const char* known, auto& field, Sort) {
    if (name != known) return;
    status = {};
    const auto before = field;
    const bool fits = read(value, field) &&
                      (name != "network.profile" || is_one_of(profiles, value)) &&
                      (name != "people.handling" || is_one_of(handlings, value)) &&
                      (name != "shape.codec_one_in" || value != "0");
    if (fits) return;
    status = Error{ErrorCode::malformed, "\"" + value + "\" does not fit " + name, name,
                   std::string("write ") + wanted(before)};
    field = before;
  });
  return status;
}

std::string Options::get(const std::string& name) const {
  std::string out;
  each_option(*this, [&](const char* known, const auto& field, Sort) {
    if (name == known) out = text_of(field);
  });
  return out;
}

std::string Options::text() const {
  std::string out = "seed=" + std::to_string(seed);
  each_option(*this, [&](const char* name, const auto& field, Sort) {
    out += std::string(" ") + name + "=" + text_of(field);
  });
  return out;
}

std::vector<std::pair<std::string, std::string>> Options::differing_from(
    const Options& other) const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& name : names()) {
    const std::string value = get(name);
    if (value != other.get(name)) out.emplace_back(name, value);
  }
  return out;
}

}  // namespace crossfloor::simulator
