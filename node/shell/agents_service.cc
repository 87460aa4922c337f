#include "node/shell/agents_service.h"

#include "node/runtime/log.h"
#include "node/runtime/passwords.h"

namespace crossfloor {

AgentsService::AgentsService(const Parts& parts)
    : parts_(parts),
      desk_(parts.core, [&driver = parts.driver] { return driver.next_request(); }),
      sessions_(desk_, parts.store, parts.random, Sessions::Options{}),
      api_(sessions_, parts.timer, surroundings()) {}

AgentApi::Surroundings AgentsService::surroundings() {
  AgentApi::Surroundings around;
  around.now = machine_now;
  around.changed = [this] { parts_.driver.call("agents", [](NodeCore&, Now) {}); };
  around.verify_password = [this](std::string hash, std::string password,
                                  std::function<void(bool)> then) {
    verify(std::move(hash), std::move(password), std::move(then));
  };
  around.run_read = [this](std::function<std::string(const Reader&)> work,
                           std::function<void(std::string)> then) {
    return read(std::move(work), std::move(then));
  };
  return around;
}

void AgentsService::verify(std::string hash, std::string password, std::function<void(bool)> then) {
  auto queued = parts_.worker.run(
      [hash = std::move(hash), password = std::move(password)]() -> Result<bool> {
        return verify_password(hash, password);
      },
      [then](Result<bool> right) { then(right.ok() && right.value()); });
  if (queued.ok()) return;
  log_warning("password_not_checked", {{"why", queued.error().what}});
  parts_.inbox.post([then] { then(false); });
}

Status AgentsService::read(std::function<std::string(const Reader&)> work,
                           std::function<void(std::string)> then) {
  return parts_.readers.run(
      [work = std::move(work), view = std::shared_ptr<Reader>(parts_.store.snapshot())]()
          -> Result<std::string> { return work(*view); },
      [then = std::move(then)](Result<std::string> text) {
        // What threw is a fault; the client asks again when its patience ends.
        if (!text.ok()) return log_error("read_failed", text.error());
        then(std::move(text).value());
      });
}

void AgentsService::figures(Metrics& metrics) const {
  metrics.gauge("crossfloor_agent_connections", "Open connections of agents' clients")
      .set(static_cast<double>(sessions_.connections()));
  metrics.gauge("crossfloor_agent_sessions", "Agents logged in")
      .set(static_cast<double>(sessions_.sessions()));
  auto& wrong =
      metrics.counter("crossfloor_wrong_passwords_total", "Log-ins with a wrong password");
  wrong.add(static_cast<double>(sessions_.wrong_passwords()) - wrong.value());
}

}  // namespace crossfloor
