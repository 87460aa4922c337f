// The sessions of this node's agents: who is logged in, over which connection, and what was pushed
// to whom. Turns what clients say into calls of the node, and what the node notices into pushes.
//
// A session outlives its connection. Each push has a number and is kept for a while, so a client
// that lost its connection resumes with its token and the last number that it saw; if that was too
// long ago it gets a snapshot instead. A second log-in ends the first session.
//
// Pure. Whoever drives it calls connected(), receive() …, and then carries out take_actions().
// Reads are of what is durable: nothing is shown that a crash could take back.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "node/core/agent_desk.h"
#include "node/core/client_reads.h"
#include "node/core/lockout.h"
#include "protocol/client_messages.h"
#include "protocol/crypto.h"
#include "storage/store.h"

namespace crossfloor {

using ConnectionId = std::uint64_t;

struct SendText {
  ConnectionId to = 0;
  std::string text;
};
struct EndConnection {
  ConnectionId connection = 0;
  std::uint16_t code = 0;
  std::string reason;
};
// Answered by password_checked(). An empty hash is checked like any other, and is wrong.
struct VerifyPassword {
  ConnectionId connection = 0;
  std::string hash;
  std::string password;
};
// Answered by read_done().
struct ReadForClient {
  ConnectionId connection = 0;
  ClientRead read;
};
using SessionAction = std::variant<SendText, EndConnection, VerifyPassword, ReadForClient>;

class Sessions {
 public:
  struct Options {
    Duration idle{std::chrono::hours(12)};
    Duration log_in_within{15'000};  // of the connection
    std::size_t max_pushes = 512;    // kept of a session
    std::size_t max_push_bytes = 1024 * 1024;
    std::size_t max_reads = 4;       // of a connection at once
    std::size_t max_requests = 100;  // of a session at once
    std::size_t max_verifying = 200;
    std::uint32_t commands_per_second = 40;
    Duration burst{5'000};  // what was not used for so long may be used at once
    Lockout::Options lockout{};
  };
  // Close codes of the WebSocket.
  static constexpr std::uint16_t session_over = 4001;
  static constexpr std::uint16_t no_log_in = 4002;
  static constexpr std::uint16_t replaced = 4003;  // by a newer connection of the same session

  // `durable` is the store, without what is still on its way to the disk. All outlive this.
  Sessions(AgentDesk& desk, const Reader& durable, Random& random, Options options);

  // `address`: of the other side, without its port.
  void connected(ConnectionId connection, const std::string& address, Now now);
  void receive(ConnectionId connection, const std::string& text, Now now);
  void disconnected(ConnectionId connection, Now now);
  void password_checked(ConnectionId connection, bool right, Now now);
  void read_done(ConnectionId connection, std::string text);

  // Effects of the node's core.
  void notify(const NotifyAgent& notice, Now now);
  // False: it was not a client of these sessions who asked.
  bool answered(const AnswerCommand& answer, Now now);

  void tick(Now now);  // about once a second
  std::vector<SessionAction> take_actions() { return std::exchange(actions_, {}); }

  std::size_t connections() const { return connections_.size(); }
  std::size_t sessions() const { return sessions_.size(); }
  std::uint64_t wrong_passwords() const { return wrong_passwords_; }

 private:
  struct Connection {
    std::string address;
    Instant since;
    std::string agent;      // logged in
    std::string verifying;  // name whose password is being checked
    std::string verifying_id;
    std::size_t reads = 0;
    Instant allowance;  // when all that was said is paid for
  };
  struct Pushed {
    std::uint64_t seq = 0;
    std::string text;
  };
  struct Shown {
    client::ConversationView view;
    std::map<std::string, std::string> items;  // by cursor: what of an item may change
  };
  struct Leaving {
    std::string id;
    std::set<RequestId> waits_for;
    std::size_t failed = 0;
  };
  struct Session {
    std::string token;
    ConnectionId connection = 0;  // 0: lost
    Instant used;
    std::uint64_t seq = 0;
    std::deque<Pushed> pushed;
    std::size_t pushed_bytes = 0;
    client::SlotsView slots;
    std::map<ConversationId, Shown> shown;
    std::size_t requests = 0;
    std::optional<Leaving> leaving;
  };
  struct Request {
    std::string agent;
    std::string id;
  };
  // Who speaks, where.
  struct Speaker {
    ConnectionId connection;
    const std::string& agent;
    Session& session;
    const AgentRecord& record;
  };

  void send(ConnectionId to, const client::Message& message);
  void end(ConnectionId connection, std::uint16_t code, const std::string& reason);
  std::optional<Duration> too_fast(Connection& connection, Now now) const;

  void log_in(ConnectionId id, const client::LogIn& command, Now now);
  void resume(ConnectionId id, const client::LogIn& command, Session& session, Now now);
  void begin(ConnectionId id, const std::string& command_id, const AgentRecord& record, Now now);
  client::Welcome welcome(const std::string& id, const AgentRecord& record, const Session& session,
                          Now now) const;
  void end_session(const std::string& agent, const std::string& reason);

  void on(const Speaker& who, const client::LogIn& command, Now now);
  void on(const Speaker& who, const client::SetPresence& command, Now now);
  void on(const Speaker& who, const client::AskSlots& command, Now now);
  void on(const Speaker& who, const client::Accept& command, Now now);
  void on(const Speaker& who, const client::Decline& command, Now now);
  void on(const Speaker& who, const client::Open& command, Now now);
  void on(const Speaker& who, const client::AskHistory& command, Now now);
  void on(const Speaker& who, const client::FindCustomer& command, Now now);
  void on(const Speaker& who, const client::Reply& command, Now now);
  void on(const Speaker& who, const client::Note& command, Now now);
  void on(const Speaker& who, const client::SetPending& command, Now now);
  void on(const Speaker& who, const client::Transfer& command, Now now);
  void on(const Speaker& who, const client::WrapUp& command, Now now);
  void on(const Speaker& who, const client::Close& command, Now now);
  void on(const Speaker& who, const client::Link& command, Now now);
  void on(const Speaker& who, const client::Unlink& command, Now now);
  void on(const Speaker& who, const client::Draft& command, Now now);
  void on(const Speaker& who, const client::LogOff& command, Now now);
  void on(const Speaker& who, const client::Ping& command, Now now);

  DeskCommand desk_command(const Speaker& who, Verb verb, const std::string& id,
                           const ConversationId& conversation, const Epoch& epoch) const;
  void submit(const Speaker& who, const std::string& id, const DeskCommand& command, Now now);
  bool may_touch(const Speaker& who, const std::string& id, const ConversationId& conversation);
  void link(const Speaker& who, CustomerLink link, const std::string& id, Now now);
  void read(const Speaker& who, const std::string& id, ClientRead read);
  void log_off_done(const std::string& agent, const std::string& id, Now now);

  void push(Session& session, client::Message message);
  void push_snapshot(const std::string& agent, Session& session);
  void push_ring(const std::string& agent, Session& session, const NotifyAgent& notice, Now now);
  void push_changed(const std::string& agent, Session& session, const NotifyAgent& notice);
  void refresh_slots(const std::string& agent, Session& session);
  // Of what was not shown yet, or changed since.
  std::vector<client::HistoryItem> fresh_items(Session& session, const ConversationId& id);
  client::SlotsView slots_of(const std::string& agent) const;
  std::vector<client::ConversationView> views_of(const std::string& agent) const;

  AgentDesk& desk_;
  const Reader& durable_;
  Random& random_;
  Options options_;
  Lockout lockout_;
  std::map<ConnectionId, Connection> connections_;
  std::map<std::string, Session> sessions_;  // by agent
  std::map<RequestId, Request> requests_;
  std::size_t verifying_ = 0;
  std::uint64_t wrong_passwords_ = 0;
  std::vector<SessionAction> actions_;
};

}  // namespace crossfloor
