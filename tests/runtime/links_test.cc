// Real sockets on the loopback, real keys, the real event loop. Tests wait for what must happen,
// with a deadline; what must not happen is checked after something that comes later did happen.
#include "node/runtime/links.h"

#include <doctest/doctest.h>
#include <kj/async-io.h>
#include <zmq.h>

#include <map>

#include "node/runtime/listener.h"
#include "node/runtime/outgoing_link.h"
#include "node/runtime/zap.h"
#include "protocol/check.h"
#include "tests/protocol/mesh_world.h"

using namespace crossfloor;
using namespace crossfloor::test;

namespace {

struct Loop {
  kj::AsyncIoContext io = kj::setupAsyncIo();

  template <typename Condition>
  bool until(Condition condition) {
    kj::Timer& timer = io.provider->getTimer();
    const auto deadline = timer.now() + 20 * kj::SECONDS;
    while (!condition()) {
      if (timer.now() > deadline) return false;
      timer.afterDelay(1 * kj::MILLISECONDS).wait(io.waitScope);
    }
    return true;
  }
};

struct RosterGate final : LinkGate {
  Roster roster;
  WallTime wall = noon;

  explicit RosterGate(MeshWorld& world) : roster(world.roster()) {}
  std::optional<NodeId> who(const LinkKey& key) const override {
    return roster.key_allowed(key, wall);
  }
  bool admitted(const NodeId& node) const override { return roster.member(node, wall); }
};

struct Node final : LinkHandler {
  Loop& loop;
  SigningKey key;
  RosterGate gate;
  SystemRandom random;
  LinkOptions options;
  std::unique_ptr<Links> links;
  std::map<LinkKind, std::vector<std::pair<NodeId, Bytes>>> got;
  std::vector<std::pair<LinkKind, LinkLoss>> losses;
  int ups = 0, rooms = 0;

  Node(Loop& loop_, MeshWorld& world) : loop(loop_), key(world.key()), gate(world) {
    options.key = key;
    options.listen_host = "127.0.0.1";
    options.listen_port = 0;
    options.redial.every = Duration(50);
    options.redial.jitter = Duration(10);
    options.redial.after_loss = Duration(10);
    options.redial.patient_every = Duration(50);
  }
  NodeId id() const { return key.node(); }
  std::string address(const char* host = "127.0.0.1") const {
    return std::string("tcp://") + host + ":" + std::to_string(links->port());
  }
  void start() {
    auto opened = Links::open(loop.io.unixEventPort, loop.io.provider->getTimer(), random, options,
                              gate, *this);
    REQUIRE_MESSAGE(opened.ok(), opened.error().text());
    links = std::move(opened.value());
  }
  bool up(const Node& peer, LinkKind kind = LinkKind::pulse) const {
    return links->up(peer.id(), kind);
  }
  bool send(const Node& peer, LinkKind kind, ByteView frame) {
    return links->send(peer.id(), kind, frame);
  }

  void received(const NodeId& from, LinkKind kind, Bytes frame) override {
    got[kind].emplace_back(from, std::move(frame));
  }
  void link_up(const NodeId&, LinkKind) override { ++ups; }
  void link_down(const NodeId&, LinkKind kind, LinkLoss loss) override {
    losses.emplace_back(kind, loss);
  }
  void writable(const NodeId&, LinkKind) override { ++rooms; }
};

// Two nodes of one mesh that know each other.
struct Pair {
  Loop loop;
  MeshWorld world;
  Node a{loop, world}, b{loop, world};

