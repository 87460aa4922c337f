#include "tools/simulator/coverage.h"

#include <utility>

#include "tools/simulator/world.h"

namespace crossfloor::simulator {
namespace {

// Opened by what another node wrote again from behind a fork of its home.
bool opened_by_salvage(const Reader& rows, const Conversation& c) {
  const Position& at = c.opened_at;
  if (!c.opened) return false;
  const auto entry = entry_at(rows, Stream{{at.node, at.generation}, c.region}, at.sequence);
  if (!entry.ok() || !entry.value()) return false;
  const auto opens = decode_body<PlacedBody>(entry.value()->body);
  return opens.ok() && opens.value().epoch.node != at.node;
}

}  // namespace

void mark_passing(const World& world, Marks& marks) {
  auto& requeued = marks["a lease ended and home took the work back"];
  auto& declined = marks["everybody said no"];
  auto& catching_up = marks["a home that looks before it acts"];
  auto& alone = marks["a node that sees nobody"];
  auto& waiting = marks["a command that waits for a home out of reach"];
  for (const auto& node : world.nodes().all()) {
    if (!node->up) continue;
    const NodeCore& core = *node->core;
    catching_up += !core.home().acting();
    alone += world.nodes().size() > 1 && core.mesh().membership().live_count() == 1;
    waiting += !core.commands().waiting().empty();
    for (const auto& id : core.home().own()) {
      const Conversation& c = core.home().conversations().at(id);
      if (c.state != CourseState::waiting) continue;
      requeued += c.reason == "lease ended";
      declined += c.reason == "declined" || c.reason == "missed";
    }
  }
}

void LeaseMarks::called(const Node& node, Marks& marks) {
  auto& mark = marks["a lease that expired while a commit was under way"];
  if (node.index >= known_.size()) known_.resize(node.index + 1);
  const Known now{node.core->desk().leases().expired(), node.committing.get()};
  const Known before = std::exchange(known_[node.index], now);
  if (before.expired >= now.expired || now.committing == nullptr) return;
  if (before.committing != now.committing) return;  // it began only now
  for (const auto& write : node.committing->batch.writes()) {
    if (write.key.empty() || write.key[0] != 'C' || !write.value) continue;
    const auto synced = decode_row<Conversation>(*write.value);
    if (!synced.ok() || synced.value().agent_node.is_zero()) continue;
    if (synced.value().home() != node.id || synced.value().agent_node == node.id) continue;
    const Conversation* c = node.core->home().find(synced.value().id);
    mark += c == nullptr || c->assigned != synced.value().assigned || c->agent_node.is_zero();
  }
}

void mark_lasting(const World& world, Marks& marks) {
  auto& refuted = marks["a suspicion that was refuted"];
  auto& raced = marks["a takeover raced by the home that came back"];
  auto& terms = marks["a conversation of three terms"];
  auto& twice = marks["handled twice"];
  auto& sites = marks["three changes of site"];
  auto& salvaged = marks["a conversation opened by what another node salvaged"];
  auto& unknown = marks["a reply whose outcome only a person can tell"];
  for (const auto& node : world.nodes().all()) {
    if (!node->up) continue;
    const NodeCore& core = *node->core;
    marks["a takeover"] += core.home().takeovers();
    marks["a refused range"] += core.replication().refused_ranges();
    marks["an entry from the future"] += core.scribe().entries_from_the_future();
    marks["a fork"] += core.scribe().log().forks().size();
    refuted += core.mesh().membership().own_mark().incarnation > 0;
    for (const auto& row : core.sender().rows()) {
      unknown += row.state == DispatchState::needs_person;
    }
    const auto look = [&](ByteView, ByteView value) {
      const auto row = decode_row<Conversation>(value);
      if (!row.ok() || row.value().home() != node->id) return true;
      const Conversation& c = row.value();
      twice += c.handled_twice;
      raced += c.homes.size() > 1 && c.uncounted > 0;
      terms += c.homes.size() > 2;
      sites += c.site_changes >= 3;
      salvaged += opened_by_salvage(core.scribe().glance(), c);
      return true;
    };
    const Bytes prefix = "C";
    (void)core.scribe().glance().scan(prefix, after_prefix(prefix), look).ok();
  }
  marks["a frame that nobody understood"] += world.facts().frames_not_understood;
}

}  // namespace crossfloor::simulator
