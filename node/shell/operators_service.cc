#include "node/shell/operators_service.h"

#include "node/runtime/files.h"
#include "node/runtime/passwords.h"

namespace crossfloor {
namespace {

constexpr std::size_t max_tokens_file = 64 * 1024;

}  // namespace

OperatorsService::OperatorsService(const Parts& parts)
    : parts_(parts), api_(parts.core, parts.crypto, parts.random, parts.timer, surroundings()) {}

OperatorApi::Surroundings OperatorsService::surroundings() {
  OperatorApi::Surroundings around;
  around.now = machine_now;
  around.changed = [this] { parts_.driver.call("operators", [](NodeCore&, Now) {}); };
  around.hash_password = [this](std::string password,
                                std::function<void(Result<std::string>)> then) {
    auto queued = parts_.worker.run(
        [password = std::move(password)]() -> Result<std::string> {
          if (auto fit = check_new_password(password); !fit.ok()) return fit.error();
          return hash_password(password);
        },
        then);
    if (!queued.ok()) then(queued.error());
  };
  return around;
}

Status OperatorsService::read_tokens(const std::string& path) {
  if (path.empty()) return {};
  auto text = read_private_file(path, max_tokens_file);
  if (!text.ok()) return text.error();
  auto tokens = OperatorTokens::parse(parts_.crypto, text.value());
  if (!tokens.ok()) {
    Error error = tokens.error();
    error.where = path + ", " + error.where;
    return error;
  }
  api_.set_tokens(std::move(tokens).value());
  return {};
}

}  // namespace crossfloor
