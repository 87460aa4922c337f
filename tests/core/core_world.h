// A few whole nodes in one thread: disks in memory, messages that arrive at once, time that goes
// when it is told to. For what the cores do together; bad luck is the simulator's. A core that
// failed is opened anew, as its process does it.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "node/core/node_core.h"
#include "node/core/verify_node.h"
#include "protocol/join.h"
#include "storage/faulty_store.h"
#include "storage/memory_store.h"
#include "storage/rebuild.h"

namespace crossfloor::test {

using Json = nlohmann::ordered_json;

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
                     const Rights& rights = {})
      : random_(seed) {
    authority_ = make_authority(random_, {region}).value();
    std::vector<Bytes> certificates;
    for (const std::string& site : sites) {
      auto host = std::make_unique<Host>();
      host->site = site;
      host->key = make_signing_key(random_);
      host->id = host->key.node();
      AdmitOptions options;
      options.home_region = region;
      if (const auto at = rights.find(site); at != rights.end()) options.rights = at->second;
      const auto request = make_request(crypto_, host->key, site, {"tcp://127.0.0.1:7440"}).value();
      certificates.push_back(admit(crypto_, random_, authority_, request, options, {}, now().wall)
                                 .value()
                                 .certificate.text);
      NodeSettings& settings = host->settings;
      settings.site = site;
      settings.may_serve = std::find(options.rights.begin(), options.rights.end(),
                                     Certificate::right_serve) != options.rights.end();
      settings.home_region = region;
      settings.region_secrets[region] = authority_.region_secret(crypto_, region);
      for (const char* name : {chat, "acme-mail"}) {
        AccountSettings account;
        account.name = name;
        account.region = region;
        account.brand = brand;
        account.channel = name == std::string(chat) ? ChannelKind::chat : ChannelKind::email;
        account.hosts = sites;
        account.hosted_here = true;
        settings.accounts[name] = account;
      }
      AccountSettings other = settings.accounts[chat];
      other.name = "other-chat";
      other.brand = "other";
      settings.accounts[other.name] = other;
      hosts_.push_back(std::move(host));
    }
    for (auto& host : hosts_) {
      host->roster = std::make_unique<Roster>(crypto_, authority_.node());
      for (const Bytes& certificate : certificates) {
        REQUIRE(host->roster->add(certificate).ok());
      }
      host->random = std::make_unique<SeededRandom>(random_.next());
    }
  }

  // After the settings were looked over by the test.
  void start() {
    for (auto& host : hosts_) open(*host);
    for (auto& host : hosts_) link_to_all(*host);
    run(Duration{6'000});
  }
  // Some of the links come up at once, others when the test says so.
  void start_with(const std::vector<LinkKind>& kinds) {
    for (auto& host : hosts_) open(*host);
    bring_up(kinds);
  }
  void bring_up(const std::vector<LinkKind>& kinds) {
    for (auto& from : hosts_) {
      for (auto& to : hosts_) {
        if (from == to) continue;
        for (const auto kind : kinds) from->core->link_up(to->id, kind, now(*from));
      }
    }
  }
  // As a process does it whose disk has no room.
  void open_for_reading(std::size_t index, const Error& why) { open(*hosts_[index], why); }

  Host& host(std::size_t index) { return *hosts_[index]; }
  const std::vector<Receipt>& receipts() const { return receipts_; }
  const std::vector<Error>& refusals() const { return refusals_; }
  NodeCore& core(std::size_t index) { return *hosts_[index]->core; }
  Now now() const {
    return {time_, wall_from_ms(1'700'000'000'000 + time_.time_since_epoch().count())};
  }
  Now now(const Host& host) const { return {time_, now().wall + host.clock_off}; }

  void run(Duration length) {
    const Instant end = time_ + length;
    for (; time_ < end; time_ += Duration{10}) {
      for (auto& one : hosts_) {
        if (one->up && one->core->deadline() <= time_) one->core->tick(now(*one));
      }
      settle();
    }
  }

  void go_down(std::size_t index) {
    hosts_[index]->up = false;
    for (auto& one : hosts_) {
      if (!one->up) continue;
      for (const auto kind : all_kinds) {
        one->core->link_down(hosts_[index]->id, kind, true, now(*one));
      }
    }
  }

  // Dies and comes back with what is on its disk.
  void restart(std::size_t index, Duration away = Duration{500}) {
    go_down(index);
    run(away);
    Host& host = *hosts_[index];
    open(host);
    host.up = true;
    link_to_all(host);
    for (auto& other : hosts_) {
      if (other.get() != &host && other->up) link(*other, host);
    }
    run(Duration{2'000});
  }

  void log_in(std::size_t index, const std::string& name) {
    REQUIRE(core(index).log_in(name, now()).ok());
    REQUIRE(core(index).presence(name, Presence::ready, "", now()).ok());
    run(Duration{50});
  }

  AgentRecord record_of(std::size_t index, const std::string& name) const {
    AgentRecord record;
    record.name = name;
    record.display_name = name;
    record.node = hosts_[index]->id;
    record.brands = {brand};
    record.languages = {"en"};
    record.channels = {{ChannelKind::chat, Duty::primary, 2, 0}};
    return record;
  }

  // What an agent's client says of a conversation, answered within `patience`; no id: no answer.
  CommandAnswer say(std::size_t index, const std::string& agent, Verb verb,
                    const ConversationId& conversation,
                    const std::function<void(DeskCommand&)>& fill = {},
                    Duration patience = Duration{3'000}) {
    DeskCommand command;
    command.id = core(index).scribe().subjects(region)->command(agent, std::to_string(++commands_));
    command.verb = verb;
    command.conversation = conversation;
    if (const Conversation* c = core(index).home().find(conversation)) command.epoch = c->epoch;
    command.agent = agent;
    command.agent_node = hosts_[index]->id;
    command.site = hosts_[index]->site;
    if (fill) fill(command);
    const RequestId request = next_request_++;
    core(index).command(request, command, now());
    return answer_to(request, patience);
  }
  CommandAnswer say_link(std::size_t index, CustomerLink link) {
    link.id =
        core(index).scribe().subjects(region)->command(link.agent, std::to_string(++commands_));
    const RequestId request = next_request_++;
    core(index).link(request, link, now());
    return answer_to(request, Duration{3'000});
  }
  // Of the one conversation that is open at this node, or that stands there in this state.
  const Conversation* conversation(std::size_t index, std::optional<CourseState> state = {}) {
    for (const auto& [id, c] : core(index).home().conversations()) {
      if (!state || c.state == *state) return &c;
    }
    return nullptr;
  }

  void add_agent(std::size_t index, const std::string& name) {
    add_agent(index, record_of(index, name));
  }
  void add_agent(std::size_t index, const AgentRecord& record) {
    const std::string name = record.name;
    REQUIRE(core(index).set_agent(record, now()).ok());
    run(Duration{50});
    REQUIRE(core(index).log_in(name, now()).ok());
    REQUIRE(core(index).presence(name, Presence::ready, "", now()).ok());
    run(Duration{50});
  }

  void write(std::size_t index, const std::string& account, IncomingMessage message) {
    message.external_id = "m-" + std::to_string(++messages_);
    message.language = "en";
    core(index).intake(next_request_++, account, message, now(*hosts_[index]));
    run(Duration{500});
  }
  void write(std::size_t index, const std::string& account, const std::string& customer,
             const std::string& text) {
    write_again(index, account, customer, text, "m-" + std::to_string(++messages_));
  }
  // The channel sends it (once more) under a name that it chose.
  void write_again(std::size_t index, const std::string& account, const std::string& customer,
                   const std::string& text, const std::string& external_id) {
    IncomingMessage message;
    message.external_id = external_id;
    message.customer.external_id = customer;
    message.customer.name = "Customer " + customer;
    message.text = text;
    message.language = "en";
    core(index).intake(next_request_++, account, message, now(*hosts_[index]));
    run(Duration{500});
  }

  // The same message at each node, before they hear of each other's.
  void write_everywhere(const std::string& account, const std::string& customer,
                        const std::string& text) {
    IncomingMessage message;
    message.external_id = "m-" + std::to_string(++messages_);
    message.customer.external_id = customer;
    message.text = text;
    for (auto& host : hosts_) host->core->intake(next_request_++, account, message, now());
    run(Duration{500});
  }

  // What a node says of its own accord, whatever its own core would say.
  void say(std::size_t from, std::size_t to, const PeerMessage& message) {
    core(to).receive(hosts_[from]->id, LinkKind::live, message, now());
    settle();
  }

  // A question or act of an operator at that node, answered within `patience`.
  Json ask(std::size_t index, const std::string& what, const Json& arguments = Json::object(),
           Duration patience = Duration{3'000}) {
    const RequestId request = next_request_++;
    core(index).operate(request, what, arguments.dump(), now());
    settle();
    for (Duration waited{0}; answers_.count(request) == 0 && waited < patience;
         waited += Duration{10}) {
      run(Duration{10});
    }
    REQUIRE_MESSAGE(answers_.count(request) == 1, what);
    return Json::parse(answers_[request]);
  }
  Json act(std::size_t index, const std::string& what, Json arguments) {
    arguments["by"] = "ada";
    arguments["reason"] = "a test";
    return ask(index, what, arguments);
  }

  // What some peer, or somebody who has its key, sends to a node.
  void deliver(std::size_t index, const NodeId& from, LinkKind link, const PeerMessage& message) {
    core(index).receive(from, link, message, now(*hosts_[index]));
    settle();
  }
  const Crypto& crypto() const { return crypto_; }
  // Silence between all nodes, until it is healed.
  void cut_all() {
    lost = [](const SendMessage&) { return true; };
    for_all_pairs([this](Host& from, Host& to) {
      for (const auto kind : all_kinds) from.core->link_down(to.id, kind, false, now(from));
    });
    settle();
  }
  void heal() {
    lost = [](const SendMessage&) { return false; };
    for_all_pairs([this](Host& from, Host& to) { link(from, to); });
    settle();
  }
  // What an agent of that node does with a conversation, as the node knows it now.
  void command(std::size_t index, const std::string& agent, Verb verb, const ConversationId& id,
               const std::function<void(DeskCommand&)>& fill = {}) {
    const Conversation* c = core(index).home().find(id);
    REQUIRE(c != nullptr);
    DeskCommand command;
    command.id = core(index).scribe().subjects(region)->command(agent, std::to_string(++commands_));
    command.verb = verb;
    command.conversation = id;
    command.epoch = c->epoch;
    command.agent = agent;
    command.agent_node = hosts_[index]->id;
    if (fill) fill(command);
    core(index).command(next_request_++, command, now(*hosts_[index]));
    run(Duration{500});
  }
  // What gets lost on its way; nothing by default.
  std::function<bool(const SendMessage&)> lost = [](const SendMessage&) { return false; };
  struct Ring {
    Instant at;
    NotifyAgent notice;
  };
  const std::vector<Ring>& rings() const { return rings_; }

 private:
  void open(Host& host, std::optional<Error> read_only = {}) {
    if (rebuild_is_due(host.disk).value()) make_rows_anew(host);
    host.store = std::make_unique<FaultyStore>(host.disk);
    ++host.openings;
    const Now at = now(host);
    NodeCore::Parts parts{crypto_, *host.random, *host.store, *host.roster};
    parts.read_only = std::move(read_only);
    host.core = std::make_unique<NodeCore>(
        Scribe::Identity{host.key, host.roster->mesh(), host.random->next()}, host.settings, parts,
        at.wall);
    REQUIRE(host.core->open(at).ok());
  }
  void make_rows_anew(Host& host) {
    const Subjects subjects(crypto_, host.settings.region_secrets.at(region));
    const Projections projections([&](const Region&) { return &subjects; });
    REQUIRE(rebuild_rows(host.disk, projections).ok());
  }
  void open_anew(Host& host) {
    host.core.reset();
    for (auto& other : hosts_) {
      if (other->id == host.id || !other->up) continue;
      for (const auto kind : all_kinds) {
        other->core->link_down(host.id, kind, true, now(*other));
      }
    }
    open(host);
    link_to_all(host);
    for (auto& other : hosts_) {
      if (other->id != host.id && other->up) link(*other, host);
    }
  }
  void for_all_pairs(const std::function<void(Host& from, Host& to)>& what) {
    for (auto& from : hosts_) {
      for (auto& to : hosts_) {
        if (from->up && to->up && from->id != to->id) what(*from, *to);
      }
    }
  }
  void link(Host& from, Host& to) {
    for (const auto kind : all_kinds) from.core->link_up(to.id, kind, now(from));
  }
  void link_to_all(Host& from) {
    for (auto& to : hosts_) {
      if (to->id != from.id && to->up) link(from, *to);
    }
  }
  void settle() {
    for (bool more = true; more;) {
      more = false;
      for (auto& one : hosts_) {
        if (!one->up) continue;
        if (!one->core->failed().ok()) {
          open_anew(*one);
          more = true;
        } else if (one->core->has_writes()) {
          auto next = one->core->next_batch(now(*one));
          // The own live stream leaves while the disk works.
          for (auto& effect : one->core->take_effects(now(*one))) carry_out(*one, effect);
          if (one->store->commit(next.batch).ok()) {
            one->core->committed(next.number, now(*one));
          } else {
            open_anew(*one);
          }
          more = true;
        }
        for (auto& effect : one->core->take_effects(now(*one))) {
          more = true;
          carry_out(*one, effect);
        }
      }
    }
  }
  void carry_out(Host& from, Effect& effect) {
    if (const auto* message = std::get_if<SendMessage>(&effect)) {
      if (lost(*message)) return;
      for (auto& to : hosts_) {
        if (to->id == message->to && to->up) {
          to->core->receive(from.id, message->link, message->message, now(*to));
        }
      }
    } else if (const auto* notice = std::get_if<NotifyAgent>(&effect)) {
      if (notice->what == NotifyAgent::What::ring) rings_.push_back({time_, *notice});
    } else if (const auto* answer = std::get_if<AnswerInspection>(&effect)) {
      answers_[answer->request] = answer->json;
    } else if (const auto* read = std::get_if<ReadRange>(&effect)) {
      from.core->range_read(
          read->to, read_range(from.disk, read->stream, read->from, read->max_bytes), now(from));
    } else if (const auto* question = std::get_if<ReadVerify>(&effect)) {
      from.core->verify_read(question->ticket,
                             answer_verify(crypto_, *from.disk.snapshot(), *question->question),
                             now(from));
    } else if (const auto* call = std::get_if<CallProvider>(&effect)) {
      DeliveryResult result;
      result.kind = DeliveryKind::accepted;
      result.external_id = "out-" + call->reply.hex();
      from.core->provider_answered(call->reply, call->attempt, call->lookup, result, now(from));
    } else if (const auto* said = std::get_if<AnswerCommand>(&effect)) {
      said_[said->request] = said->answer;
    } else if (const auto* taken = std::get_if<AnswerIntake>(&effect)) {
      if (taken->receipt.ok()) {
        receipts_.push_back(taken->receipt.value());
      } else {
        refusals_.push_back(taken->receipt.error());
      }
    }
  }

  CommandAnswer answer_to(RequestId request, Duration patience) {
    settle();
    for (Duration waited{0}; said_.count(request) == 0 && waited < patience;
         waited += Duration{10}) {
      run(Duration{10});
    }
    return said_[request];
  }

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
