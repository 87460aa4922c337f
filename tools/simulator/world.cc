#include "tools/simulator/world.h"

#include <cmath>

#include "node/core/verify_node.h"
#include "protocol/check.h"
#include "protocol/join.h"

namespace crossfloor::simulator {
namespace {

constexpr const char* region = "eu";
constexpr const char* brand = "acme";
constexpr const char* account = "acme-desk";
// A wall time to begin with; which one does not matter, only that it is the same in every run.
constexpr std::int64_t first_wall_ms = 1'700'000'000'000;

std::string agent_name(std::size_t host, int number) {
  return "agent-" + std::to_string(host) + "-" + std::to_string(number);
}

}  // namespace

std::string Options::text() const {
  return "seed=" + std::to_string(seed) + " nodes=" + std::to_string(nodes) +
         " agents=" + std::to_string(agents_per_node) + " customers=" + std::to_string(customers) +
         " length=" + std::to_string(length.count()) + "ms heal=" + std::to_string(heal.count()) +
         "ms arrivals=" + std::to_string(arrivals_every.count()) +
         "ms handling=" + std::to_string(handling.count()) +
         "ms delay=" + std::to_string(delay_min.count()) + ".." +
         std::to_string(delay_max.count()) + "ms pulse_loss=" + std::to_string(pulse_loss) +
         " duplicate=" + std::to_string(duplicate) + " accept=" + std::to_string(accept) +
         " cuts=" + std::to_string(cuts_every.count()) +
         "ms crashes=" + std::to_string(crashes_every.count()) +
         "ms down_max=" + std::to_string(down_max.count()) +
         "ms pauses=" + std::to_string(pauses_every.count()) +
         (chat ? "ms kind=chat" : "ms kind=social");
}

World::World(const Options& options) : options_(options), random_(options.seed) {
  auto made = make_authority(random_, {region});
  XF_CHECK(made.ok());
  const Authority& authority = made.value();
  const WallTime wall = wall_from_ms(first_wall_ms);
  std::vector<std::string> sites;
  for (int i = 0; i < options.nodes; ++i) sites.push_back("site-" + std::to_string(i));
  for (int i = 0; i < options.nodes; ++i) {
    auto host = std::make_unique<Host>();
    host->site = sites[i];
    host->key = make_signing_key(random_);
    host->id = host->key.node();
    auto request = make_request(crypto_, host->key, host->site,
                                {"tcp://127.0.0.1:" + std::to_string(7000 + i)});
    XF_CHECK(request.ok());
    AdmitOptions admit_options;
    admit_options.home_region = region;
    auto admission = admit(crypto_, random_, authority, request.value(), admit_options, {}, wall);
    XF_CHECK(admission.ok());
    authority_documents_.append(admission.value().certificate.text);
    authority_documents_.push_back('\0');
    host->roster = std::make_unique<Roster>(crypto_, authority.node());
    NodeSettings& settings = host->settings;
    settings.site = host->site;
    settings.home_region = region;
    settings.region_secrets[region] = authority.region_secret(crypto_, region);
    AccountSettings desk;
    desk.name = account;
    desk.region = region;
    desk.brand = brand;
    desk.channel = options.chat ? ChannelKind::chat : ChannelKind::social;
    desk.hosts = sites;
    desk.hosted_here = true;
    settings.accounts[account] = desk;
    index_[host->id] = hosts_.size();
    hosts_.push_back(std::move(host));
  }
  for (std::size_t i = 0; i < hosts_.size(); ++i) start(i);
}

World::~World() = default;

Now World::now() const {
  return {time_, wall_from_ms(first_wall_ms + time_.time_since_epoch().count())};
}

void World::at(Instant when, std::function<void()> run) {
  queue_.push({when, next_number_++, std::move(run)});
}

void World::note(std::uint64_t what) {
  trace_ = (trace_ ^ what) * 1099511628211ULL;
}

Duration World::exponential(Duration mean) {
  const double draw = -std::log(1.0 - random_.unit()) * static_cast<double>(mean.count());
  return Duration{static_cast<std::int64_t>(draw) + 1};
}

Duration World::between(Duration least, Duration most) {
  return least + Duration{static_cast<std::int64_t>(
                     random_.below(static_cast<std::uint64_t>((most - least).count()) + 1))};
}

void World::on_host(std::size_t index, Duration delay, std::function<void(Host&)> run) {
  const std::uint64_t life = hosts_[index]->life;
  after(delay, [this, index, life, run = std::move(run)] {
    Host& host = *hosts_[index];
    if (!host.up || host.life != life) return;
    if (time_ < host.paused_until) {
      on_host(index, host.paused_until - time_, run);
      return;
    }
    run(host);
    pump(index);
  });
}

// --- nodes ---

void World::start(std::size_t index) {
  Host& host = *hosts_[index];
  ++host.life;
  host.up = true;
  host.committing = false;
  host.wakes_at.reset();
  host.random = std::make_unique<SeededRandom>(random_.next());
  std::size_t begin = 0;
  while (begin < authority_documents_.size()) {
    const auto end = authority_documents_.find('\0', begin);
    (void)host.roster->add(ByteView(authority_documents_).substr(begin, end - begin)).ok();
    begin = end + 1;
  }
  host.core = std::make_unique<NodeCore>(
      Scribe::Identity{host.key, host.roster->mesh(), host.random->next()}, host.settings,
      NodeCore::Parts{crypto_, *host.random, host.disk, *host.roster}, now().wall);
  XF_CHECK(host.core->open(now()).ok());
  for (std::size_t other = 0; other < hosts_.size(); ++other) {
    if (other == index) continue;
    connect(index, other);
    if (hosts_[other]->up) connect(other, index);
  }
  log_in_all(index);
  pump(index);
}

void World::log_in_all(std::size_t index) {
  for (int i = 0; i < options_.agents_per_node; ++i) {
    on_host(index, between(Duration{100}, Duration{1'000}), [this, index, i](Host& host) {
      const std::string name = agent_name(index, i);
      if (host.core->desk().floor().agent(name) == nullptr) {
        AgentRecord record;
        record.name = name;
        record.display_name = name;
        record.node = host.id;
        record.brands = {brand};
        record.languages = {"en"};
        record.channels = {{ChannelKind::chat, Duty::primary, 2, 0},
                           {ChannelKind::social, Duty::primary, 3, 0}};
        XF_CHECK(host.core->set_agent(record, now()).ok());
      }
      XF_CHECK(host.core->log_in(name, now()).ok());
      XF_CHECK(host.core->presence(name, Presence::ready, "", now()).ok());
      for (const auto& [id, conversation] : host.core->home().conversations()) {
        if (conversation.agent == name && conversation.agent_node == host.id) {
          agent_works(index, name, id);
        }
      }
    });
  }
}

void World::crash(std::size_t index) {
  Host& host = *hosts_[index];
  if (!host.up) return;
  host.up = false;
  ++host.life;
  host.core.reset();
  for (std::size_t other = 0; other < hosts_.size(); ++other) {
    if (other == index || !hosts_[other]->up) continue;
    on_host(other, between(options_.delay_min, options_.delay_max), [this, index](Host& peer) {
      for (const auto kind : {LinkKind::pulse, LinkKind::live, LinkKind::bulk}) {
        peer.core->link_down(hosts_[index]->id, kind, true, now());
      }
    });
  }
}

bool World::reaches(std::size_t from, std::size_t to) const {
  return hosts_[from]->up && hosts_[to]->up && !hosts_[from]->cut && !hosts_[to]->cut;
}

void World::connect(std::size_t from, std::size_t to) {
  on_host(from, between(Duration{20}, Duration{200}), [this, from, to](Host& host) {
    if (!reaches(from, to)) return;
    for (const auto kind : {LinkKind::pulse, LinkKind::live, LinkKind::bulk}) {
      host.core->link_up(hosts_[to]->id, kind, now());
    }
  });
}

void World::cut(std::size_t index, Duration length) {
  if (hosts_[index]->cut) return;
  hosts_[index]->cut = true;
  // A silent cut is noticed when nothing comes for 3 s.
  for (std::size_t other = 0; other < hosts_.size(); ++other) {
    if (other == index) continue;
    for (const auto& [a, b] : {std::pair{index, other}, std::pair{other, index}}) {
      const std::size_t to = b;
      on_host(a, Duration{3'000}, [this, to, from = a](Host& host) {
        if (reaches(from, to)) return;
        for (const auto kind : {LinkKind::pulse, LinkKind::live, LinkKind::bulk}) {
          host.core->link_down(hosts_[to]->id, kind, false, now());
        }
      });
    }
  }
  after(length, [this, index] {
    hosts_[index]->cut = false;
    for (std::size_t other = 0; other < hosts_.size(); ++other) {
      if (other == index || !hosts_[other]->up || !hosts_[index]->up) continue;
      connect(index, other);
      connect(other, index);
    }
  });
}

void World::pump(std::size_t index) {
  Host& host = *hosts_[index];
  if (!host.up) return;
  XF_CHECK(host.core->failed().ok());
  if (!host.committing && host.core->has_writes()) {
    host.committing = true;
    auto next = host.core->next_batch(now());
    const auto batch = std::make_shared<NodeCore::NextBatch>(std::move(next));
    on_host(index, between(Duration{1}, Duration{4}), [this, batch](Host& writer) {
      XF_CHECK(writer.disk.commit(batch->batch).ok());
      writer.committing = false;
      writer.core->committed(batch->number, now());
    });
  }
  for (auto& effect : host.core->take_effects(now())) carry_out(index, effect);
  if (host.core->has_writes() && !host.committing) return pump(index);
  wake(index);
}

void World::wake(std::size_t index) {
  Host& host = *hosts_[index];
  const Instant due = std::max(host.core->deadline(), time_ + Duration{1});
  if (host.wakes_at && *host.wakes_at <= due && *host.wakes_at > time_) return;
  host.wakes_at = due;
  on_host(index, due - time_, [this, due](Host& woken) {
    if (woken.wakes_at != due) return;  // an earlier one was planned meanwhile
    woken.wakes_at.reset();
    woken.core->tick(now());
  });
}

void World::deliver(std::size_t from, const SendMessage& message) {
  const auto found = index_.find(message.to);
  if (found == index_.end()) return;
  const std::size_t to = found->second;
  if (!reaches(from, to)) return;
  Duration delay = between(options_.delay_min, options_.delay_max);
  if (message.link == LinkKind::pulse) {
    if (!healing_ && chance(options_.pulse_loss)) return;
  } else {  // TCP keeps the order of one link
    auto& last = in_order_[{from, to, message.link}];
    last = std::max(last, time_ + delay);
    delay = last - time_;
  }
  const NodeId sender = hosts_[from]->id;
  const LinkKind link = message.link;
  const auto bytes = std::make_shared<Bytes>(encode(message.message));
  on_host(to, delay, [this, from, to, sender, link, bytes](Host& host) {
    if (!reaches(from, to)) return;
    auto decoded = decode_peer_message(*bytes);
    XF_CHECK(decoded.ok());
    note(bytes->size() * 31 + to);
    host.core->receive(sender, link, decoded.value(), now());
  });
}

void World::carry_out(std::size_t index, Effect& effect) {
  if (meddle && !meddle(index, effect)) return;
  if (const auto* message = std::get_if<SendMessage>(&effect)) {
    deliver(index, *message);
  } else if (const auto* answer = std::get_if<AnswerIntake>(&effect)) {
    const auto at = intakes_.find(answer->request);
    if (at == intakes_.end()) return;
    if (answer->receipt.ok()) {
      acknowledged_.push_back({at->second.first, answer->receipt.value(), index});
    }
    intakes_.erase(at);
  } else if (const auto* notice = std::get_if<NotifyAgent>(&effect)) {
    agent_hears(index, *notice);
  } else if (const auto* read = std::get_if<ReadRange>(&effect)) {
    const ReadRange wanted = *read;
    on_host(index, Duration{1}, [this, wanted](Host& reader) {
      reader.core->range_read(
          wanted.to, read_range(reader.disk, wanted.stream, wanted.from, wanted.max_bytes), now());
    });
  } else if (const auto* asked = std::get_if<ReadVerify>(&effect)) {
    const ReadVerify wanted = *asked;
    on_host(index, Duration{1}, [this, wanted](Host& reader) {
      reader.core->verify_read(wanted.ticket,
                               answer_verify(crypto_, reader.disk, *wanted.question), now());
    });
  } else if (const auto* call = std::get_if<CallProvider>(&effect)) {
    const CallProvider wanted = *call;
    provider_.taken[wanted.reply] += twice ? 2 : 1;
    auto& name = provider_.names[wanted.reply];
    if (name.empty()) name = "out-" + std::to_string(provider_.names.size());
    on_host(index, between(Duration{10}, Duration{200}), [this, wanted, name](Host& sender) {
      DeliveryResult result;
      result.kind = DeliveryKind::accepted;
      result.external_id = name;
      sender.core->provider_answered(wanted.reply, wanted.attempt, wanted.lookup, result, now());
    });
  }
}

// --- people ---

void World::customer_writes() {
  if (healing_) return;
  const auto who = random_.below(static_cast<std::uint64_t>(options_.customers));
  IncomingMessage message;
  message.external_id = "m-" + std::to_string(next_external_++);
  message.customer.external_id = "c-" + std::to_string(who);
  message.customer.name = "Customer " + std::to_string(who);
  message.text = "message " + message.external_id;
  message.language = "en";
  if (!options_.chat) {
    message.is_public = true;
    message.thread_id = "t-" + std::to_string(who % 5);
  }
  const std::size_t first = random_.below(hosts_.size());
  send_message(first, message);
  if (chance(options_.duplicate)) send_message(random_.below(hosts_.size()), message);
  after(exponential(options_.arrivals_every), [this] { customer_writes(); });
}

// A channel sends again until some host has taken it.
void World::send_message(std::size_t index, const IncomingMessage& message) {
  const RequestId request = next_request_++;
  intakes_[request] = {message.external_id, index};
  on_host(index, Duration{0}, [this, request, message](Host& host) {
    host.core->intake(request, account, message, now());
  });
  after(Duration{10'000}, [this, request, message] {
    if (intakes_.erase(request) == 0) return;
    send_message(random_.below(hosts_.size()), message);
  });
}

void World::agent_hears(std::size_t index, const NotifyAgent& notice) {
  const std::string agent = notice.agent;
  const ConversationId conversation = notice.conversation;
  if (notice.what == NotifyAgent::What::ring) {
    ++rings_;
    note(rings_);
    const Epoch epoch = notice.epoch;
    const auto draw = random_.unit();
    const auto* work = hosts_[index]->core->desk().floor().work_of(conversation);
    if (work != nullptr && work->home != hosts_[index]->id) ++remote_rings_;
    if (!healing_ && draw > options_.accept + (1 - options_.accept) / 2) {
      // Missed: the agent is set away, and comes back.
      on_host(index, Duration{40'000}, [this, agent](Host& host) {
        (void)host.core->presence(agent, Presence::ready, "", now()).ok();
      });
      return;
    }
    const bool accepts = healing_ || draw <= options_.accept;
    on_host(index, between(Duration{300}, Duration{3'000}),
            [this, index, agent, conversation, epoch, accepts](Host&) {
              command(index, agent, conversation, epoch, accepts ? Verb::accept : Verb::decline,
                      {});
            });
  } else if (notice.what == NotifyAgent::What::conversation) {
    agent_works(index, agent, conversation);
  } else if (notice.what == NotifyAgent::What::slots) {
    on_host(index, Duration{20'000}, [this, agent](Host& host) {
      (void)host.core->presence(agent, Presence::ready, "", now()).ok();
    });
  }
}

// Answers what is unanswered after the handling time, then closes.
void World::agent_works(std::size_t index, const std::string& agent,
                        const ConversationId& conversation) {
  const std::uint64_t life = hosts_[index]->life;
  if (!at_work_.insert({index, life, agent, conversation}).second) return;
  after(exponential(options_.handling), [this, index, agent, conversation, life] {
    at_work_.erase({index, life, agent, conversation});
    if (hosts_[index]->life != life) return;
    on_host(index, Duration{0}, [this, index, agent, conversation](Host& host) {
      const Conversation* c = host.core->home().find(conversation);
      if (c == nullptr || c->agent != agent || c->agent_node != host.id) return;
      if (c->state != CourseState::active) return;
      std::vector<MessageId> seen;
      for (const auto& u : c->unanswered) seen.push_back(u.message);
      const Epoch epoch = c->epoch;
      if (!seen.empty()) {
        command(index, agent, conversation, epoch, Verb::reply, [&](DeskCommand& reply) {
          reply.text = "an answer";
          reply.seen = seen;
        });
      } else {
        command(index, agent, conversation, epoch, Verb::close,
                [&](DeskCommand& close) { close.reason = "solved"; });
      }
      on_host(index, Duration{500}, [this, index, agent, conversation](Host&) {
        agent_works(index, agent, conversation);
      });
    });
  });
}

void World::command(std::size_t index, const std::string& agent, const ConversationId& conversation,
                    const Epoch& epoch, Verb verb, const std::function<void(DeskCommand&)>& fill) {
  Host& host = *hosts_[index];
  DeskCommand command;
  command.id =
      host.core->scribe().subjects(region)->command(agent, std::to_string(next_command_++));
  command.verb = verb;
  command.conversation = conversation;
  command.epoch = epoch;
  command.agent = agent;
  command.agent_node = host.id;
  if (fill) fill(command);
  host.core->command(next_request_++, command, now());
}

// --- the story ---

void World::run() {
  after(Duration{3'000}, [this] { customer_writes(); });
  const auto often = [this](Duration every, const std::function<void()>& what) {
    if (every == Duration{0}) return;
    auto again = std::make_shared<std::function<void()>>();
    *again = [this, every, what, again] {
      if (healing_) return;
      what();
      after(exponential(every), *again);
    };
    after(exponential(every), *again);
  };
  often(options_.cuts_every,
        [this] { cut(random_.below(hosts_.size()), between(Duration{1'000}, Duration{30'000})); });
  often(options_.crashes_every, [this] {
    const std::size_t index = random_.below(hosts_.size());
    if (!hosts_[index]->up) return;
    crash(index);
    after(between(Duration{500}, options_.down_max), [this, index] { start(index); });
  });
  often(options_.pauses_every, [this] {
    Host& host = *hosts_[random_.below(hosts_.size())];
    host.paused_until =
        std::max(host.paused_until, time_ + between(Duration{1'000}, Duration{20'000}));
  });
  const Instant end = time_ + options_.length + options_.heal;
  at(time_ + options_.length, [this] { healing_ = true; });
  while (!queue_.empty() && queue_.top().at <= end) {
    auto run = queue_.top().run;
    time_ = queue_.top().at;
    queue_.pop();
    ++events_run_;
    run();
    if (after_event) after_event(*this);
  }
}

}  // namespace crossfloor::simulator