  Pair() {
    for (Node* node : {&a, &b}) {
      for (Node* other : {&a, &b}) admit(*node, *other);
    }
  }
  void admit(Node& at, const Node& other, WallTime when = noon) {
    REQUIRE(at.gate.roster.add(world.admit(other.key, when).certificate.text).ok());
  }
  void start() {
    a.start();
    b.start();
    REQUIRE(a.links->connect(b.id(), {b.address()}).ok());
    REQUIRE(b.links->connect(a.id(), {a.address()}).ok());
    REQUIRE(loop.until(
        [&] { return a.up(b) && b.up(a) && a.up(b, LinkKind::live) && b.up(a, LinkKind::live); }));
  }
  // Sends until it gets through, and waits until it has arrived.
  bool delivered(Node& from, Node& to, LinkKind kind, const Bytes& frame) {
    bool sent = false;
    return loop.until([&] {
      sent = sent || from.send(to, kind, frame);
      return !to.got[kind].empty() && to.got[kind].back() == std::pair{from.id(), frame};
    });
  }
};

// Somebody with a key who dials by libzmq alone and holds to no rule but those of CURVE.
struct Dialler {
  ZmqContext context;
  ZmqSocket socket;
  ZmqSocket monitor;
  bool refused = false;
  bool entered = false;

  Dialler(const Node& server, const SigningKey* key, int type = ZMQ_PUSH)
      : socket(std::move(ZmqSocket::open(context, type).value())),
        monitor(std::move(ZmqSocket::open(context, ZMQ_PAIR).value())) {
    if (key) make_curve_client(socket, link_keys(*key), *link_key_of(server.id()));
    REQUIRE(socket.monitor("inproc://dialler", ZMQ_EVENT_ALL).ok());
    REQUIRE(monitor.connect("inproc://dialler").ok());
    REQUIRE(socket.connect(server.address()).ok());
  }
  ~Dialler() { socket.stop_monitor(); }
  void look() {
    while (auto frame = monitor.receive()) {
      if (!frame->more) continue;
      std::uint16_t event = 0;
      std::memcpy(&event, frame->data.data(), sizeof(event));
      if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) entered = true;
      if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH || event == ZMQ_EVENT_DISCONNECTED ||
          event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ||
          event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) {
        refused = true;
      }
    }
  }
  // By default libzmq queues what is sent before the handshake, and would send it after.
  void send(LinkKind kind, const Bytes& text) {
    const char prefix[] = {static_cast<char>(frame_format), static_cast<char>(kind)};
    REQUIRE(socket.send(ByteView(prefix, 2), text));
  }
};

Bytes numbered(std::size_t number, std::size_t size = 8) {
  Bytes out;
  put_le64(out, number);
  out.resize(std::max(size, out.size()), 'x');
  return out;
}

}  // namespace

