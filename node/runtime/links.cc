#include "node/runtime/links.h"

#include <kj/async-unix.h>

#include <set>

#include "node/runtime/listener.h"
#include "node/runtime/peer_links.h"
#include "node/runtime/zap.h"
#include "protocol/check.h"

namespace crossfloor {
namespace {

constexpr Duration tick_every{100};
constexpr Duration gate_every{1'000};  // how soon an expired certificate closes links
constexpr Duration cut_every{10'000};

kj::Duration to_kj(Duration duration) {
  return duration.count() * kj::MILLISECONDS;
}

}  // namespace

// Watches only take notes and ring; work() does what they noted, in one place, with no watch on the
// stack, so anything may be closed there.
class Links::Impl final : kj::TaskSet::ErrorHandler {
 public:
  Impl(kj::UnixEventPort& port, kj::Timer& timer, Random& random, const LinkOptions& options,
       const LinkGate& gate, LinkHandler& handler)
      : timer_(timer),
        options_(options),
        keys_(link_keys(options.key)),
        gate_(gate),
        handler_(handler),
        port_(port),
        resolver_(port, [] {}),  // the next tick asks again
        shop_{context_,
              port,
              random,
              options_,
              keys_,
              resolver_,
              [this](const NodeId& peer, LinkKind kind) { note_link(peer, kind); },
              [this](LinkNotice notice) { note(std::move(notice)); },
              0},
        tasks_(*this) {}

  Status start();
  Status connect(const NodeId& peer, const std::vector<std::string>& addresses);
  void forget(const NodeId& peer);
  void part(const NodeId& peer, LinkKind kind, ByteView last_word);
  void redial(const NodeId& peer);
  bool send(const NodeId& peer, LinkKind kind, ByteView frame);
  bool up(const NodeId& peer, LinkKind kind) const;
  std::uint16_t port() const { return listener_->port(); }
  std::vector<LinkStatus> status() const;
  LinkCounters counters() const;

 private:
  Instant now() const {
    const auto since = timer_.now() - kj::origin<kj::TimePoint>();
    return Instant{Duration{static_cast<Duration::rep>(since / kj::MILLISECONDS)}};
  }
  void note_link(const NodeId& peer, LinkKind kind) {
    ready_.emplace(peer, kind);
    ring();
  }
  void note(LinkNotice notice) {
    notices_.push_back(std::move(notice));
    ring();
  }
  void ring();
  void work();
  void listen_on();
  void tell();
  void tick();
  void check_gate(Instant now);
  void dial_one_patiently(Instant now);
  void cut_if_wanted(Instant now);
  kj::Promise<void> keep_ticking();
  void taskFailed(kj::Exception&&) override {
    invariant_broken("a handler of links threw", __FILE__, __LINE__);
  }

  kj::Timer& timer_;
  LinkOptions options_;
  LinkKeyPair keys_;
  const LinkGate& gate_;
  LinkHandler& handler_;
  kj::UnixEventPort& port_;
  ZmqContext context_;
  std::optional<Zap> zap_;
  std::unique_ptr<ZmqWatch> zap_watch_;
  std::unique_ptr<Listener> listener_;
  Resolver resolver_;
  LinkWorkshop shop_;
  std::map<NodeId, PeerLinks> peers_;

  bool rung_ = false;
  bool zap_ready_ = true;
  bool listener_ready_ = true;
  std::set<std::pair<NodeId, LinkKind>> ready_;
  std::vector<LinkNotice> notices_;
  Instant gate_checked_{};
  Instant patient_dial_{};
  std::optional<Instant> last_cut_;
  std::uint64_t cut_for_ = 0;  // frames of outcasts up to the last cut
  kj::TaskSet tasks_;          // last: ends before all that its tasks use
};

Status Links::Impl::start() {
  auto zap = Zap::open(context_, [this](const LinkKey& key) { return gate_.who(key); });
  if (!zap.ok()) return zap.error();
  zap_.emplace(std::move(zap.value()));
  zap_watch_ = std::make_unique<ZmqWatch>(port_, zap_->fd(), [this] {
    zap_ready_ = true;
    ring();
  });
  auto listener = Listener::open(
      context_, port_,
      {options_.listen_host, options_.listen_port, keys_, options_.handshake_timeout,
       options_.rates},
      [this](const NodeId& node) { return gate_.admitted(node); },
      [this] {
        listener_ready_ = true;
        ring();
      });
  if (!listener.ok()) return listener.error();
  listener_ = std::move(listener.value());
  tasks_.add(keep_ticking());
  return {};
}

void Links::Impl::ring() {
  if (std::exchange(rung_, true)) return;
  tasks_.add(kj::evalLater([this] { work(); }));
}

void Links::Impl::work() {
  rung_ = false;
  if (std::exchange(zap_ready_, false)) zap_->serve();
  for (const auto& [peer, kind] : std::exchange(ready_, {})) {
    if (const auto at = peers_.find(peer); at != peers_.end()) at->second.look(kind, now());
  }
  tell();
  if (std::exchange(listener_ready_, false)) listen_on();
}

void Links::Impl::listen_on() {
  const bool more = listener_->drain(
      [this](const NodeId& from, LinkKind kind, Bytes frame) {
        if (const auto at = peers_.find(from); at != peers_.end()) {
          at->second.heard(kind, frame.size());
        }
        handler_.received(from, kind, std::move(frame));
      },
      now());
  if (!more) return;
  listener_ready_ = true;
  // By way of the timer: the loop looks at its other descriptors first.
  if (std::exchange(rung_, true)) return;
  tasks_.add(timer_.afterDelay(0 * kj::MILLISECONDS).then([this] { work(); }));
}

void Links::Impl::tell() {
  for (const LinkNotice& notice : std::exchange(notices_, {})) {
    switch (notice.what) {
      case LinkNotice::What::up:
        handler_.link_up(notice.peer, notice.kind);
        break;
      case LinkNotice::What::down:
        handler_.link_down(notice.peer, notice.kind, notice.loss);
        break;
      case LinkNotice::What::writable:
        handler_.writable(notice.peer, notice.kind);
        break;
    }
  }
}

kj::Promise<void> Links::Impl::keep_ticking() {
  tick();
  return timer_.afterDelay(to_kj(tick_every)).then([this] { return keep_ticking(); });
}

void Links::Impl::tick() {
  const Instant at = now();
  if (at - gate_checked_ >= gate_every) check_gate(at);
  for (auto& [node, peer] : peers_) {
    if (gate_.admitted(node)) peer.tick(at);
  }
  if (at - patient_dial_ >= options_.redial.patient_every) dial_one_patiently(at);
  cut_if_wanted(at);
}

void Links::Impl::check_gate(Instant now) {
  gate_checked_ = now;
  for (auto& [node, peer] : peers_) {
    if (!gate_.admitted(node)) peer.close(now);
  }
}

void Links::Impl::dial_one_patiently(Instant now) {
  std::pair<Instant, PeerLinks*> first{Instant::max(), nullptr};
  for (auto& [node, peer] : peers_) {
    const auto since = peer.waits_for_turn(now);
    if (since && *since < first.first && gate_.admitted(node)) first = {*since, &peer};
  }
  if (!first.second) return;
  patient_dial_ = now;
  first.second->dial_patiently(now);
}

// An outcast's open connection is ended together with all others, once; members dial again at once.
void Links::Impl::cut_if_wanted(Instant now) {
  const std::uint64_t seen = listener_->counters().not_admitted;
  if (seen == cut_for_ || (last_cut_ && now - *last_cut_ < cut_every)) return;
  last_cut_ = now;
  cut_for_ = seen;
  if (auto status = listener_->cut(); !status.ok()) return;  // next time: its frames are refused
}

Status Links::Impl::connect(const NodeId& peer, const std::vector<std::string>& addresses) {
  if (peer == options_.key.node()) {
    return Error{ErrorCode::conflict, "a node needs no link to itself", "", ""};
  }
  std::vector<Endpoint> endpoints;
  for (const std::string& address : addresses) {
    auto endpoint = parse_endpoint(address);
    if (!endpoint.ok()) return endpoint.error();
    if (endpoint.value().scheme == "tcp" && endpoint.value().port != 0) {
      endpoints.push_back(std::move(endpoint.value()));
    }
  }
  const auto key = link_key_of(peer);
  if (!key) return Error{ErrorCode::malformed, peer.hex() + " is no node's key", "", ""};
  auto at = peers_.try_emplace(peer, shop_, peer, *key, now()).first;
  at->second.set_endpoints(std::move(endpoints), now());
  return {};
}

void Links::Impl::forget(const NodeId& peer) {
  const auto at = peers_.find(peer);
  if (at == peers_.end()) return;
  at->second.close(now());
  peers_.erase(at);
  listener_->forget(peer);
}

void Links::Impl::part(const NodeId& peer, LinkKind kind, ByteView last_word) {
  XF_CHECK(last_word.size() <= max_frame(kind));
  const auto at = peers_.find(peer);
  if (at != peers_.end() && at->second.send(kind, last_word, now())) at->second.retire();
  forget(peer);
}

void Links::Impl::redial(const NodeId& peer) {
  if (const auto at = peers_.find(peer); at != peers_.end()) at->second.redial(now());
}

bool Links::Impl::send(const NodeId& peer, LinkKind kind, ByteView frame) {
  XF_CHECK(frame.size() <= max_frame(kind));
  const auto at = peers_.find(peer);
  return at != peers_.end() && gate_.admitted(peer) && at->second.send(kind, frame, now());
}

bool Links::Impl::up(const NodeId& peer, LinkKind kind) const {
  const auto at = peers_.find(peer);
  return at != peers_.end() && at->second.up(kind);
}

std::vector<LinkStatus> Links::Impl::status() const {
  std::vector<LinkStatus> out;
  for (const auto& [node, peer] : peers_) peer.report(now(), out);
  for (LinkStatus& one : out) one.frames_over_rate = listener_->over_rate(one.peer, one.kind);
  return out;
}

LinkCounters Links::Impl::counters() const {
  const ListenerCounters& in = listener_->counters();
  return {zap_->refused(), in.not_admitted, in.too_large, in.malformed, in.over_rate, shop_.dials};
}

Links::Links(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Links::~Links() = default;

Result<std::unique_ptr<Links>> Links::open(kj::UnixEventPort& port, kj::Timer& timer,
                                           Random& random, const LinkOptions& options,
                                           const LinkGate& gate, LinkHandler& handler) {
  auto impl = std::make_unique<Impl>(port, timer, random, options, gate, handler);
  if (auto status = impl->start(); !status.ok()) return status.error();
  return std::unique_ptr<Links>(new Links(std::move(impl)));
}

Status Links::connect(const NodeId& peer, const std::vector<std::string>& addresses) {
  return impl_->connect(peer, addresses);
}
void Links::forget(const NodeId& peer) {
  impl_->forget(peer);
}
void Links::part(const NodeId& peer, LinkKind kind, ByteView last_word) {
  impl_->part(peer, kind, last_word);
}
void Links::redial(const NodeId& peer) {
  impl_->redial(peer);
}
bool Links::send(const NodeId& peer, LinkKind kind, ByteView frame) {
  return impl_->send(peer, kind, frame);
}
bool Links::up(const NodeId& peer, LinkKind kind) const {
  return impl_->up(peer, kind);
}
std::uint16_t Links::port() const {
  return impl_->port();
}
std::vector<LinkStatus> Links::status() const {
  return impl_->status();
}
LinkCounters Links::counters() const {
  return impl_->counters();
}

}  // namespace crossfloor
