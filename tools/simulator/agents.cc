#include "tools/simulator/agents.h"

#include "protocol/check.h"

namespace crossfloor::simulator {
namespace {

constexpr Duration back_after_miss{40'000};

AgentRecord record_of(const std::string& name, const NodeId& node) {
  AgentRecord record;
  record.name = name;
  record.display_name = name;
  record.node = node;
  record.brands = {brand};
  record.languages = {"en"};
  record.channels = {{ChannelKind::chat, Duty::primary, 2, 0},
                     {ChannelKind::social, Duty::primary, 3, 0}};
  return record;
}

// Conversations at once, by both limits; a world has accounts of one kind only.
std::size_t slots_of(const AgentRecord& record, ChannelKind kind) {
  for (const auto& duty : record.channels) {
    if (duty.kind == kind) return std::min(duty.maximum, record.total_units / duty.units());
  }
  return 0;
}

}  // namespace

Agents::Agents(Stage& stage, std::uint64_t seed)
    : stage_(stage), watch_(stage), dice_(seed, "agents") {
  const ChannelKind kind = stage.options.shape.chat ? ChannelKind::chat : ChannelKind::social;
  for (const auto& node : stage.nodes.all()) {
    for (std::int64_t i = 0; i < stage.options.shape.agents; ++i) {
      agents_.push_back(
          {"agent-" + std::to_string(node->index) + "-" + std::to_string(i), node->index});
      stage.facts.waits.add_slots(slots_of(record_of(agents_.back().name, node->id), kind));
    }
  }
}

void Agents::often(Duration every, const std::function<void()>& what) {
  if (every == Duration{0} || agents_.empty()) return;
  stage_.timeline.after(dice_.exponential(every), [this, every, what] {
    if (stage_.healing) return;
    what();
    often(every, what);
  });
}

void Agents::begin() {
  const PeopleOptions& people = stage_.options.people;
  often(people.vanish_every, [this] { vanish(any()); });
  often(people.log_outs_every, [this] { log_out(any()); });
  often(people.strays_every, [this] { stray(any()); });
}

Agents::Agent* Agents::find(const std::string& name) {
  for (auto& agent : agents_) {
    if (agent.name == name) return &agent;
  }
  return nullptr;
}

void Agents::node_started(Node& node) {
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    if (agents_[i].node != node.index) continue;
    stage_.nodes.call(node.index, dice_.between(Duration{100}, Duration{1'000}),
                      [this, i](Node& n) { log_in(n, agents_[i]); });
  }
}

void Agents::log_in(Node& node, Agent& agent) {
  if (!agent.present || node.stopping || node.core->read_only()) return;
  const Now now = node.now(stage_.now());
  if (node.core->desk().floor().agent(agent.name) == nullptr) {
    XF_CHECK(node.core->set_agent(record_of(agent.name, node.id), now).ok());
  }
  XF_CHECK(node.core->log_in(agent.name, now).ok());
  ready(node, agent);
  take_up(node, agent);
}

void Agents::ready(Node& node, const Agent& agent) {
  if (!agent.present) return;
  (void)node.core->presence(agent.name, Presence::ready, "", node.now(stage_.now())).ok();
}

// What the screen shows after a log-in: the conversations that are this agent's.
void Agents::take_up(Node& node, const Agent& agent) {
  for (const auto& [id, conversation] : node.core->home().conversations()) {
    if (conversation.agent == agent.name && conversation.agent_node == node.id) {
      works(node, agent.name, id);
    }
  }
}

void Agents::hears(Node& node, const NotifyAgent& notice) {
  stage_.trace.tell(stage_.now(), [&] {
    constexpr std::array what{"ring", "ring over", "conversation", "slots", "session over"};
    return node.site + " tells " + notice.agent + ": " + what[static_cast<int>(notice.what)] + " " +
           notice.conversation.hex() + " " + notice.reason;
  });
  switch (notice.what) {
    case NotifyAgent::What::ring:
      return rings(node, notice);
    case NotifyAgent::What::conversation:
      return works(node, notice.agent, notice.conversation);
    case NotifyAgent::What::slots:
      return stage_.nodes.call(node.index, Duration{20'000}, [this, name = notice.agent](Node& n) {
        if (const Agent* agent = find(name)) ready(n, *agent);
      });
    case NotifyAgent::What::ring_over:
    case NotifyAgent::What::session_over:
      return;
  }
}

void Agents::rings(Node& node, const NotifyAgent& notice) {
  ++stage_.facts.offered;
  watch_.rings(node, notice);
  stage_.trace.note(stage_.facts.offered);
  const auto* work = node.core->desk().floor().work_of(notice.conversation);
  if (work != nullptr && work->home != node.id) ++stage_.facts.remote_offers;
  if (work != nullptr) notes_offer(*work, notice.conversation);
  const double draw = dice_.unit();
  const PeopleOptions& people = stage_.options.people;
  const std::string name = notice.agent;
  if (!stage_.healing && draw > people.accept + people.decline) {
    // Missed: the agent is set away, and comes back.
    said_no_[notice.conversation].insert(name);
    return stage_.nodes.call(node.index, back_after_miss, [this, name](Node& n) {
      if (const Agent* agent = find(name)) ready(n, *agent);
    });
  }
  const bool accepts = stage_.healing || draw <= people.accept;
  if (!accepts) said_no_[notice.conversation].insert(name);
  stage_.nodes.call(
      node.index, dice_.between(Duration{300}, Duration{3'000}),
      [this, name, conversation = notice.conversation, epoch = notice.epoch, accepts](Node& n) {
        const Agent* agent = find(name);
        if (agent == nullptr || !agent->present) return;
        command(n, name, conversation, epoch, accepts ? Verb::accept : Verb::decline);
      });
}

// Before the agent answers it: what home could have done instead.
void Agents::notes_offer(const Work& work, const ConversationId& conversation) {
  const auto& no = said_no_[conversation];
  for (const auto& home : stage_.nodes.all()) {
    if (home->id != work.home || !home->up) continue;
    bool could = false;
    for (const auto& agent : home->core->desk().floor().snapshot()) {
      // Whoever shut the laptop without a word is still called ready, but nobody can be rung.
      const bool serves = agent.presence == Presence::ready && agent.connected;
      could = could || (serves && !no.contains(agent.name));
    }
    offered_[conversation] = {conversation, 0, home->index, could};
  }
}

Duration Agents::handling_time() {
  const PeopleOptions& people = stage_.options.people;
  if (people.handling == "fixed") return people.handling_mean;
  if (people.handling == "lognormal") return dice_.lognormal(people.handling_mean, 0.9);
  return dice_.exponential(people.handling_mean);
}

namespace {

// The dice know no longest time, and who sat over a chat for the whole healing would be told to let
// the customer wait for ever. So what was begun before the healing ends within its first quarter,
// and what is begun in it takes a quarter at most: who waits then for an agent who has to end one
// piece of work, and to answer and close another, has the answer before the end.
Duration longest(const Stage& stage) {
  const ShapeOptions& shape = stage.options.shape;
  const Duration quarter = shape.heal / 4;
  const Duration passed = stage.now() - Instant{Duration{1'000}};
  return std::max(quarter, shape.length + quarter - passed);
}

}  // namespace

void Agents::works(Node& node, const std::string& agent, const ConversationId& conversation) {
  const auto key = std::make_tuple(node.life, agent, conversation);
  if (!at_work_.insert(key).second) return;
  const Duration takes = std::min(handling_time(), longest(stage_));
  stage_.timeline.after(takes, [this, key, index = node.index] {
    at_work_.erase(key);
    if (stage_.nodes[index].life != std::get<0>(key)) return;
    stage_.nodes.call(index, Duration{0},
                      [this, key](Node& n) { acts(n, std::get<1>(key), std::get<2>(key)); });
  });
}

// A wrap-up closes by itself; other channels than chat are pending when they are answered.
bool Agents::ends_work(Verb verb) const {
  return verb == Verb::close || verb == Verb::wrap_up ||
         (verb == Verb::reply && !stage_.options.shape.chat);
}

// Answers what is unanswered; hands over now and then; else closes.
void Agents::acts(Node& node, const std::string& name, const ConversationId& id) {
  const Agent* agent = find(name);
  const Conversation* c = node.core->home().find(id);
  if (agent == nullptr || !agent->present || c == nullptr) return;
  if (c->agent != name || c->agent_node != node.id || c->state != CourseState::active) return;
  const Epoch epoch = c->epoch;
  const PeopleOptions& people = stage_.options.people;
  std::vector<MessageId> seen;
  for (const auto& one : c->unanswered) seen.push_back(one.message);
  if (!seen.empty() && !stage_.healing && dice_.chance(people.transfer)) {
    command(node, name, id, epoch, Verb::transfer);
  } else if (!seen.empty()) {
    command(node, name, id, epoch, Verb::reply, [&](DeskCommand& reply) {
      reply.text = "an answer " + mark_of(node.region);
      reply.seen = seen;
    });
  } else if (!stage_.healing && dice_.chance(people.wrap_up)) {
    command(node, name, id, epoch, Verb::wrap_up);
    return;
  } else {
    command(node, name, id, epoch, Verb::close,
            [](DeskCommand& close) { close.reason = "solved"; });
  }
  stage_.nodes.call(node.index, Duration{500}, [this, name, id](Node& n) { works(n, name, id); });
}

void Agents::command(Node& node, const std::string& agent, const ConversationId& conversation,
                     const Epoch& epoch, Verb verb, const std::function<void(DeskCommand&)>& fill) {
  if (node.stopping) return;
  DeskCommand command;
  command.id =
      node.core->scribe().subjects(node.region)->command(agent, std::to_string(next_command_++));
  command.verb = verb;
  command.conversation = conversation;
  command.epoch = epoch;
  command.agent = agent;
  command.agent_node = node.id;
  if (fill) fill(command);
  const RequestId request = next_request_++;
  asked_[request] = {agent, verb, conversation, node.region};
  if (ends_work(verb)) watch_.ends(node, conversation);
  stage_.trace.tell(stage_.now(), [&] {
    return agent + " at " + node.site + ": " + word_of(verb) + " " + conversation.hex();
  });
  node.core->command(request, command, node.now(stage_.now()));
}

void Agents::answered(Node& node, const AnswerCommand& answer) {
  const auto at = asked_.find(answer.request);
  if (at == asked_.end()) {
    stage_.trace.tell(stage_.now(), [&] {
      return node.site + " answers itself about " + answer.answer.conversation.hex() + ": " +
             (answer.answer.ok ? "done" : answer.answer.code + ", " + answer.answer.what);
    });
    return;
  }
  const Asked asked = at->second;
  asked_.erase(at);
  stage_.trace.tell(stage_.now(), [&] {
    return node.site + " answers " + asked.agent + "'s " + word_of(asked.verb) + " of " +
           asked.conversation.hex() + ": " +
           (answer.answer.ok ? "done" : answer.answer.code + ", " + answer.answer.what);
  });
  if (!answer.answer.ok) {
    ++stage_.facts.refused_commands;
    if (ends_work(asked.verb)) watch_.goes_on(node, asked.conversation);
    return;
  }
  if (asked.verb == Verb::accept) {
    ++stage_.facts.accepted;
    if (const auto offer = offered_.find(asked.conversation); offer != offered_.end()) {
      offer->second.node = node.index;
      stage_.facts.taken.push_back(offer->second);
    }
  }
  if (ends_work(asked.verb)) {
    stage_.facts.taken.push_back({asked.conversation, node.index, 0, false, true});
  }
  if (asked.verb == Verb::reply && !answer.answer.reply.is_zero()) {
    stage_.facts.told.push_back(
        {answer.answer.reply, asked.conversation, asked.region, node.index});
  }
}

// --- bad days ---

void Agents::vanish(Agent& agent) {
  if (!agent.present) return;
  stage_.strikes(agent.name + " vanishes");
  agent.present = false;
  ++agent.absence;
  // The connection's end is seen at once (a closed laptop says good-bye to TCP) or by silence.
  const Duration seen = dice_.chance(0.5) ? Duration{5} : Duration{30'000};
  const std::string name = agent.name;
  stage_.nodes.call(agent.node, seen, [this, name, absence = agent.absence](Node& node) {
    const Agent* gone = find(name);
    if (gone->present || gone->absence != absence) return;
    node.core->connection(name, false, node.now(stage_.now()));
  });
  stage_.timeline.after(dice_.between(Duration{2'000}, stage_.options.people.vanish_max),
                        [this, name] { comes_back(*find(name)); });
}

void Agents::comes_back(Agent& agent) {
  if (agent.present) return;
  agent.present = true;
  const std::string name = agent.name;
  stage_.nodes.call(agent.node, Duration{10}, [this, name](Node& node) {
    if (node.stopping || !node.core->desk().floor().agent(name)) return;
    Agent& back = *find(name);
    const Now now = node.now(stage_.now());
    // The client logs in again if its session is over, else it only connects.
    if (dice_.chance(0.5)) {
      (void)node.core->log_in(name, now).ok();
    } else {
      node.core->connection(name, true, now);
    }
    ready(node, back);
    take_up(node, back);
  });
}

void Agents::log_out(Agent& agent) {
  if (!agent.present) return;
  stage_.strikes(agent.name + " logs out");
  const std::string name = agent.name;
  agent.present = false;
  ++agent.absence;
  stage_.nodes.call(agent.node, Duration{0}, [this, name](Node& node) {
    (void)node.core->log_out(name, node.now(stage_.now())).ok();
  });
  stage_.timeline.after(dice_.between(Duration{1'000}, Duration{60'000}), [this, name] {
    Agent& back = *find(name);
    if (back.present) return;
    back.present = true;
    stage_.nodes.call(back.node, Duration{10},
                      [this, name](Node& node) { log_in(node, *find(name)); });
  });
}

// Another node answers a log-in with the address of the agent's own.
void Agents::stray(Agent& agent) {
  const std::size_t other = dice_.below(stage_.nodes.size());
  if (other == agent.node) return;
  stage_.strikes(agent.name + " tries to log in at node " + std::to_string(other));
  const std::string name = agent.name;
  stage_.nodes.call(other, Duration{0}, [this, name](Node& node) {
    if (node.core->log_in(name, node.now(stage_.now())).ok()) {
      stage_.facts.broken.push_back("an agent belongs to one node: " + name + " logged in at " +
                                    node.site);
    }
  });
}

}  // namespace crossfloor::simulator
