#include "tests/core/core_world.h"

#include <nlohmann/json.hpp>

namespace crossfloor::test {

CoreWorld::CoreWorld(const std::vector<std::string>& sites, std::uint64_t seed,
                     const Rights& rights)
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

CoreWorld::~CoreWorld() = default;

void CoreWorld::start() {
  for (auto& host : hosts_) open(*host);
  for (auto& host : hosts_) link_to_all(*host);
  run(Duration{6'000});
}

void CoreWorld::start_with(const std::vector<LinkKind>& kinds) {
  for (auto& host : hosts_) open(*host);
  bring_up(kinds);
}

void CoreWorld::bring_up(const std::vector<LinkKind>& kinds) {
  for (auto& from : hosts_) {
    for (auto& to : hosts_) {
      if (from == to) continue;
      for (const auto kind : kinds) from->core->link_up(to->id, kind, now(*from));
    }
  }
}

Now CoreWorld::now() const {
  return {time_, wall_from_ms(1'700'000'000'000 + time_.time_since_epoch().count())};
}

void CoreWorld::run(Duration length) {
  const Instant end = time_ + length;
  for (; time_ < end; time_ += Duration{10}) {
    for (auto& one : hosts_) {
      if (one->up && one->core->deadline() <= time_) one->core->tick(now(*one));
    }
    settle();
  }
}

void CoreWorld::go_down(std::size_t index) {
  hosts_[index]->up = false;
  for (auto& one : hosts_) {
    if (!one->up) continue;
    for (const auto kind : all_kinds) {
      one->core->link_down(hosts_[index]->id, kind, true, now(*one));
    }
  }
}

void CoreWorld::restart(std::size_t index, Duration away) {
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

void CoreWorld::log_in(std::size_t index, const std::string& name) {
  REQUIRE(core(index).log_in(name, now()).ok());
  REQUIRE(core(index).presence(name, Presence::ready, "", now()).ok());
  run(Duration{50});
}

AgentRecord CoreWorld::record_of(std::size_t index, const std::string& name) const {
  AgentRecord record;
  record.name = name;
  record.display_name = name;
  record.node = hosts_[index]->id;
  record.brands = {brand};
  record.languages = {"en"};
  record.channels = {{ChannelKind::chat, Duty::primary, 2, 0}};
  return record;
}

CommandAnswer CoreWorld::say(std::size_t index, const std::string& agent, Verb verb,
                             const ConversationId& conversation,
                             const std::function<void(DeskCommand&)>& fill, Duration patience) {
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

CommandAnswer CoreWorld::say_link(std::size_t index, CustomerLink link) {
  link.id = core(index).scribe().subjects(region)->command(link.agent, std::to_string(++commands_));
  const RequestId request = next_request_++;
  core(index).link(request, link, now());
  return answer_to(request, Duration{3'000});
}

const Conversation* CoreWorld::conversation(std::size_t index, std::optional<CourseState> state) {
  for (const auto& [id, c] : core(index).home().conversations()) {
    if (!state || c.state == *state) return &c;
  }
  return nullptr;
}

void CoreWorld::add_agent(std::size_t index, const std::string& name) {
  add_agent(index, record_of(index, name));
}

void CoreWorld::add_agent(std::size_t index, const AgentRecord& record) {
  const std::string name = record.name;
  REQUIRE(core(index).set_agent(record, now()).ok());
  run(Duration{50});
  REQUIRE(core(index).log_in(name, now()).ok());
  REQUIRE(core(index).presence(name, Presence::ready, "", now()).ok());
  run(Duration{50});
}

void CoreWorld::write(std::size_t index, const std::string& account, IncomingMessage message) {
  message.external_id = "m-" + std::to_string(++messages_);
  message.language = "en";
  core(index).intake(next_request_++, account, message, now(*hosts_[index]));
  run(Duration{500});
}

void CoreWorld::write(std::size_t index, const std::string& account, const std::string& customer,
                      const std::string& text) {
  write_again(index, account, customer, text, "m-" + std::to_string(++messages_));
}

void CoreWorld::write_again(std::size_t index, const std::string& account,
                            const std::string& customer, const std::string& text,
                            const std::string& external_id) {
  IncomingMessage message;
  message.external_id = external_id;
  message.customer.external_id = customer;
  message.customer.name = "Customer " + customer;
  message.text = text;
  message.language = "en";
  core(index).intake(next_request_++, account, message, now(*hosts_[index]));
  run(Duration{500});
}

void CoreWorld::write_everywhere(const std::string& account, const std::string& customer,
                                 const std::string& text) {
  IncomingMessage message;
  message.external_id = "m-" + std::to_string(++messages_);
  message.customer.external_id = customer;
  message.text = text;
  for (auto& host : hosts_) host->core->intake(next_request_++, account, message, now());
  run(Duration{500});
}

void CoreWorld::say(std::size_t from, std::size_t to, const PeerMessage& message) {
  core(to).receive(hosts_[from]->id, LinkKind::live, message, now());
  settle();
}

Json CoreWorld::ask(std::size_t index, const std::string& what) {
  return ask(index, what, Json::object());
}

Json CoreWorld::ask(std::size_t index, const std::string& what, const Json& arguments,
                    Duration patience) {
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

Json CoreWorld::act(std::size_t index, const std::string& what, Json arguments) {
  arguments["by"] = "ada";
  arguments["reason"] = "a test";
  return ask(index, what, arguments);
}

void CoreWorld::deliver(std::size_t index, const NodeId& from, LinkKind link,
                        const PeerMessage& message) {
  core(index).receive(from, link, message, now(*hosts_[index]));
  settle();
}

ConversationId CoreWorld::only_rung() const {
  REQUIRE(rings_.size() == 1);
  return rings_[0].notice.conversation;
}

void CoreWorld::answer(std::size_t index, const std::string& agent, const ConversationId& id) {
  command(index, agent, Verb::reply, id, [&](DeskCommand& reply) {
    reply.text = "an answer of " + agent;
    reply.keep = true;
    for (const auto& u : core(index).home().find(id)->unanswered) reply.seen.push_back(u.message);
  });
}

void CoreWorld::cut_all() {
  lost = [](const SendMessage&) { return true; };
  for_all_pairs([this](Host& from, Host& to) {
    for (const auto kind : all_kinds) from.core->link_down(to.id, kind, false, now(from));
  });
  settle();
}

void CoreWorld::heal() {
  lost = [](const SendMessage&) { return false; };
  for_all_pairs([this](Host& from, Host& to) { link(from, to); });
  settle();
}

void CoreWorld::command(std::size_t index, const std::string& agent, Verb verb,
                        const ConversationId& id, const std::function<void(DeskCommand&)>& fill) {
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

void CoreWorld::open(Host& host, std::optional<Error> read_only) {
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

void CoreWorld::make_rows_anew(Host& host) {
  const Subjects subjects(crypto_, host.settings.region_secrets.at(region));
  const Projections projections([&](const Region&) { return &subjects; });
  REQUIRE(rebuild_rows(host.disk, projections).ok());
}

void CoreWorld::open_anew(Host& host) {
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

void CoreWorld::for_all_pairs(const std::function<void(Host& from, Host& to)>& what) {
  for (auto& from : hosts_) {
    for (auto& to : hosts_) {
      if (from->up && to->up && from->id != to->id) what(*from, *to);
    }
  }
}

void CoreWorld::link(Host& from, Host& to) {
  for (const auto kind : all_kinds) from.core->link_up(to.id, kind, now(from));
}

void CoreWorld::link_to_all(Host& from) {
  for (auto& to : hosts_) {
    if (to->id != from.id && to->up) link(from, *to);
  }
}

void CoreWorld::settle() {
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

void CoreWorld::carry_out(Host& from, Effect& effect) {
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
    result.kind = provider(*call);
    if (result.kind == DeliveryKind::accepted) result.external_id = "out-" + call->reply.hex();
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

CommandAnswer CoreWorld::answer_to(RequestId request, Duration patience) {
  settle();
  for (Duration waited{0}; said_.count(request) == 0 && waited < patience; waited += Duration{10}) {
    run(Duration{10});
  }
  return said_[request];
}

}  // namespace crossfloor::test
