// Many nodes in one thread, under invented time, network, disks and people.
//
// The nodes are the very class that crossfloord runs (node/core/node_core.h); only sockets, disks,
// clocks and people are made up here, all of it from one seed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>

#include "node/core/node_core.h"
#include "storage/memory_store.h"
#include "tools/simulator/options.h"

namespace crossfloor::simulator {

// A message that some node acknowledged, and what it promised.
struct Acknowledged {
  std::string external_id;
  Receipt receipt;
  std::size_t node = 0;
};

struct Host {
  std::string site;
  SigningKey key;
  NodeId id;
  NodeSettings settings;
  MemoryStore disk;  // what is synced; survives a crash
  std::unique_ptr<SeededRandom> random;
  std::unique_ptr<Roster> roster;
  std::unique_ptr<NodeCore> core;
  bool up = false;
  bool cut = false;
  Instant paused_until{};
  std::uint64_t life = 0;  // rises with each start: what was under way for an older one is gone
  bool committing = false;
  std::optional<Instant> wakes_at;  // the one tick that is planned
};

// A customer's provider: takes replies, remembers how often each came.
struct Provider {
  std::map<ReplyId, int> taken;
  std::map<ReplyId, std::string> names;
};

class World {
 public:
  explicit World(const Options& options);
  ~World();

  void run();  // the whole story: bad luck, healing

  const Options& options() const { return options_; }
  const std::vector<std::unique_ptr<Host>>& hosts() const { return hosts_; }
  std::vector<std::unique_ptr<Host>>& hosts() { return hosts_; }
  const std::vector<Acknowledged>& acknowledged() const { return acknowledged_; }
  const Provider& provider() const { return provider_; }
  Now now() const;
  std::uint64_t trace_hash() const { return trace_; }
  std::uint64_t events() const { return events_run_; }
  std::uint64_t offered() const { return rings_; }
  std::uint64_t remote_rings() const { return remote_rings_; }

  // A planted fault: sees what a host wants done before it is done; false: it is not done.
  std::function<bool(std::size_t host, Effect& effect)> meddle;
  // A planted fault: each call to the provider is made twice.
  bool twice = false;
  // Called after every event, for checkers that watch as it happens.
  std::function<void(const World&)> after_event;

 private:
  struct Event {
    Instant at;
    std::uint64_t number;
    std::function<void()> run;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return std::tie(a.at, a.number) > std::tie(b.at, b.number);
    }
  };

  void at(Instant when, std::function<void()> run);
  void after(Duration delay, std::function<void()> run) { at(time_ + delay, std::move(run)); }
  // For one life of a node: dropped if it crashed meanwhile, late if it stands still.
  void on_host(std::size_t host, Duration delay, std::function<void(Host&)> run);
  Duration exponential(Duration mean);
  Duration between(Duration least, Duration most);
  bool chance(double probability) { return random_.unit() < probability; }
  void note(std::uint64_t what);

  void start(std::size_t host);
  void crash(std::size_t host);
  void connect(std::size_t from, std::size_t to);
  void cut(std::size_t host, Duration length);
  bool reaches(std::size_t from, std::size_t to) const;
  void pump(std::size_t host);
  void wake(std::size_t host);
  void carry_out(std::size_t host, Effect& effect);
  void deliver(std::size_t from, const SendMessage& message);

  void customer_writes();
  void send_message(std::size_t host, const IncomingMessage& message);
  void agent_hears(std::size_t host, const NotifyAgent& notice);
  void agent_works(std::size_t host, const std::string& agent, const ConversationId& conversation);
  void command(std::size_t host, const std::string& agent, const ConversationId& conversation,
               const Epoch& epoch, Verb verb, const std::function<void(DeskCommand&)>& fill);
  void log_in_all(std::size_t host);

  Options options_;
  SeededRandom random_;
  SodiumCrypto crypto_;
  Instant time_{Duration{1'000}};
  std::uint64_t next_number_ = 0;
  std::priority_queue<Event, std::vector<Event>, Later> queue_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::map<NodeId, std::size_t> index_;
  std::map<std::tuple<std::size_t, std::size_t, LinkKind>, Instant> in_order_;
  std::map<RequestId, std::pair<std::string, std::size_t>> intakes_;
  std::set<std::tuple<std::size_t, std::uint64_t, std::string, ConversationId>> at_work_;
  std::vector<Acknowledged> acknowledged_;
  Provider provider_;
  RequestId next_request_ = 1;
  std::uint64_t next_external_ = 1;
  std::uint64_t next_command_ = 1;
  std::uint64_t trace_ = 1469598103934665603ULL;
  std::uint64_t events_run_ = 0;
  std::uint64_t rings_ = 0;
  std::uint64_t remote_rings_ = 0;
  bool healing_ = false;
  Bytes authority_documents_;
};

}  // namespace crossfloor::simulator
