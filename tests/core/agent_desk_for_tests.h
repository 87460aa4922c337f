// A desk that does as it is told, and a log on a memory store to read from: what the sessions of
// agents need of a node, without one.
#pragma once

#include <doctest/doctest.h>

#include <set>

#include "node/core/scribe.h"
#include "node/core/sessions.h"
#include "protocol/identity.h"
#include "storage/memory_store.h"

namespace crossfloor {

struct AgentDeskForTests final : AgentDesk {
  AgentDeskForTests(const Crypto& crypto, const Secret& secret) : subjects(crypto, secret) {
    node.raw.fill(1);
  }

  NodeId self() const override { return node; }
  Place place_of(const NodeId& which) const override {
    if (which == node) return {"helsinki", {"https://helsinki.example:7480"}};
    return {"warsaw", {"https://warsaw.example:7480"}};
  }
  std::optional<AgentRecord> record(const std::string& agent) const override {
    const auto at = records.find(agent);
    return at == records.end() ? std::nullopt : std::optional(at->second);
  }
  bool has_team(const std::string& team) const override {
    return std::any_of(records.begin(), records.end(),
                       [&](const auto& each) { return each.second.team == team; });
  }
  std::optional<AgentView> view(const std::string& agent) const override {
    const auto at = views.find(agent);
    return at == views.end() ? std::nullopt : std::optional(at->second);
  }
  std::vector<ConversationId> conversations_of(const std::string& agent) const override {
    const auto at = conversations.find(agent);
    return at == conversations.end() ? std::vector<ConversationId>() : at->second;
  }
  std::vector<HandleId> handles(const std::string& brand, const std::string& channel,
                                const std::string& external_id) const override {
    return {subjects.handle(brand, channel, external_id)};
  }
  CommandId command_id(const std::string& agent, const std::string& client_id) const override {
    return subjects.command(agent, client_id);
  }
  Status log_in(const std::string& agent, Now) override {
    said.push_back("log in " + agent);
    views[agent].presence = Presence::not_ready;
    views[agent].connected = true;
    return {};
  }
  Status log_out(const std::string& agent, Now) override {
    said.push_back("log out " + agent);
    views[agent].presence = Presence::logged_out;
    return {};
  }
  Status presence(const std::string& agent, Presence presence, const std::string& reason,
                  Now) override {
    said.push_back("presence " + agent + " " + word_of(presence) + " " + reason);
    views[agent].presence = presence;
    views[agent].reason = reason;
    return {};
  }
  void connection(const std::string& agent, bool up, Now) override {
    said.push_back(agent + (up ? " is back" : " is lost"));
    views[agent].connected = up;
  }
  RequestId command(const DeskCommand& command, Now) override {
    commands.push_back(command);
    return commands.size() + 1'000;
  }
  RequestId last_request() const { return commands.size() + 1'000; }
  RequestId link(const CustomerLink& link, Now) override {
    links.push_back(link);
    return links.size() + 5'000;
  }
  void draft(const std::string& agent, const ConversationId& conversation,
             const std::string& text) override {
    said.push_back("draft " + agent + " " + conversation.hex().substr(0, 4) + " " + text);
  }

  AgentRecord& add(const std::string& name) {
    AgentRecord record;
    record.name = name;
    record.display_name = "Agent " + name;
    record.signature = "-- " + name;
    record.node = node;
    record.brands = {"acme"};
    record.password_hash = "hash of " + name;
    return records[name] = record;
  }

  NodeId node;
  Subjects subjects;
  std::map<std::string, AgentRecord> records;
  std::map<std::string, AgentView> views;
  std::map<std::string, std::vector<ConversationId>> conversations;
  std::vector<std::string> said;
  std::vector<DeskCommand> commands;
  std::vector<CustomerLink> links;
};

// Writes a region's log as one node does, and holds it in memory.
struct LogForTests {
  SodiumCrypto crypto;
  SeededRandom random{7};
  MemoryStore store;
  NodeSettings settings;
  Scribe::Identity identity;
  std::optional<Scribe> scribe;
  WallTime wall = wall_from_ms(1'700'000'000'000);

