// A few whole nodes in one thread: disks in memory, messages that arrive at once, time that goes
// when it is told to. For what the cores do together; bad luck is the simulator's. A core that
// failed is opened anew, as its process does it.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "node/core/node_core.h"
#include "node/core/verify_node.h"
#include "protocol/join.h"
#include "storage/faulty_store.h"
#include "storage/memory_store.h"
#include "storage/rebuild.h"

namespace crossfloor::test {

using Json = nlohmann::ordered_json;  // who looks into one includes <nlohmann/json.hpp>

class CoreWorld {
 public:
  static constexpr const char* region = "eu";
  static constexpr const char* brand = "acme";
  static constexpr const char* chat = "acme-chat";

  struct Host {
    std::string site;
    SigningKey key;
    NodeId id;
    NodeSettings settings;
    MemoryStore disk;
    std::unique_ptr<FaultyStore> store;  // this opening of it
    int openings = 0;
    Duration clock_off{0};
    std::unique_ptr<SeededRandom> random;
    std::unique_ptr<Roster> roster;
    std::unique_ptr<NodeCore> core;
    bool up = true;
  };

  static constexpr std::array all_kinds{LinkKind::pulse, LinkKind::live, LinkKind::bulk};

  // `rights`: of the sites that have not all of them.
  using Rights = std::map<std::string, std::vector<std::string>>;
  explicit CoreWorld(const std::vector<std::string>& sites, std::uint64_t seed = 1,
                     const Rights& rights = {});
  ~CoreWorld();
  CoreWorld(const CoreWorld&) = delete;
  CoreWorld& operator=(const CoreWorld&) = delete;

  // After the settings were looked over by the test.
  void start();
  // Some of the links come up at once, others when the test says so.
  void start_with(const std::vector<LinkKind>& kinds);
  void bring_up(const std::vector<LinkKind>& kinds);
  // As a process does it whose disk has no room.
  void open_for_reading(std::size_t index, const Error& why) { open(*hosts_[index], why); }

  Host& host(std::size_t index) { return *hosts_[index]; }
  const std::vector<Receipt>& receipts() const { return receipts_; }
  const std::vector<Error>& refusals() const { return refusals_; }
  NodeCore& core(std::size_t index) { return *hosts_[index]->core; }
  Now now() const;
  Now now(const Host& host) const { return {time_, now().wall + host.clock_off}; }

  void run(Duration length);

  void go_down(std::size_t index);

  // Dies and comes back with what is on its disk.
  void restart(std::size_t index, Duration away = Duration{500});

  void log_in(std::size_t index, const std::string& name);

  AgentRecord record_of(std::size_t index, const std::string& name) const;

  // What an agent's client says of a conversation, answered within `patience`; no id: no answer.
  CommandAnswer say(std::size_t index, const std::string& agent, Verb verb,
                    const ConversationId& conversation,
                    const std::function<void(DeskCommand&)>& fill = {},
                    Duration patience = Duration{3'000});
  CommandAnswer say_link(std::size_t index, CustomerLink link);
  // Of the one conversation that is open at this node, or that stands there in this state.
  const Conversation* conversation(std::size_t index, std::optional<CourseState> state = {});

  void add_agent(std::size_t index, const std::string& name);
  void add_agent(std::size_t index, const AgentRecord& record);

  void write(std::size_t index, const std::string& account, IncomingMessage message);
  void write(std::size_t index, const std::string& account, const std::string& customer,
             const std::string& text);
  // The channel sends it (once more) under a name that it chose.
  void write_again(std::size_t index, const std::string& account, const std::string& customer,
                   const std::string& text, const std::string& external_id);

  // The same message at each node, before they hear of each other's.
  void write_everywhere(const std::string& account, const std::string& customer,
                        const std::string& text);

  // What a node says of its own accord, whatever its own core would say.
  void say(std::size_t from, std::size_t to, const PeerMessage& message);

  // A question or act of an operator at that node, answered within `patience`.
  Json ask(std::size_t index, const std::string& what);
  Json ask(std::size_t index, const std::string& what, const Json& arguments,
           Duration patience = Duration{3'000});
  Json act(std::size_t index, const std::string& what, Json arguments);

  // What some peer, or somebody who has its key, sends to a node.
  void deliver(std::size_t index, const NodeId& from, LinkKind link, const PeerMessage& message);
  const Crypto& crypto() const { return crypto_; }
  // Silence between all nodes, until it is healed.
  void cut_all();
  void heal();
  // What an agent of that node does with a conversation, as the node knows it now.
  void command(std::size_t index, const std::string& agent, Verb verb, const ConversationId& id,
               const std::function<void(DeskCommand&)>& fill = {});
  // What gets lost on its way; nothing by default.
  std::function<bool(const SendMessage&)> lost = [](const SendMessage&) { return false; };
  // What the provider says to each call; it accepts by default.
  std::function<DeliveryKind(const CallProvider&)> provider = [](const CallProvider&) {
    return DeliveryKind::accepted;
  };
  struct Ring {
    Instant at;
    NotifyAgent notice;
  };
  const std::vector<Ring>& rings() const { return rings_; }
  // The conversation of the only ring so far.
  ConversationId only_rung() const;
  // A reply to all that waits there; the agent keeps the conversation.
  void answer(std::size_t index, const std::string& agent, const ConversationId& id);

 private:
  void open(Host& host, std::optional<Error> read_only = {});
  void make_rows_anew(Host& host);
  void open_anew(Host& host);
  void for_all_pairs(const std::function<void(Host& from, Host& to)>& what);
  void link(Host& from, Host& to);
  void link_to_all(Host& from);
  void settle();
  void carry_out(Host& from, Effect& effect);

  CommandAnswer answer_to(RequestId request, Duration patience);

  SodiumCrypto crypto_;
  SeededRandom random_;
  Authority authority_;
  std::vector<std::unique_ptr<Host>> hosts_;
  Instant time_ = Instant{} + Duration{1'000'000};
  std::map<RequestId, std::string> answers_;
  std::map<RequestId, CommandAnswer> said_;
  std::vector<Receipt> receipts_;
  std::vector<Error> refusals_;
  std::vector<Ring> rings_;
  RequestId next_request_ = 1;
  int messages_ = 0;
  int commands_ = 0;
};

}  // namespace crossfloor::test
