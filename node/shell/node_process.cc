#include "node/shell/node_process.h"

#include <signal.h>

#include <cstdio>

#include "node/runtime/log.h"
#include "node/runtime/service_manager.h"
#include "protocol/check.h"
#include "storage/rocks/files.h"
#include "storage/rocks/head_file.h"

namespace crossfloor {
namespace {

// What is written and waits is given this long; then links get up to 1 s to send what they have
// (their linger), and all of it stays under 2 s.
constexpr auto stop_within = 700 * kj::MILLISECONDS;
constexpr auto last_answers = 100 * kj::MILLISECONDS;
constexpr Duration look_around_every{5'000};
constexpr Duration look_for_room_every{1'000};
constexpr Duration heads_every{60'000};

const char* name_of(NodeProcess::End::Why why) {
  switch (why) {
    case NodeProcess::End::Why::stopped:
      return "asked to";
    case NodeProcess::End::Why::failed:
      return "failed";
    case NodeProcess::End::Why::store_failed:
      return "the store failed";
    case NodeProcess::End::Why::there_is_room:
      return "there is room on the disk again";
  }
  return "unknown";
}

Watchdog::Options watchdog_options() {
  Watchdog::Options options;
  options.on_offence = [](const Watchdog::Offence& offence) {
    log_warning("loop_held", {{"by", offence.name},
                              {"ms", static_cast<double>(offence.took.count()) / 1e6},
                              {"times", offence.times}});
  };
  return options;
}

}  // namespace

NodeProcess::NodeProcess(kj::AsyncIoContext& io, Foundation& foundation, const Crypto& crypto,
                         std::optional<Reading> reading)
    : io_(io),
      timer_(io.provider->getTimer()),
      foundation_(foundation),
      crypto_(crypto),
      reading_(std::move(reading)),
      watchdog_(monotonic_now, watchdog_options()),
      generation_(random_.next()),
      inbox_(io.unixEventPort),
      readers_(inbox_, {"reader", 2, 1024}),
      verify_reads_(readers_, crypto),
      worker_(inbox_, {"worker", 1, 256}),
      ended_(kj::newPromiseAndFulfiller<End>()) {}

NodeProcess::~NodeProcess() = default;

Status NodeProcess::start() {
  signals_ =
      std::make_unique<Signals>(io_.unixEventPort, [this](int signal) { on_signal(signal); });
  for (const auto& step : {&NodeProcess::open_core, &NodeProcess::open_mesh,
                           &NodeProcess::open_http, &NodeProcess::open_control_socket}) {
    if (auto status = (this->*step)(); !status.ok()) return status;
  }
  driver_->start();
  look_around();
  looking_around_ = keep_looking_around().eagerlyEvaluate(nullptr);
  if (!reading_) introduction_->begin(machine_now().wall);
  const HostPort mesh = mesh_address();
  const HostPort http = http_address();
  log_info("ready", {{"node", foundation_.self().hex()},
                     {"site", foundation_.settings.site},
                     {"mesh", mesh.text()},
                     {"http", http.text()},
                     {"version", foundation_.settings.version}});
  std::printf("ready mesh=%s http=%s\n", mesh.text().c_str(), http.text().c_str());
  std::fflush(stdout);
  const std::string status = reading_ ? "read-only: " + reading_->why.what : "in service";
  if (auto told = notify_service_manager("READY=1\nSTATUS=" + status); !told.ok()) {
    log_error("service_manager_not_told", told.error());
  }
  return {};
}

HostPort NodeProcess::mesh_address() const {
  const HostPort& listen = foundation_.config.mesh.listen;
  return {listen.host, traffic_ ? traffic_->links().port() : listen.port};
}

HostPort NodeProcess::http_address() const {
  return {foundation_.config.http.listen.host, static_cast<std::uint16_t>(server_->port())};
}

Status NodeProcess::open_core() {
  const Now now = machine_now();
  core_ = std::make_unique<NodeCore>(
      Scribe::Identity{foundation_.key, foundation_.mesh.mesh, generation_}, foundation_.settings,
      NodeCore::Parts{crypto_, random_, *foundation_.store, foundation_.roster,
                      reading_ ? std::optional<Error>(reading_->why) : std::nullopt},
      now.wall);
  if (auto opened = core_->open(now); !opened.ok()) return opened;
  auto once = read_head_file(foundation_.head_file(), crypto_);
  if (!once.ok()) {
    log_error("head_file_unreadable", once.error());
  } else if (!reading_) {
    auto lost = lost_since(once.value(), *foundation_.store, crypto_);
    if (!lost.ok()) return lost.error();
    if (!lost.value().empty()) log_error("store_came_back_shorter", error_of(lost.value()));
    for (const auto& tail : lost.value()) core_->heard(tail.stream, tail.once, now);
  }
  driver_ = std::make_unique<CoreDriver>(
      *core_, timer_, *foundation_.store, inbox_, watchdog_,
      CoreDriver::Owner{[this](Effect&& effect) { carry_out(std::move(effect)); },
                        [this](const StorageThread::Committed& done) { figures_.committed(done); },
                        [this](const Error& error) { store_failed(error); },
                        [this] {
                          hooks_.settled();
                          if (stopping_since_ && driver_->idle() && core_->intakes_waiting() == 0)
                            end({});
                        },
                        [this](Duration by) { figures_.late(by); }});
  return {};
}

Status NodeProcess::open_mesh() {
  if (reading_) return {};
  LinkOptions options;
  options.key = foundation_.key;
  options.listen_host = foundation_.config.mesh.listen.host;
  options.listen_port = foundation_.config.mesh.listen.port;
  auto traffic = MeshTraffic::open(
      io_.unixEventPort, timer_, random_, options, foundation_.roster, metrics_,
      [] { return machine_now().wall; },
      {[this](const NodeId& from, LinkKind kind, const PeerMessage& message) {
         driver_->call("peer_message",
                       [&](NodeCore& core, Now now) { core.receive(from, kind, message, now); });
       },
       [this](const NodeId& peer, LinkKind kind) {
         driver_->call("link_up", [&](NodeCore& core, Now now) { core.link_up(peer, kind, now); });
       },
       [this](const NodeId& peer, LinkKind kind, bool reset) {
         driver_->call("link_down",
                       [&](NodeCore& core, Now now) { core.link_down(peer, kind, reset, now); });
       }});
  if (!traffic.ok()) return traffic.error();
  traffic_ = std::move(traffic).value();
  core_->show_links(traffic_.get());
  return {};
}

HttpServerOptions NodeProcess::server_options() {
  HttpServerOptions options;
  options.on_fault = [](const std::string& what) { log_error("http_fault", {{"what", what}}); };
  return options;
}

Status NodeProcess::open_http() {
  auto& network = io_.provider->getNetwork();
  HttpClientOptions calls;
  calls.authorities_file = foundation_.config.http.tls_authorities;
  calls.trust_system = true;
  auto client = HttpClient::make(network, timer_, calls);
  if (!client.ok()) return client.error();
  client_ = std::move(client).value();
  const Config& config = foundation_.config;
  provider_calls_ = std::make_unique<ProviderCalls>(*driver_, *client_, config, metrics_);
  introduction_ = std::make_unique<Introduction>(
      *client_, timer_, foundation_.roster, foundation_.self(),
      Introduction::Owner{
          [this](const NodeId& peer) { return traffic_->links().up(peer, LinkKind::pulse); },
          [this](const Bytes& document) {
            // What is not genuine is refused, and whoever answered so is nobody to listen to.
            [[maybe_unused]] const auto added = driver_->call(
                "document",
                [&](NodeCore& core, Now now) { return core.add_document(document, now); });
          }});
  intake_ = std::make_unique<IntakeApi>(*driver_, config, metrics_);
  if (reading_) intake_->close(reading_->why);
  intake_->add_to(router_);
  api_ = std::make_unique<NodeApi>(
      *driver_, NodeApi::Sources{[this] { return ready(); }, [this] { return metrics_text(); },
                                 [this](const Bytes& text) { return revocation_for(text); }});
  api_->add_to(router_);
  api_->add_to(control_router_);
  agents_ = std::make_unique<AgentsService>(AgentsService::Parts{
      *core_, *driver_, *foundation_.store, random_, timer_, inbox_, readers_, worker_});
  agents_->add_routes(router_);
  agents_->add_routes(control_router_);
  operators_ = std::make_unique<OperatorsService>(
      OperatorsService::Parts{*core_, *driver_, crypto_, random_, timer_, worker_});
  if (auto read = operators_->read_tokens(config.http.tokens_file); !read.ok()) return read;
  operators_->add_routes(router_);
  operators_->add_routes(control_router_);
  HttpServerOptions options = server_options();
  options.address = config.http.listen.text();
  options.tls_certificate = config.http.tls_certificate;
  options.tls_key = config.http.tls_key;
  auto server = HttpServer::start(network, timer_, router_, std::move(options)).wait(io_.waitScope);
  if (!server.ok()) return server.error();
  server_ = std::move(server).value();
  return {};
}

Status NodeProcess::open_control_socket() {
  auto socket = ControlSocket::listen(foundation_.folder.control_socket());
  if (!socket.ok()) return socket.error();
  control_socket_.emplace(std::move(socket).value());
  HttpServerOptions options = server_options();
  options.address = "unix:" + control_socket_->path();
  auto receiver = io_.lowLevelProvider->wrapListenSocketFd(
      control_socket_->fd(),
      kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC | kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK);
  control_server_ =
      HttpServer::serve(timer_, control_router_, std::move(options), kj::mv(receiver));
  return {};
}

void NodeProcess::carry_out(Effect&& effect) {
  struct Carry {
    NodeProcess& node;
    void operator()(SendMessage&& one) {
      if (node.traffic_) node.traffic_->send(one);
    }
    void operator()(AnswerIntake&& one) { node.intake_->answer(std::move(one)); }
    void operator()(AnswerCommand&& one) {
      if (!node.operators_->carry_out(one)) node.agents_->carry_out(one);
    }
    void operator()(NotifyAgent&& one) { node.agents_->carry_out(one); }
    void operator()(CallProvider&& one) { node.provider_calls_->call(std::move(one)); }
    void operator()(ReadRange&& one) { node.read_range_for(std::move(one)); }
    void operator()(ReadVerify&& one) {
      node.verify_reads_.start(one, node.snapshot(), [&n = node](auto ticket, const auto& json) {
        n.driver_->call("verify_read",
                        [&](NodeCore& core, Now now) { core.verify_read(ticket, json, now); });
      });
    }
    void operator()(Redial&& one) {
      if (node.traffic_) node.traffic_->redial(one.peer);
    }
    void operator()(RosterChanged&&) { node.roster_changed(); }
    void operator()(AnswerInspection&& one) { node.operators_->carry_out(one); }
  };
  std::visit(Carry{*this}, std::move(effect));
}

void NodeProcess::read_range_for(ReadRange&& wanted) {
  const NodeId to = wanted.to;
  auto queued = readers_.run(
      [wanted = std::move(wanted), view = snapshot()] {
        return read_range(*view, wanted.stream, wanted.from, wanted.max_bytes);
      },
      [this, to](Result<Range> range) {
        driver_->call("range_read",
                      [&](NodeCore& core, Now now) { core.range_read(to, range, now); });
      });
  if (queued.ok()) return;
  metrics_
      .counter("crossfloor_range_reads_refused_total",
               "Pages for peers that were not read, because too many waited")
      .add();
}

void NodeProcess::roster_changed() {
  traffic_->meet_members();
  if (const Revocation* revoked = foundation_.roster.revocation(foundation_.self())) {
    log_error("revoked", Error{ErrorCode::forbidden, "this node was revoked: " + revoked->reason,
                               "", "let it join anew with a new key"});
    end({End::Why::failed, {}});
  }
}

std::optional<Bytes> NodeProcess::revocation_for(const Bytes& certificate) const {
  const Roster& roster = foundation_.roster;
  const auto shown = parse_certificate(crypto_, roster.authority(), certificate);
  if (!shown.ok()) return std::nullopt;
  const Revocation* revoked = roster.revocation(shown.value().node);
  return revoked ? std::optional(revoked->text) : std::nullopt;
}

// Certificates begin and run out without any document.
void NodeProcess::look_around() {
  if (reading_) {
    const auto room = files::free_bytes(foundation_.folder.path());
    if (room.ok() && room.value() >= reading_->bytes_wanted) end({End::Why::there_is_room, {}});
    return;
  }
  traffic_->meet_members();
  for (const NodeId& peer : traffic_->refused_by()) introduction_->refused_by(peer);
  const Instant now = machine_now().steady;
  if (now < heads_due_ || stopping_since_) return;
  heads_due_ = now + heads_every;
  write_heads_later();
}

kj::Promise<void> NodeProcess::keep_looking_around() {
  const Duration pause = reading_ ? look_for_room_every : look_around_every;
  return timer_.afterDelay(pause.count() * kj::MILLISECONDS).then([this] {
    look_around();
    return keep_looking_around();
  });
}

void NodeProcess::write_heads_later() {
  auto queued = worker_.run(
      [view = snapshot(), path = foundation_.head_file(), &crypto = crypto_]() -> Result<bool> {
        auto heads = stored_heads(*view);
        if (!heads.ok()) return heads.error();
        auto written = write_head_file(path, crypto, heads.value());
        if (!written.ok()) return written.error();
        return true;
      },
      [](Result<bool> done) {
        if (!done.ok()) log_error("head_file_not_written", done.error());
      });
  // Full of work: it is tried again in a minute.
  if (!queued.ok()) log_warning("head_file_not_written", {{"why", queued.error().what}});
}

Status NodeProcess::ready() const {
  if (stopping_since_) return Error{ErrorCode::unavailable, "is stopping", "", ""};
  if (reading_) {
    return Error{ErrorCode::unavailable,
                 "nothing can be written: " + reading_->why.what +
                     "; it shows what it has and takes nothing in",
                 reading_->why.where, "make room; it goes on by itself"};
  }
  if (const PeerClocks& clocks = core_->mesh().clocks(); clocks.wrong()) {
    return Error{ErrorCode::unavailable,
                 "this node's clock is off its peers' by " +
                     std::to_string(clocks.ahead()->count() / 1'000) + " s",
                 "", "set the clock by NTP"};
  }
  if (!core_->home().acting()) {
    return Error{ErrorCode::unavailable,
                 "compares what it holds with its region's nodes in reach; it takes messages in "
                 "but assigns none",
                 "", "wait; crossfloor links shows the nodes"};
  }
  return {};
}

std::string NodeProcess::metrics_text() {
  agents_->figures(metrics_);
  return figures_.text(
      {*driver_, traffic_.get(), watchdog_, server_->figures(), foundation_.store->disk_bytes()});
}

void NodeProcess::on_signal(int signal) {
  if (signal != SIGHUP) return stop();
  if (server_ == nullptr) return;
  if (auto reloaded = server_->reload(); !reloaded.ok()) {
    log_error("tls_not_reloaded", reloaded.error());
  } else {
    log_info("reloaded");
  }
}

void NodeProcess::stop() {
  if (stopping_since_ || driver_ == nullptr || server_ == nullptr) return;
  stopping_since_ = machine_now().steady;
  log_info("stopping");
  [[maybe_unused]] const auto told = notify_service_manager("STOPPING=1");
  hooks_.stopping();
  intake_->close({ErrorCode::unavailable, "this node is stopping", "",
                  "send it again later, or to another host"});
  stopping_ =
      timer_.afterDelay(stop_within).then([this] { end({}); }).eagerlyEvaluate([](kj::Exception&&) {
      });
  driver_->call("stop", [](NodeCore& core, Now now) { core.stop(now); });
}

// What waited for the failed commit may be on the disk or not: nobody is told that it is.
void NodeProcess::store_failed(const Error& error) {
  log_error("store_failed", error);
  intake_->close_and_answer({ErrorCode::unavailable,
                             "the store failed before this message was known to be durable", "",
                             "send it again, or to another host"});
  operators_->answer_waiting();
  end({stopping_since_ ? End::Why::failed : End::Why::store_failed, error});
}

void NodeProcess::end(End end) {
  if (ended_.fulfiller->isWaiting()) ended_.fulfiller->fulfill(kj::mv(end));
}

NodeProcess::End NodeProcess::run() {
  const End end = ended_.promise.wait(io_.waitScope);
  // Answers that are due leave; whoever still waits is cut off, and asks another host.
  auto drained = server_->drain().exclusiveJoin(timer_.afterDelay(last_answers));
  drained.wait(io_.waitScope);
  looking_around_ = nullptr;
  introduction_.reset();
  control_server_.reset();
  server_.reset();
  // Begun a moment ago, the worker may still be writing the same file, of earlier heads.
  worker_.close();
  if (end.why == End::Why::stopped && !reading_) {
    auto heads = stored_heads(*foundation_.store);
    const Status written = heads.ok()
                               ? write_head_file(foundation_.head_file(), crypto_, heads.value())
                               : Status(heads.error());
    if (!written.ok()) log_error("head_file_not_written", written.error());
  }
  log_info("stopped", {{"why", name_of(end.why)}});
  return end;
}

}  // namespace crossfloor
