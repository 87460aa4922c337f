// One running node: builds the parts on one event loop, hands them to each other, and takes them
// down in order.
//
// Effects that are meant for people go to the agents' sessions, and to whoever else sets a hook.
#pragma once

#include <kj/async-io.h>

#include <memory>

#include "node/gateway/http_client.h"
#include "node/gateway/http_server.h"
#include "node/runtime/control_socket.h"
#include "node/runtime/loop_inbox.h"
#include "node/runtime/signals.h"
#include "node/runtime/task_threads.h"
#include "node/runtime/verify_reads.h"
#include "node/shell/agents_service.h"
#include "node/shell/foundation.h"
#include "node/shell/intake_api.h"
#include "node/shell/introduction.h"
#include "node/shell/mesh_traffic.h"
#include "node/shell/node_api.h"
#include "node/shell/node_figures.h"
#include "node/shell/operators_service.h"
#include "node/shell/provider_calls.h"

namespace crossfloor {

class NodeProcess {
 public:
  // Effects for parts that plug in; called on the loop, and may use driver().call().
  struct Hooks {
    std::function<void(AnswerCommand&&)> command = [](AnswerCommand&&) {};  // no agent's
    std::function<void(AnswerInspection&&)> inspection = [](AnswerInspection&&) {};
    std::function<void()> settled = [] {};  // after each call into the core
    std::function<void()> stopping = [] {};
  };

  // How a node's life ended, and what is to be done now.
  struct End {
    enum class Why { stopped, failed, store_failed, there_is_room };
    Why why = Why::stopped;
    Error error;  // of a store that failed
  };
  // The disk has no room: the store is open for reading only, and this node shows what it has
  // until so many bytes are free.
  struct Reading {
    Error why;
    std::uint64_t bytes_wanted = 0;
  };

  // `foundation` and `io` outlive this.
  NodeProcess(kj::AsyncIoContext& io, Foundation& foundation, const Crypto& crypto,
              std::optional<Reading> reading = {});
  ~NodeProcess();

  // Opens core, links, HTTP and control socket, and prints the line `ready …`.
  Status start();
  // Until SIGTERM, a failure, or room on the disk.
  End run();
  // Where it listens, once it has started.
  HostPort mesh_address() const;
  HostPort http_address() const;

  // --- for parts that plug in ---
  Hooks& hooks() { return hooks_; }
  CoreDriver& driver() { return *driver_; }
  HttpRouter& router() { return router_; }                  // HTTP, for everybody
  HttpRouter& control_router() { return control_router_; }  // control.sock, for operators
  TaskThreads& readers() { return readers_; }               // long reads, on snapshots
  TaskThreads& worker() { return worker_; }                 // heavy computing, one at a time
  Metrics& metrics() { return metrics_; }
  Watchdog& watchdog() { return watchdog_; }
  Random& random() { return random_; }
  HttpClient& http_client() { return *client_; }
  const Foundation& foundation() const { return foundation_; }
  std::shared_ptr<Reader> snapshot() const { return foundation_.store->snapshot(); }
  std::uint64_t generation() const { return generation_; }

 private:
  Status open_core();
  Status open_mesh();
  Status open_http();
  Status open_control_socket();
  HttpServerOptions server_options();
  void carry_out(Effect&& effect);
  void read_range_for(ReadRange&& wanted);
  void roster_changed();
  std::optional<Bytes> revocation_for(const Bytes& certificate) const;
  void look_around();
  kj::Promise<void> keep_looking_around();
  void write_heads_later();
  void on_signal(int signal);
  void stop();
  void store_failed(const Error& error);
  void end(End end);
  Status ready() const;
  std::string metrics_text();

  kj::AsyncIoContext& io_;
  kj::Timer& timer_;
  Foundation& foundation_;
  const Crypto& crypto_;
  const std::optional<Reading> reading_;
  SystemRandom random_;
  Metrics metrics_;
  Watchdog watchdog_;
  NodeFigures figures_{metrics_};
  Hooks hooks_;
  const std::uint64_t generation_;
  LoopInbox inbox_;
  std::unique_ptr<NodeCore> core_;
  std::unique_ptr<CoreDriver> driver_;
  TaskThreads readers_;
  VerifyReads verify_reads_;
  TaskThreads worker_;
  std::unique_ptr<MeshTraffic> traffic_;  // none while it only reads
  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<ProviderCalls> provider_calls_;
  std::unique_ptr<Introduction> introduction_;
  std::unique_ptr<IntakeApi> intake_;
  std::unique_ptr<NodeApi> api_;
  std::unique_ptr<AgentsService> agents_;
  std::unique_ptr<OperatorsService> operators_;
  HttpRouter router_;
  HttpRouter control_router_;
  std::unique_ptr<HttpServer> server_;
  std::optional<ControlSocket> control_socket_;
  std::unique_ptr<HttpServer> control_server_;
  kj::PromiseFulfillerPair<End> ended_;
  std::optional<Instant> stopping_since_;
  Instant heads_due_{};
  kj::Promise<void> looking_around_ = nullptr;
  kj::Promise<void> stopping_ = nullptr;
  std::unique_ptr<Signals> signals_;
};

}  // namespace crossfloor
