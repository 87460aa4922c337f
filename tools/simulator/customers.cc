#include "tools/simulator/customers.h"

#include "protocol/check.h"

namespace crossfloor::simulator {

Customers::Customers(Stage& stage, std::uint64_t seed) : stage_(stage), dice_(seed, "customers") {
  std::set<Region> regions;
  for (const auto& node : stage.nodes.all()) regions.insert(node->region);
  regions_.assign(regions.begin(), regions.end());
  if (const auto& from = stage.options.people.arrivals_from; !from.empty()) {
    auto recorded = read_arrivals(from);
    XF_CHECK(recorded.ok());  // mesh-sim has tried it
    recorded_ = std::move(recorded).value();
  }
}

void Customers::begin() {
  if (stage_.options.people.arrivals_from.empty()) {
    stage_.timeline.after(Duration{3'000}, [this] { writes(); });
  } else {
    write_as_recorded();
  }
  bursts();
  links();
}

void Customers::writes() {
  if (stage_.healing) return;
  write_one();
  stage_.timeline.after(dice_.exponential(stage_.options.people.arrivals_every),
                        [this] { writes(); });
}

void Customers::bursts() {
  const Duration every = stage_.options.people.bursts_every;
  if (every == Duration{0}) return;
  stage_.timeline.after(dice_.exponential(every), [this] {
    if (stage_.healing) return;
    stage_.strikes("a burst of messages");
    for (int i = 0; i < 20; ++i) {
      stage_.timeline.after(dice_.between(Duration{0}, Duration{1'000}), [this] { write_one(); });
    }
    bursts();
  });
}

// One event at a time: a recording of a day would fill the timeline.
void Customers::write_as_recorded() {
  if (next_recorded_ == recorded_.size()) return;
  const Arrival next = recorded_[next_recorded_++];
  const Duration passed = stage_.now() - Instant{Duration{1'000}};
  stage_.timeline.after(std::max(next.after - passed, Duration{0}), [this, next] {
    if (stage_.healing) return;
    if (next.customer) {
      write(*next.customer);
    } else {
      write_one();
    }
    write_as_recorded();
  });
}

void Customers::write_one() {
  write(dice_.below(static_cast<std::size_t>(stage_.options.people.customers)));
}

void Customers::write(std::size_t who) {
  const Region& region = regions_[who % regions_.size()];
  IncomingMessage message;
  message.external_id = "m-" + std::to_string(next_external_++);
  message.customer.external_id = "c-" + std::to_string(who) + "-" + mark_of(region);
  message.customer.name = "Customer " + std::to_string(who) + " " + mark_of(region);
  message.text = "message " + message.external_id + " " + mark_of(region);
  message.language = "en";
  if (!stage_.options.shape.chat) {
    message.is_public = true;
    message.thread_id = "t-" + std::to_string(who % 5);
  }
  bring(message, region);
}

std::size_t Customers::some_host(const Region& region) {
  std::size_t index = dice_.below(stage_.nodes.size());
  while (stage_.nodes[index].region != region) index = (index + 1) % stage_.nodes.size();
  return index;
}

void Customers::bring(const IncomingMessage& message, const Region& region) {
  const ChannelOptions& channel = stage_.options.channel;
  const Duration after =
      dice_.chance(channel.late) ? dice_.between(Duration{0}, Duration{60'000}) : Duration{0};
  const std::size_t first = some_host(region);
  std::set<std::size_t> hosts{first};
  if (dice_.chance(channel.duplicate)) {
    for (std::int64_t i = 1; i < std::max<std::int64_t>(2, channel.hosts_at_once); ++i) {
      hosts.insert(some_host(region));
    }
  }
  for (const std::size_t host : hosts) {
    hand_in(host, message, region, after, true);
    for (int again = 0; again < 2 && dice_.chance(channel.repeat); ++again) {
      hand_in(host, message, region, after + dice_.between(Duration{0}, Duration{20}), false);
    }
  }
}

// A channel sends again until some host has taken it.
void Customers::hand_in(std::size_t node, const IncomingMessage& message, const Region& region,
                        Duration after, bool resend) {
  const RequestId request = next_request_++;
  intakes_[request] = {message.external_id, region};
  stage_.nodes.call(node, after, [this, request, message, region](Node& host) {
    if (intakes_.count(request) == 0) return;
    stage_.trace.tell(stage_.now(), [&] {
      return "webhook " + message.external_id + " of " + message.customer.external_id + " to " +
             host.site;
    });
    host.core->intake(request, account_of(region), message, host.now(stage_.now()));
  });
  stage_.timeline.after(after + stage_.options.channel.resend_after,
                        [this, request, message, region, resend] {
                          if (intakes_.erase(request) == 0 || !resend) return;
                          hand_in(some_host(region), message, region, Duration{0}, true);
                        });
}

void Customers::answered(Node& node, const AnswerIntake& answer) {
  const auto at = intakes_.find(answer.request);
  if (at == intakes_.end()) return;
  if (!answer.receipt.ok()) return;  // sent again later
  const Receipt& receipt = answer.receipt.value();
  stage_.trace.tell(stage_.now(), [&] {
    return node.site + " acknowledges " + at->second.external_id + " as " + receipt.message.hex() +
           (receipt.mesh ? " (mesh)" : " (site)") + (receipt.duplicate ? ", a duplicate" : "");
  });
  stage_.facts.acknowledged.push_back(
      {at->second.external_id, at->second.region, receipt, node.index, stage_.now()});
  intakes_.erase(at);
}

void Customers::links() {
  const Duration every = stage_.options.people.links_every;
  if (every == Duration{0}) return;
  stage_.timeline.after(dice_.exponential(every), [this] {
    if (stage_.healing) return;
    link_two();
    links();
  });
}

// An operator finds that two handles are one person, or that they are not; perhaps during a cut.
void Customers::link_two() {
  const auto count = static_cast<std::size_t>(stage_.options.people.customers);
  const Region& region = regions_[dice_.below(regions_.size())];
  const std::size_t a = dice_.below(count);
  const std::size_t b = dice_.below(count);
  if (a == b || regions_[a % regions_.size()] != region ||
      regions_[b % regions_.size()] != region) {
    return;
  }
  stage_.strikes("handles of customers " + std::to_string(a) + " and " + std::to_string(b) +
                 " are linked");
  const bool linked = !dice_.chance(0.2);
  stage_.nodes.call(some_host(region), Duration{0}, [this, a, b, region, linked](Node& node) {
    const Subjects& subjects = *node.core->scribe().subjects(region);
    const char* channel = word_of(node.settings.account(account_of(region))->channel);
    const auto handle = [&](std::size_t who) {
      return subjects.handle(brand, channel, "c-" + std::to_string(who) + "-" + mark_of(region));
    };
    LinkBody body;
    body.first = handle(a);
    body.second = handle(b);
    body.linked = linked;
    body.by = "operator";
    body.reason = "the same person";
    (void)node.core->set_link(region, body, node.now(stage_.now())).ok();
  });
}

}  // namespace crossfloor::simulator