  LogForTests() {
    settings.site = "helsinki";
    settings.home_region = "eu";
    settings.region_secrets["eu"] = random.id<Secret>();
    identity.key = make_signing_key(random);
    identity.mesh = random.id<MeshId>();
    identity.generation = 1;
    scribe.emplace(crypto, random, identity, settings, store);
    REQUIRE(scribe->open().ok());
  }
  const Subjects& subjects() const { return *scribe->subjects("eu"); }
  NodeId self() const { return identity.key.node(); }
  Now now() {
    wall += Duration{1'000};
    return {Instant{}, wall};
  }
  void commit() {
    const auto closed = scribe->close();
    REQUIRE(store.commit(closed.batch).ok());
    scribe->committed(closed.number);
  }
  template <typename Body>
  Position write(EntryKind kind, const Subject& subject, const Body& body) {
    return scribe->write("eu", kind, subject, body, now()).at;
  }
  MessageId message(const std::string& external_id, const std::string& customer,
                    const std::string& text, const std::string& brand = "acme",
                    MessageKind kind = MessageKind::message) {
    MessageBody body;
    body.account = brand + "-page";
    body.brand = brand;
    body.channel = "social";
    body.taken_ms = ms_of(wall);
    body.message.kind = kind;
    body.message.external_id = external_id;
    body.message.customer.external_id = customer;
    body.message.text = text;
    const auto id = subjects().message(body.account, external_id);
    write(EntryKind::message, id.as<Subject>(), body);
    return id;
  }
  Epoch epoch(std::uint64_t term = 1) { return {term, scribe->next_time(now()), self()}; }
  // The message opens a conversation.
  ConversationId open(const MessageId& message, const std::string& customer,
                      const std::string& brand = "acme") {
    PlacedBody body;
    body.message = message;
    body.epoch = epoch();
    body.opens = true;
    body.account = brand + "-page";
    body.brand = brand;
    body.channel = "social";
    body.handle = subjects().handle(brand, "social", customer);
    write(EntryKind::placed, message.as<Subject>(), body);
    return message.as<ConversationId>();
  }
  void place(const MessageId& message, const ConversationId& conversation) {
    PlacedBody body;
    body.message = message;
    body.epoch = epoch();
    write(EntryKind::placed, conversation.as<Subject>(), body);
  }
  Epoch course(const ConversationId& conversation, CourseState state, const std::string& agent,
               const NodeId& agent_node) {
    CourseBody body;
    body.epoch = epoch();
    body.state = state;
    body.agent = agent;
    body.agent_node = agent_node;
    body.reason = word_of(state);
    write(EntryKind::course, conversation.as<Subject>(), body);
    return body.epoch;
  }
  ReplyId reply(const ConversationId& conversation, const std::string& agent,
                const std::string& text, const std::vector<MessageId>& seen) {
    ReplyBody body;
    body.command = random.id<CommandId>();
    body.reply = subjects().reply(body.command);
    body.epoch = epoch();
    body.agent = agent;
    body.text = text;
    body.seen = seen;
    body.then = CourseState::active;
    write(EntryKind::reply, conversation.as<Subject>(), body);
    return body.reply;
  }
  void outcome(const ConversationId& conversation, const ReplyId& reply, ReplyOutcome what) {
    OutcomeBody body;
    body.reply = reply;
    body.outcome = what;
    body.account = "acme-page";
    write(EntryKind::outcome, conversation.as<Subject>(), body);
  }
  void note(const ConversationId& conversation, const std::string& agent, const std::string& text) {
    NoteBody body;
    body.epoch = epoch();
    body.agent = agent;
    body.text = text;
    write(EntryKind::note, conversation.as<Subject>(), body);
  }
};

}  // namespace crossfloor
