#include "node/gateway/agent_api.h"

namespace crossfloor {
namespace {

constexpr kj::Duration tick_every = 1 * kj::SECONDS;

// "127.0.0.1:4242" and "[::1]:4242" without the port.
std::string without_port(const std::string& peer) {
  const auto colon = peer.rfind(':');
  return colon == std::string::npos ? peer : peer.substr(0, colon);
}

}  // namespace

AgentApi::AgentApi(Sessions& sessions, kj::Timer& timer, Surroundings surroundings)
    : sessions_(sessions),
      timer_(timer),
      around_(std::move(surroundings)),
      self_(std::make_shared<AgentApi*>(this)),
      ticking_(tick_for_ever().eagerlyEvaluate(nullptr)) {}

void AgentApi::add_routes(HttpRouter& router) {
  router.add_web_socket("/v1/agent",
                        [this](HttpRequest request, std::shared_ptr<WebSocketSession> socket) {
                          opened(request, std::move(socket));
                        });
}

void AgentApi::opened(const HttpRequest& request, std::shared_ptr<WebSocketSession> socket) {
  const ConnectionId id = next_connection_++;
  std::weak_ptr<AgentApi*> self = self_;
  socket->on_text = [self, id](std::string text) {
    const auto alive = self.lock();
    if (!alive) return;
    AgentApi& api = **alive;
    api.sessions_.receive(id, text, api.around_.now());
    api.act();
  };
  socket->on_close = [self, id](std::uint16_t, const std::string&) {
    const auto alive = self.lock();
    if (!alive) return;
    AgentApi& api = **alive;
    api.sockets_.erase(id);
    api.sessions_.disconnected(id, api.around_.now());
    api.act();
  };
  sockets_.emplace(id, std::move(socket));
  sessions_.connected(id, without_port(request.peer), around_.now());
}

void AgentApi::carry_out(const NotifyAgent& notice) {
  sessions_.notify(notice, around_.now());
  act();
}

bool AgentApi::carry_out(const AnswerCommand& answer) {
  const bool ours = sessions_.answered(answer, around_.now());
  if (ours) act();
  return ours;
}

void AgentApi::act() {
  for (auto actions = sessions_.take_actions(); !actions.empty();
       actions = sessions_.take_actions()) {
    for (const auto& action : actions) {
      std::visit([this](const auto& one) { does(one); }, action);
    }
  }
  around_.changed();
}

void AgentApi::does(const SendText& action) {
  const auto at = sockets_.find(action.to);
  if (at == sockets_.end()) return;
  const auto socket = at->second;  // a slow reader is closed by this, and erased from the map
  socket->send(action.text);
}

void AgentApi::does(const EndConnection& action) {
  const auto at = sockets_.find(action.connection);
  if (at == sockets_.end()) return;
  const auto socket = std::move(at->second);
  sockets_.erase(at);
  socket->close(action.code, action.reason);
}

void AgentApi::does(const VerifyPassword& action) {
  std::weak_ptr<AgentApi*> self = self_;
  around_.verify_password(action.hash, action.password, [self, id = action.connection](bool right) {
    const auto alive = self.lock();
    if (!alive) return;
    AgentApi& api = **alive;
    api.sessions_.password_checked(id, right, api.around_.now());
    api.act();
  });
}

void AgentApi::does(const ReadForClient& action) {
  std::weak_ptr<AgentApi*> self = self_;
  const auto id = action.connection;
  const auto then = [self, id](std::string text) {
    const auto alive = self.lock();
    if (!alive) return;
    AgentApi& api = **alive;
    api.sessions_.read_done(id, std::move(text));
    api.act();
  };
  auto started = around_.run_read(
      [read = action.read](const Reader& reader) {
        return client::to_text(answer_read(reader, read));
      },
      then);
  if (started.ok()) return;
  const auto& command_id =
      std::visit([](const auto& what) -> const std::string& { return what.id; }, action.read.what);
  sessions_.read_done(id, client::to_text(client::Message{refusal(command_id, started.error())}));
}

kj::Promise<void> AgentApi::tick_for_ever() {
  return timer_.afterDelay(tick_every).then([this] {
    sessions_.tick(around_.now());
    act();
    return tick_for_ever();
  });
}

}  // namespace crossfloor
