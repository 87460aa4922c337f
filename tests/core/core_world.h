// A few whole nodes in one thread: disks in memory, messages that arrive at once, time that goes
// when it is told to. For what the cores do together; bad luck is the simulator's.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "node/core/node_core.h"
#include "node/core/verify_node.h"
#include "protocol/join.h"
#include "storage/memory_store.h"

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
    std::unique_ptr<SeededRandom> random;
    std::unique_ptr<Roster> roster;
    std::unique_ptr<NodeCore> core;
    bool up = true;
  };

  explicit CoreWorld(const std::vector<std::string>& sites, std::uint64_t seed = 1)
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
      const auto request = make_request(crypto_, host->key, site, {"tcp://127.0.0.1:7440"}).value();
      certificates.push_back(admit(crypto_, random_, authority_, request, options, {}, now().wall)
                                 .value()
                                 .certificate.text);
      NodeSettings& settings = host->settings;
      settings.site = site;
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
    for (auto& host : hosts_) {
      host->core = std::make_unique<NodeCore>(
          Scribe::Identity{host->key, host->roster->mesh(), host->random->next()}, host->settings,
          NodeCore::Parts{crypto_, *host->random, host->disk, *host->roster}, now().wall);
      REQUIRE(host->core->open(now()).ok());
    }
    for (auto& a : hosts_) {
      for (auto& b : hosts_) {
        if (a != b) link(*a, *b);
      }
    }
    run(Duration{6'000});
  }

  Host& host(std::size_t index) { return *hosts_[index]; }
  const std::vector<Receipt>& receipts() const { return receipts_; }
  NodeCore& core(std::size_t index) { return *hosts_[index]->core; }
  Now now() const {
    return {time_, wall_from_ms(1'700'000'000'000 + time_.time_since_epoch().count())};
  }

  void run(Duration length) {
    const Instant end = time_ + length;
    for (; time_ < end; time_ += Duration{10}) {
      for (auto& one : hosts_) {
        if (one->up && one->core->deadline() <= time_) one->core->tick(now());
      }
      settle();
    }
  }

  void go_down(std::size_t index) {
    hosts_[index]->up = false;
    for (auto& one : hosts_) {
      if (!one->up) continue;
      for (const auto kind : {LinkKind::pulse, LinkKind::live, LinkKind::bulk}) {
        one->core->link_down(hosts_[index]->id, kind, true, now());
      }
    }
  }

  void add_agent(std::size_t index, const std::string& name) {
    AgentRecord record;
    record.name = name;
    record.display_name = name;
    record.node = hosts_[index]->id;
    record.brands = {brand};
    record.languages = {"en"};
    record.channels = {{ChannelKind::chat, Duty::primary, 2, 0}};
    REQUIRE(core(index).set_agent(record, now()).ok());
    run(Duration{50});
    REQUIRE(core(index).log_in(name, now()).ok());
    REQUIRE(core(index).presence(name, Presence::ready, "", now()).ok());
    run(Duration{50});
  }

  void write(std::size_t index, const std::string& account, const std::string& customer,
             const std::string& text) {
    IncomingMessage message;
    message.external_id = "m-" + std::to_string(++messages_);
    message.customer.external_id = customer;
    message.customer.name = "Customer " + customer;
    message.text = text;
    message.language = "en";
    core(index).intake(next_request_++, account, message, now());
    run(Duration{500});
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

 private:
  void link(Host& from, Host& to) {
    for (const auto kind : {LinkKind::pulse, LinkKind::live, LinkKind::bulk}) {
      from.core->link_up(to.id, kind, now());
    }
  }
  void settle() {
    for (bool more = true; more;) {
      more = false;
      for (auto& one : hosts_) {
        if (!one->up) continue;
        if (one->core->has_writes()) {
          auto next = one->core->next_batch(now());
          REQUIRE(one->disk.commit(next.batch).ok());
          one->core->committed(next.number, now());
          more = true;
        }
        for (auto& effect : one->core->take_effects(now())) {
          more = true;
          carry_out(*one, effect);
        }
      }
    }
  }
  void carry_out(Host& from, Effect& effect) {
    if (const auto* message = std::get_if<SendMessage>(&effect)) {
      for (auto& to : hosts_) {
        if (to->id == message->to && to->up) {
          to->core->receive(from.id, message->link, message->message, now());
        }
      }
    } else if (const auto* answer = std::get_if<AnswerInspection>(&effect)) {
      answers_[answer->request] = answer->json;
    } else if (const auto* read = std::get_if<ReadRange>(&effect)) {
      from.core->range_read(
          read->to, read_range(from.disk, read->stream, read->from, read->max_bytes), now());
    } else if (const auto* question = std::get_if<ReadVerify>(&effect)) {
      from.core->verify_read(question->ticket,
                             answer_verify(crypto_, *from.disk.snapshot(), *question->question),
                             now());
    } else if (const auto* taken = std::get_if<AnswerIntake>(&effect)) {
      if (taken->receipt.ok()) receipts_.push_back(taken->receipt.value());
    }
  }

  SodiumCrypto crypto_;
  SeededRandom random_;
  Authority authority_;
  std::vector<std::unique_ptr<Host>> hosts_;
  Instant time_ = Instant{} + Duration{1'000'000};
  std::map<RequestId, std::string> answers_;
  std::vector<Receipt> receipts_;
  RequestId next_request_ = 1;
  int messages_ = 0;
};

}  // namespace crossfloor::test
