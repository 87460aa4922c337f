// bench-catch-up: a node was away for 100,000 entries. How many bytes cross the links until it has
// them, compared with the bytes of the entries (header and body)?
//
// Two cores in this process exchange the very frames that the links would carry. For each frame is
// added what ZeroMQ and CURVE put around it.
#include <CLI/CLI.hpp>
#include <deque>
#include <iostream>

#include "protocol/check.h"
#include "protocol/peer_messages.h"
#include "storage/memory_store.h"
#include "tools/bench/bench_node.h"
#include "tools/bench/figures.h"

namespace crossfloor::bench {
namespace {

// A MESSAGE command of CURVE (RFC 26/CurveZMQ): 8 for its name, 8 of the nonce, 16 of the box, 1 of
// flags; and up to 9 of a ZMTP frame.
constexpr std::size_t link_overhead = 42;

class Side {
 public:
  Side(BenchMesh& mesh, const SigningKey& key, const std::string& site)
      : node_(mesh, key, site, {"origin"}, store_) {}

  BenchNode& node() { return node_; }
  NodeId id() { return node_.core().mesh().self(); }

  void commit() {
    while (node_.core().has_writes()) {
      auto next = node_.core().next_batch(node_.now());
      XF_CHECK(store_.commit(next.batch).ok());
      node_.core().committed(next.number, node_.now());
    }
  }

  struct Frame {
    LinkKind link;
    Bytes bytes;
  };
  // Carries out what the core wants; frames for the other side come back.
  std::deque<Frame> take_frames() {
    std::deque<Frame> frames;
    for (bool again = true; std::exchange(again, false);) {
      for (auto& effect : node_.core().take_effects(node_.now())) {
        if (const auto* message = std::get_if<SendMessage>(&effect)) {
          frames.push_back({message->link, encode(message->message)});
        } else if (const auto* read = std::get_if<ReadRange>(&effect)) {
          node_.core().range_read(
              read->to, read_range(store_, read->stream, read->from, read->max_bytes), node_.now());
          again = true;
        }
      }
    }
    return frames;
  }

  void receive(const NodeId& from, const Frame& frame) {
    auto message = decode_peer_message(frame.bytes);
    XF_CHECK(message.ok());
    const auto begin = Clock::now();
    node_.core().receive(from, frame.link, message.value(), node_.now());
    receiving_ += seconds_since(begin);
    commit();
  }
  double receiving_seconds() const { return receiving_; }

 private:
  MemoryStore store_;
  BenchNode node_;
  double receiving_ = 0;
};

int run(int argc, char** argv) {
  std::uint64_t entries = 100'000;
  bool as_json = false;
  CLI::App app{"Bytes on the wire until a node that was away has what it missed."};
  app.add_option("--entries", entries);
  app.add_flag("--json", as_json);
  CLI11_PARSE(app, argc, argv);

  BenchMesh mesh;
  const SigningKey origin_key = make_signing_key(mesh.random());
  const SigningKey away_key = make_signing_key(mesh.random());
  mesh.admit_node(origin_key, "origin", "tcp://127.0.0.1:7440");
  mesh.admit_node(away_key, "away", "tcp://127.0.0.1:7441");
  Side origin(mesh, origin_key, "origin");
  Side away(mesh, away_key, "away");
  origin.node().settle_alone();
  origin.commit();
  origin.take_frames();
  for (std::uint64_t n = 0; n < entries / 2; ++n) {
    origin.node().core().intake(n + 1, "desk", message_number(n, entries / 8), origin.node().now());
    if (n % 64 == 63) {
      origin.commit();
      origin.take_frames();
    }
  }
  origin.commit();
  origin.take_frames();
  const Stream stream{{origin.id(), origin.node().core().scribe().generation()}, "eu"};
  const auto head = origin.node().core().scribe().log().sealed_head(stream);
  XF_CHECK(head && head->sequence >= entries);
  std::size_t content = 0;
  for (Sequence at = 1; at <= head->sequence; ++at) {
    auto entry = entry_at(origin.node().core().scribe().view(), stream, at);
    XF_CHECK(entry.ok() && entry.value());
    content += entry.value()->header.size() + entry.value()->body.size();
  }

  away.node().settle_alone();
  away.commit();
  away.take_frames();
  const auto begin = Clock::now();
  for (const auto link : {LinkKind::pulse, LinkKind::live, LinkKind::bulk}) {
    origin.node().core().link_up(away.id(), link, origin.node().now());
    away.node().core().link_up(origin.id(), link, away.node().now());
  }
  std::size_t frames = 0;
  std::size_t bytes = 0;
  const auto carry = [&](Side& from, Side& to) {
    from.commit();
    for (const auto& frame : from.take_frames()) {
      ++frames;
      bytes += frame.bytes.size() + link_overhead;
      to.receive(from.id(), frame);
    }
  };
  const auto held = [&] {
    const auto reached = away.node().core().scribe().log().sealed_head(stream);
    return reached ? reached->sequence : 0;
  };
  for (int idle = 0; held() < head->sequence;) {
    const auto before = frames;
    carry(origin, away);
    carry(away, origin);
    idle = frames == before ? idle + 1 : 0;
    if (idle > 0) {
      origin.node().skip(Duration{100});
      away.node().skip(Duration{100});
    }
    XF_CHECK(idle < 1000);
  }
  const double taken = seconds_since(begin);
  const double count = static_cast<double>(head->sequence);
  std::vector<Figure> figures;
  figures.push_back(at_most(std::to_string(head->sequence) + " entries: bytes on the wire",
                            static_cast<double>(bytes) / static_cast<double>(content), "", 1.3,
                            std::to_string(content) + " bytes of headers and bodies"));
  figures.push_back(told("frames", static_cast<double>(frames), ""));
  figures.push_back(told("receiving core", away.receiving_seconds() / count * 1e6, "us/entry"));
  figures.push_back(told("caught up, both sides in one thread", taken, "s"));
  std::cout << (as_json ? json(figures) : table(figures));
  return all_reached(figures) ? 0 : 1;
}

}  // namespace
}  // namespace crossfloor::bench

int main(int argc, char** argv) {
  return crossfloor::bench::run(argc, argv);
}