TEST_SUITE("links") {
  TEST_CASE("two nodes talk on all three kinds, each under its own name") {
    Pair pair;
    pair.start();
    for (LinkKind kind : all_link_kinds) {
      CAPTURE(name_of(kind));
      CHECK(pair.delivered(pair.a, pair.b, kind, std::string("to b on ") + name_of(kind)));
      CHECK(pair.delivered(pair.b, pair.a, kind, std::string("to a on ") + name_of(kind)));
      CHECK(pair.b.got[kind].size() == 1);
    }
    CHECK(pair.delivered(pair.a, pair.b, LinkKind::pulse, ""));
    CHECK(pair.a.losses.empty());
    const auto status = pair.a.links->status();
    REQUIRE(status.size() == 3);
    CHECK(status[0].up);
    CHECK(status[0].frames_sent == 2);
    CHECK(status[0].frames_received == 1);
  }

  TEST_CASE("a node is also found by its host's name") {
    Pair pair;
    pair.a.start();
    pair.b.start();
    REQUIRE(pair.a.links->connect(pair.b.id(), {pair.b.address("localhost")}).ok());
    CHECK(pair.loop.until([&] { return pair.a.up(pair.b); }));
  }

  TEST_CASE("the next address is tried when one does not answer") {
    Pair pair;
    pair.a.start();
    pair.b.start();
    REQUIRE(pair.a.links
                ->connect(pair.b.id(),
                          {"tcp://127.0.0.1:1", "https://ignored.example:7480", pair.b.address()})
                .ok());
    CHECK(pair.loop.until([&] { return pair.a.up(pair.b); }));
    CHECK_FALSE(pair.a.links->connect(pair.b.id(), {"tcp://nowhere"}).ok());
    CHECK_FALSE(pair.a.links->connect(pair.a.id(), {pair.a.address()}).ok());
    CHECK_FALSE(pair.a.links->connect(NodeId{}, {pair.a.address()}).ok());
  }

  TEST_CASE("an unknown, an expired and a revoked key never get past the handshake") {
    Pair pair;
    const SigningKey unknown = pair.world.key();
    const SigningKey expired = pair.world.key();
    const SigningKey revoked = pair.world.key();
    auto& roster = pair.a.gate.roster;
    REQUIRE(roster.add(pair.world.admit(expired, noon - 366 * day).certificate.text).ok());
    REQUIRE(roster.add(pair.world.admit(revoked).certificate.text).ok());
    REQUIRE(roster.add(pair.world.revoke(revoked.node()).text).ok());
    pair.start();
    const std::uint64_t before = pair.a.links->counters().keys_refused;
    std::uint64_t tried = 0;
    for (const SigningKey& key : {unknown, expired, revoked}) {
      Dialler dialler(pair.a, &key);
      for (int i = 0; i < 10; ++i) dialler.send(LinkKind::pulse, "let me in");
      CHECK(pair.loop.until([&] {
        dialler.look();
        return dialler.refused && pair.a.links->counters().keys_refused > before + tried;
      }));
      tried = pair.a.links->counters().keys_refused - before;
      CHECK(pair.delivered(pair.b, pair.a, LinkKind::pulse, numbered(tried)));
      dialler.look();
      CHECK_FALSE(dialler.entered);
    }
    for (const auto& [from, frame] : pair.a.got[LinkKind::pulse]) CHECK(from == pair.b.id());
    CHECK(pair.a.got[LinkKind::pulse].size() == 3);
  }

  TEST_CASE("nobody comes in without encryption, or as another type of socket under a false name") {
    Pair pair;
    pair.start();
    Dialler plain(pair.a, nullptr);
    plain.send(LinkKind::pulse, "in the clear");
    CHECK(pair.loop.until([&] {
      plain.look();
      return plain.refused;
    }));
    const SigningKey thief = pair.world.key();
    Dialler impostor(pair.a, &thief, ZMQ_DEALER);
    impostor.socket.set(ZMQ_ROUTING_ID, pair.b.id().view());
    impostor.send(LinkKind::pulse, "i am b");
    CHECK(pair.loop.until([&] {
      impostor.look();
      return impostor.refused;
    }));
    CHECK(pair.delivered(pair.b, pair.a, LinkKind::pulse, "i am b indeed"));
    CHECK(pair.a.got[LinkKind::pulse].size() == 1);
    CHECK_FALSE(plain.entered);
    CHECK_FALSE(impostor.entered);
  }

  TEST_CASE("without a ZAP handler nobody gets in at all") {
    for (bool with_handler : {true, false}) {
      CAPTURE(with_handler);
      Pair pair;
      ZmqContext context, client_context;
      std::optional<Zap> zap;
      if (with_handler) {
        auto opened = Zap::open(context, [&](const LinkKey& key) { return pair.a.gate.who(key); });
        REQUIRE(opened.ok());
        zap.emplace(std::move(opened.value()));
      }
      auto listener = Listener::open(
          context, pair.loop.io.unixEventPort,
          {"127.0.0.1", 0, link_keys(pair.a.key), Duration(500)},
          [&](const NodeId& node) { return pair.a.gate.admitted(node); }, [] {});
      REQUIRE(listener.ok());
      auto link = OutgoingLink::dial(
          client_context, pair.loop.io.unixEventPort, link_keys(pair.b.key),
          {LinkKind::pulse, "tcp://127.0.0.1:" + std::to_string(listener.value()->port()),
           link_keys(pair.a.key).open, Duration(1'000), Duration(500)},
          [] {});
      REQUIRE(link.ok());
      CHECK(pair.loop.until([&] {
        if (zap) zap->serve();
        link.value()->look();
        return link.value()->state() != OutgoingLink::State::dialling;
      }));
      const auto expected = with_handler ? OutgoingLink::State::up : OutgoingLink::State::lost;
      CHECK(link.value()->state() == expected);
    }
  }

  TEST_CASE("a link goes to the node that is meant, not to whoever answers at its address") {
    Pair pair;
    Node c(pair.loop, pair.world);
    pair.admit(pair.a, c);
    pair.admit(c, pair.a);
    pair.start();
    c.start();
    REQUIRE(pair.a.links->connect(c.id(), {pair.b.address()}).ok());
    CHECK(pair.loop.until([&] {
      return pair.a.links->status()[0].failures > 2 || pair.a.links->status()[3].failures > 2;
    }));
    CHECK_FALSE(pair.a.up(c));
    REQUIRE(pair.a.links->connect(c.id(), {c.address()}).ok());
    CHECK(pair.loop.until([&] { return pair.a.up(c); }));
  }

  TEST_CASE("who speaks too fast is heard within the limit, and nobody else is heard less") {
    Pair pair;
    pair.a.options.rates[static_cast<std::size_t>(LinkKind::live)] = {10, 1024 * 1024};
    pair.start();
    Dialler flood(pair.a, &pair.b.key);
    for (int i = 0; i < 200; ++i) flood.send(LinkKind::live, "again");
    flood.send(LinkKind::pulse, "the last");  // of another kind: not held up
    CHECK(pair.loop.until([&] { return pair.a.got[LinkKind::pulse].size() == 1; }));
    const std::size_t heard = pair.a.got[LinkKind::live].size();
    CHECK(heard >= 20);
    CHECK(heard < 200);
    CHECK(pair.a.links->counters().frames_over_rate == 200 - heard);
    std::uint64_t told = 0;
    for (const auto& link : pair.a.links->status()) told += link.frames_over_rate;
    CHECK(told == 200 - heard);
  }

  TEST_CASE("what breaks the rules of frames is refused and counted") {
    Pair pair;
    pair.start();
    Dialler member(pair.a, &pair.b.key);
    member.send(LinkKind::pulse, Bytes(max_frame(LinkKind::pulse), 'x'));
    member.send(LinkKind::pulse, Bytes(max_frame(LinkKind::pulse) + 1, 'x'));
    member.send(LinkKind{255}, "no kind");
    member.send(LinkKind{3}, "no kind yet");
    REQUIRE(member.socket.send(Bytes("\x02\x01later format")));
    REQUIRE(member.socket.send(""));
    REQUIRE(member.socket.send("\x01", {}, true));
    REQUIRE(member.socket.send("\x01in two parts"));
    member.send(LinkKind::pulse, "the last");
    CHECK(pair.loop.until([&] { return pair.a.got[LinkKind::pulse].size() == 2; }));
    CHECK(pair.a.got[LinkKind::pulse][1] == std::pair{pair.b.id(), Bytes("the last")});
    CHECK(pair.a.links->counters().frames_too_large == 1);
    CHECK(pair.a.links->counters().frames_malformed == 5);

    member.send(LinkKind::bulk, Bytes(max_frame(LinkKind::bulk) + 1, 'x'));
    CHECK(pair.loop.until([&] { return pair.a.links->counters().frames_too_large == 2; }));
    member.refused = false;
    member.send(LinkKind::bulk, Bytes(max_frame(LinkKind::bulk) + 1'000, 'x'));
    CHECK(pair.loop.until([&] {
      member.look();
      return member.refused;  // libzmq ends a connection that sends more than any link may
    }));
    CHECK(pair.a.got[LinkKind::bulk].empty());
  }

  TEST_CASE("revoking cuts: nothing more is heard, nothing more is said") {
    Pair pair;
    Node c(pair.loop, pair.world);
    pair.admit(pair.a, c);
    pair.admit(c, pair.a);
    pair.start();
    c.start();
    REQUIRE(c.links->connect(pair.a.id(), {pair.a.address()}).ok());
    CHECK(pair.delivered(c, pair.a, LinkKind::pulse, "before"));
    REQUIRE(pair.a.gate.roster.add(pair.world.revoke(pair.b.id()).text).ok());
    pair.a.links->forget(pair.b.id());
    CHECK_FALSE(pair.a.send(pair.b, LinkKind::pulse, "to an outcast"));
    // b has not heard of it and goes on.
    CHECK(pair.loop.until([&] {
      pair.b.send(pair.a, LinkKind::pulse, "from an outcast");
      return pair.a.links->counters().frames_not_admitted > 0;
    }));
    // Its standing connection is ended, and the door stays closed.
    CHECK(pair.loop.until(
        [&] { return !pair.b.up(pair.a) && pair.a.links->counters().keys_refused > 0; }));
    // A member comes back by itself.
    CHECK(pair.loop.until([&] { return c.losses.size() > 0 && c.up(pair.a); }));
    CHECK(pair.delivered(c, pair.a, LinkKind::pulse, "after"));
    for (const auto& [from, frame] : pair.a.got[LinkKind::pulse]) CHECK(from == c.id());
  }

  TEST_CASE("the last word to a revoked node arrives, and nothing after it") {
    Pair pair;
    pair.start();
    REQUIRE(pair.delivered(pair.a, pair.b, LinkKind::live, "before"));
    REQUIRE(pair.a.gate.roster.add(pair.world.revoke(pair.b.id()).text).ok());
    CHECK_FALSE(pair.a.send(pair.b, LinkKind::live, "to an outcast"));
    pair.a.links->part(pair.b.id(), LinkKind::live, "you are revoked");
    CHECK_FALSE(pair.a.send(pair.b, LinkKind::live, "to an outcast"));
    CHECK(pair.loop.until([&] { return pair.b.got[LinkKind::live].size() == 2; }));
    CHECK(pair.b.got[LinkKind::live].back().second == "you are revoked");
    CHECK_FALSE(pair.a.up(pair.b, LinkKind::live));
  }

  TEST_CASE("a certificate that runs out closes links, a renewed one opens them") {
    Pair pair;
    pair.start();
    const WallTime end = pair.a.gate.roster.certificate(pair.b.id())->expires;
    pair.a.gate.wall = end;
    CHECK_FALSE(pair.a.send(pair.b, LinkKind::pulse, "too late"));
    REQUIRE(pair.loop.until([&] { return !pair.a.losses.empty(); }));
    CHECK(pair.a.losses.front().second == LinkLoss::closed);
    pair.admit(pair.a, pair.b, end - day);
    CHECK(pair.loop.until([&] { return pair.a.up(pair.b); }));
  }

  TEST_CASE("a peer that restarts is reached again, however long it was away") {
    Pair pair;
    pair.a.options.redial.patient_after = 3;
    pair.start();
    const std::uint16_t port = pair.b.links->port();
    pair.b.links.reset();
    REQUIRE(pair.loop.until([&] { return !pair.a.losses.empty(); }));
    CHECK(pair.a.losses.front().second == LinkLoss::broken);
    CHECK(pair.loop.until([&] { return pair.a.links->status()[0].failures > 5; }));
    pair.b.options.listen_port = port;
    pair.b.start();
    CHECK(pair.loop.until([&] { return pair.a.up(pair.b); }));
    CHECK(pair.delivered(pair.a, pair.b, LinkKind::pulse, "welcome back"));
  }

  TEST_CASE("redialling ends what stands and makes it anew") {
    Pair pair;
    pair.start();
    const int before = pair.a.ups;
    pair.a.links->redial(pair.b.id());
    CHECK(pair.loop.until([&] { return pair.a.ups >= before + 2; }));
    CHECK(pair.a.losses ==
          std::vector<std::pair<LinkKind, LinkLoss>>{{LinkKind::pulse, LinkLoss::closed},
                                                     {LinkKind::live, LinkLoss::closed}});
  }

  TEST_CASE("many frames arrive in order, and a full link says when there is room") {
    Pair pair;
    pair.start();
    constexpr std::size_t many = 20'000;
    std::size_t sent = 0;
    int rooms = -1;  // after a refusal nothing is tried until there is said to be room
    CHECK(pair.loop.until([&] {
      if (std::exchange(rooms, pair.a.rooms) != pair.a.rooms) {
        while (sent < many && pair.a.send(pair.b, LinkKind::live, numbered(sent, 256))) ++sent;
      }
      return pair.b.got[LinkKind::live].size() == many;
    }));
    std::size_t in_order = 0;
    for (const auto& [from, frame] : pair.b.got[LinkKind::live]) {
      in_order += frame == numbered(in_order, 256);
    }
    CHECK(in_order == many);
    CHECK(pair.a.rooms > 0);
  }

  TEST_CASE("the largest frames arrive whole and in order on the bulk link") {
    Pair pair;
    pair.start();
    CHECK_FALSE(pair.a.send(pair.b, LinkKind::bulk, "opens it"));
    constexpr std::size_t many = 24, large = max_frame(LinkKind::bulk);
    std::size_t sent = 0;
    CHECK(pair.loop.until([&] {
      while (sent < many && pair.a.send(pair.b, LinkKind::bulk, numbered(sent, large))) ++sent;
      return pair.b.got[LinkKind::bulk].size() == many;
    }));
    std::size_t in_order = 0;
    for (const auto& [from, frame] : pair.b.got[LinkKind::bulk]) {
      in_order += frame == numbered(in_order, large);
    }
    CHECK(in_order == many);
  }

  TEST_CASE("an idle bulk link closes and opens again when it is needed") {
    Pair pair;
    pair.a.options.bulk_idle = Duration(200);
    pair.start();
    CHECK(pair.delivered(pair.a, pair.b, LinkKind::bulk, "opens it"));
    REQUIRE(pair.loop.until([&] { return !pair.a.losses.empty(); }));
    CHECK(pair.a.losses ==
          std::vector<std::pair<LinkKind, LinkLoss>>{{LinkKind::bulk, LinkLoss::closed}});
    CHECK(pair.a.up(pair.b));
    CHECK(pair.delivered(pair.a, pair.b, LinkKind::bulk, "opens it again"));
  }

  TEST_CASE("links are replaced by fresh ones without a gap") {
    Pair pair;
    pair.a.options.recycle_after = Duration(300);
    pair.start();
    const auto before = pair.a.links->counters().dials;
    std::size_t number = 0;
    while (pair.a.links->counters().dials < before + 4) {
      REQUIRE(pair.a.send(pair.b, LinkKind::live, numbered(number)));
      ++number;
      REQUIRE(pair.loop.until([&] { return pair.b.got[LinkKind::live].size() == number; }));
      CHECK(pair.b.got[LinkKind::live].back().second == numbered(number - 1));
    }
    CHECK(pair.a.losses.empty());
  }

  TEST_CASE("an address in use is an error that says so") {
    Pair pair;
    pair.a.start();
    pair.b.options.listen_port = pair.a.links->port();
    auto opened = Links::open(pair.loop.io.unixEventPort, pair.loop.io.provider->getTimer(),
                              pair.b.random, pair.b.options, pair.b.gate, pair.b);
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().where == "mesh.listen");
    CHECK_FALSE(opened.error().mend.empty());
    pair.b.options.listen_host = "warsaw.example";
    CHECK_FALSE(Links::open(pair.loop.io.unixEventPort, pair.loop.io.provider->getTimer(),
                            pair.b.random, pair.b.options, pair.b.gate, pair.b)
                    .ok());
  }
}
