// One agent's connection to a node, by the protocol of docs/agents.md: logs in, resumes after the
// connection was lost, repeats what was not answered, and hands on each push exactly once.
#pragma once

#include <kj/async-io.h>
#include <kj/compat/http.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "protocol/client_messages.h"
#include "protocol/crypto.h"

namespace crossfloor::cli {

// What all clients of one process share.
struct ClientSurroundings {
  kj::Network& network;
  kj::Timer& timer;
  Random& random;
  kj::HttpHeaderTable& headers;
};

class AgentClient {
 public:
  struct Options {
    std::string url;  // https://host:port, http://127.0.0.1:port, or unix:/path/control.sock
    std::string agent;
    std::string password;
    std::string authorities;  // PEM file; empty: the system's
    kj::Duration ping_every = 15 * kj::SECONDS;
    kj::Duration patience = 40 * kj::SECONDS;  // without a word from the node
  };
  struct Handlers {
    // Pushes once and in order; answers of commands that were said here.
    std::function<void(const client::Message&)> on_message;
    // For people: "connected to helsinki", "connection lost: …".
    std::function<void(const std::string&)> on_state;
  };

  AgentClient(ClientSurroundings& around, Options options, Handlers handlers);

  // Connects, again and again, until the session is over. Resolves with how it ended: nothing wrong
  // after log_off; an error if the log-in was refused or the session was ended.
  kj::Promise<Status> run();

  // Gives it an id and sends it, now or when there is a connection again. The id is unlike any
  // other; its answer comes to on_message.
  std::string say(client::Command command);

  bool ready() const { return ready_; }  // logged in and connected
  std::size_t unanswered() const { return unanswered_.size(); }
  std::uint64_t reconnections() const { return reconnections_; }
  const std::string& agent() const { return options_.agent; }
  const client::Welcome& welcome() const { return welcome_; }

 private:
  kj::Promise<void> connect_once();
  kj::Promise<kj::Own<kj::AsyncIoStream>> connect();
  kj::Promise<void> talk(kj::Own<kj::WebSocket> socket);
  kj::Promise<void> receive_loop();
  kj::Promise<void> watch();
  void log_in();
  void hang_up();
  void take(const client::Message& message);
  void refused_log_in(const client::Refused& refused);
  void write(std::string text);
  kj::Promise<void> write_loop();
  void end(Status how);

  ClientSurroundings& around_;
  Options options_;
  Handlers handlers_;
  std::string mark_;  // of this process: the beginning of all ids
  std::uint64_t next_id_ = 1;
  std::string log_in_id_;
  client::Welcome welcome_;
  std::uint64_t last_seq_ = 0;
  std::deque<std::pair<std::string, std::string>> unanswered_;  // id, text

  // What the socket stands on; goes after it.
  struct Lines {
    kj::Own<kj::AsyncIoStream> stream;
    kj::Own<kj::EntropySource> mask;
    kj::Own<kj::HttpClient> http;
    ~Lines() noexcept {}
  };
  kj::Own<Lines> lines_;
  kj::Own<kj::WebSocket> socket_;
  std::deque<std::string> queue_;
  std::string writing_;
  bool busy_ = false;     // a write is under way
  bool leaving_ = false;  // this connection is of no use any more
  kj::Promise<void> writes_ = nullptr;
  kj::TimePoint heard_;
  bool ready_ = false;
  std::optional<Status> over_;
  std::string why_lost_;
  kj::Duration wait_ = 0 * kj::SECONDS;  // before the next try
  std::uint64_t reconnections_ = 0;
  unsigned redirections_ = 0;
};

}  // namespace crossfloor::cli
