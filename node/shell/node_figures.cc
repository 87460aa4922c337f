#include "node/shell/node_figures.h"

#include <array>
#include <map>

namespace crossfloor {

NodeFigures::NodeFigures(Metrics& metrics)
    : metrics_(metrics),
      commits_(metrics.counter("crossfloor_commits_total", "Synced writes of the store")),
      commit_bytes_(metrics.histogram("crossfloor_commit_bytes", "Size of a synced write",
                                      {256, 1024, 4096, 16384, 65536, 262144, 1048576})),
      commit_seconds_(metrics.histogram("crossfloor_commit_seconds", "Length of a synced write",
                                        Metrics::seconds())),
      late_seconds_(metrics.histogram(
          "crossfloor_deadline_late_seconds",
          "How late a deadline of gossip, leases or offers was met: what else the loop did",
          {0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5})) {}

void NodeFigures::committed(const StorageThread::Committed& done) {
  commits_.add();
  commit_bytes_.observe(static_cast<double>(done.bytes));
  commit_seconds_.observe(std::chrono::duration<double>(done.took).count());
}

void NodeFigures::late(Duration by) {
  late_seconds_.observe(std::chrono::duration<double>(by).count());
}

void NodeFigures::total(const std::string& name, const std::string& help,
                        const Metrics::Labels& labels, double value) {
  Counter& counter = metrics_.counter(name, help, labels);
  const double step = value - counter.value();
  if (step > 0) counter.add(step);
}

std::string NodeFigures::text(const Sources& sources) {
  core(sources.driver);
  if (sources.traffic != nullptr) {
    links(sources.traffic->links());
    queues(*sources.traffic);
  }
  watchdog(sources.watchdog);
  http(sources.http);
  metrics_.gauge("crossfloor_disk_bytes", "Size of the store's files")
      .set(static_cast<double>(sources.disk_bytes));
  total("crossfloor_standstills_total", "Times that the event loop stood still for over 1 s", {},
        static_cast<double>(sources.driver.standstills()));
  return metrics_.text();
}

void NodeFigures::core(const CoreDriver& driver) {
  const NodeCore& core = driver.core();
  const auto gauge = [&](const char* name, const char* help, double value) {
    metrics_.gauge(name, help).set(value);
  };
  double entries = 0;
  const auto vector = core.scribe().log().vector();
  for (const auto& [stream, sequence] : vector) entries += static_cast<double>(sequence);
  gauge("crossfloor_entries", "Entries held, of all streams", entries);
  gauge("crossfloor_streams", "Streams held", static_cast<double>(vector.size()));

  total("crossfloor_items_folded_again_total",
        "Items of conversations read again because something came late that sorts before them", {},
        static_cast<double>(core.scribe().items_folded_again()));

  std::map<std::string, double> states;
  double waiting = 0;
  const NodeId self = core.mesh().self();
  for (const auto& [id, conversation] : core.home().conversations()) {
    states[word_of(conversation.state)] += 1;
    if (conversation.state == CourseState::waiting && conversation.home() == self) waiting += 1;
  }
  for (const char* state : names_of(CourseState{})) {
    metrics_
        .gauge("crossfloor_conversations", "Open conversations held, by state", {{"state", state}})
        .set(states[state]);
  }
  gauge("crossfloor_waiting", "Conversations that wait at this home for an agent", waiting);
  gauge("crossfloor_unplaced", "Messages that no conversation has yet",
        static_cast<double>(core.home().unplaced()));
  gauge("crossfloor_intakes_waiting", "Messages whose receipt waits for durability",
        static_cast<double>(core.intakes_waiting()));
  gauge("crossfloor_acting", "1 if this node steers conversations",
        core.home().acting() ? 1.0 : 0.0);
  total("crossfloor_takeovers_total", "Conversations taken over from dead homes", {},
        static_cast<double>(core.home().takeovers()));

  std::map<std::string, double> members;
  for (const auto& [node, member] : core.mesh().membership().members()) {
    members[word_of(member.state)] += 1;
  }
  for (const char* state : names_of(MemberState{})) {
    metrics_.gauge("crossfloor_members", "Other members of the mesh, by state", {{"state", state}})
        .set(members[state]);
  }

  gauge("crossfloor_gossip_health",
        "0 is well; each step up this node gives others more time to answer, for it may be slow",
        core.mesh().membership().health());

  std::map<std::string, double> replies;
  for (const auto& row : core.sender().rows()) replies[word_of(row.state)] += 1;
  for (const char* state : names_of(DispatchState{})) {
    metrics_
        .gauge("crossfloor_replies", "Replies that this node is to send, by state",
               {{"state", state}})
        .set(replies[state]);
  }
  gauge("crossfloor_clock_behind_seconds", "How far this clock is behind the peers' median",
        std::chrono::duration<double>(core.mesh().clocks().ahead().value_or(Duration{0})).count());
  double missing = 0;
  for (const auto& lag : core.replication().lags()) missing += static_cast<double>(lag.entries);
  gauge("crossfloor_entries_missing", "Entries that peers hold and this node does not", missing);
  total("crossfloor_ranges_refused_total", "Ranges of peers that failed their check", {},
        static_cast<double>(core.replication().refused_ranges()));
}

void NodeFigures::queues(const LinkView& links) {
  std::array<double, all_link_kinds.size()> frames{}, bytes{};
  for (const LinkFigures& link : links.link_figures()) {
    frames[static_cast<std::size_t>(link.kind)] += static_cast<double>(link.frames_queued);
    bytes[static_cast<std::size_t>(link.kind)] += static_cast<double>(link.bytes_queued);
  }
  for (const LinkKind kind : all_link_kinds) {
    const Metrics::Labels labels{{"link", name_of(kind)}};
    const auto at = static_cast<std::size_t>(kind);
    metrics_.gauge("crossfloor_link_frames_queued", "Frames that wait for room on a link", labels)
        .set(frames[at]);
    metrics_.gauge("crossfloor_link_bytes_queued", "Their bytes", labels).set(bytes[at]);
  }
}

void NodeFigures::links(const Links& links) {
  struct Sum {
    double up = 0, frames_sent = 0, bytes_sent = 0, frames_received = 0, bytes_received = 0;
  };
  std::array<Sum, all_link_kinds.size()> sums;
  for (const auto& link : links.status()) {
    Sum& sum = sums[static_cast<std::size_t>(link.kind)];
    sum.up += link.up ? 1 : 0;
    sum.frames_sent += static_cast<double>(link.frames_sent);
    sum.bytes_sent += static_cast<double>(link.bytes_sent);
    sum.frames_received += static_cast<double>(link.frames_received);
    sum.bytes_received += static_cast<double>(link.bytes_received);
  }
  for (const LinkKind kind : all_link_kinds) {
    const Sum& sum = sums[static_cast<std::size_t>(kind)];
    const Metrics::Labels labels{{"link", name_of(kind)}};
    metrics_.gauge("crossfloor_links_up", "Links over which this node can send", labels)
        .set(sum.up);
    total("crossfloor_link_frames_sent_total", "Frames sent", labels, sum.frames_sent);
    total("crossfloor_link_bytes_sent_total", "Bytes sent", labels, sum.bytes_sent);
    total("crossfloor_link_frames_received_total", "Frames received", labels, sum.frames_received);
    total("crossfloor_link_bytes_received_total", "Bytes received", labels, sum.bytes_received);
  }
  const LinkCounters counters = links.counters();
  const auto refused = [&](const char* reason, std::uint64_t times) {
    total("crossfloor_link_refusals_total", "What the door of the mesh refused",
          {{"reason", reason}}, static_cast<double>(times));
  };
  refused("key", counters.keys_refused);
  refused("not_admitted", counters.frames_not_admitted);
  refused("too_large", counters.frames_too_large);
  refused("malformed", counters.frames_malformed);
  refused("rate", counters.frames_over_rate);
  total("crossfloor_link_dials_total", "Connections tried", {},
        static_cast<double>(counters.dials));
}

void NodeFigures::watchdog(const Watchdog& watchdog) {
  for (const auto& [name, count] : watchdog.offences()) {
    const Metrics::Labels labels{{"what", std::string(name)}};
    total("crossfloor_loop_offences_total", "Times that something held the loop for over 5 ms",
          labels, static_cast<double>(count.times));
    metrics_.gauge("crossfloor_loop_longest_seconds", "Longest time that it held the loop", labels)
        .set(std::chrono::duration<double>(count.longest).count());
  }
}

void NodeFigures::http(const HttpServerFigures& figures) {
  metrics_.gauge("crossfloor_http_connections", "Open HTTP connections")
      .set(static_cast<double>(figures.connections_open));
  metrics_.gauge("crossfloor_web_sockets", "Open WebSockets")
      .set(static_cast<double>(figures.web_sockets_open));
  const auto count = [&](const char* name, const char* help, std::uint64_t value) {
    total(name, help, {}, static_cast<double>(value));
  };
  count("crossfloor_http_requests_total", "HTTP requests", figures.requests);
  count("crossfloor_http_refused_total", "HTTP requests answered 4xx", figures.refused);
  count("crossfloor_http_faults_total", "HTTP requests answered 5xx", figures.faults);
  count("crossfloor_http_connections_refused_total", "HTTP connections over the limit",
        figures.connections_refused);
  count("crossfloor_tls_failures_total", "TLS handshakes that failed", figures.tls_failures);
}

}  // namespace crossfloor
