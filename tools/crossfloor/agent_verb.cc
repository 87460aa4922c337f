// `crossfloor agent`: an agent's desk in the terminal, or scripted agents with --auto. The verbs
// below it (list, add …) are those of the agents' records and belong to another family.
#include <kj/async-unix.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "node/runtime/files.h"
#include "tools/crossfloor/agent_auto.h"
#include "tools/crossfloor/agent_terminal.h"
#include "tools/crossfloor/families.h"
#include "tools/crossfloor/spans.h"

namespace crossfloor::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t max_password_file = 4'096;
constexpr std::size_t max_csv = 512 * 1024 * 1024;
constexpr int max_agents = 2'000;

struct AgentWords {
  std::string name;
  std::string password_file;
  bool scripted = false;
  std::string agents_file;
  std::string prefix;
  int count = 1;
  std::string mean = "10s";
  std::string shape = "exponential";
  double accept = 1;
  std::string reaction = "500ms";
  std::string reply = "Thank you for writing. I have read: {seen}";
  bool no_reply = false;
  std::string replies_file;
  std::string ending = "close";
  std::string stop_after;
  std::string until_idle;
  std::uint64_t seed = 0;
};

// Where the node's clients connect.
std::string url_of(const Context& context) {
  return context.url.empty() ? "unix:" + context.data + "/control.sock" : context.url;
}

Result<std::string> read_text(const std::string& path, std::size_t most) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{ErrorCode::io, "cannot be read", path, "look at its name and rights"};
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (text.size() > most) return Error{ErrorCode::too_large, "is too large", path, ""};
  return text;
}

std::string ask_password(std::ostream& err, const std::string& name) {
  err << "password of " << name << ": " << std::flush;
  termios before{};
  const bool terminal = ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (terminal) {
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &silent);
  }
  std::string line;
  // Byte by byte: what follows on the same input are commands.
  for (char c = 0; ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n';) line += c;
  if (terminal) {
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
    err << "\n";
  }
  return line;
}

Result<std::string> password_of(Context& context, const AgentWords& words, bool may_ask) {
  if (!words.password_file.empty()) {
    auto text = read_private_file(words.password_file, max_password_file);
    if (!text.ok()) return text.error();
    return text.value().substr(0, text.value().find_first_of("\r\n"));
  }
  if (const char* given = std::getenv("CROSSFLOOR_PASSWORD")) return std::string(given);
  if (may_ask && ::isatty(STDIN_FILENO) == 1) return ask_password(context.err, words.name);
  return Error{ErrorCode::malformed, "no password", "--password-file",
               "give --password-file FILE, or the environment's CROSSFLOOR_PASSWORD"};
}

// The loop and what all clients share. Signals end it in order.
struct Surroundings {
  Surroundings() : shared{io.provider->getNetwork(), io.provider->getTimer(), random, table} {}
  kj::AsyncIoContext io = kj::setupAsyncIo();
  SystemRandom random;
  kj::HttpHeaderTable table;
  ClientSurroundings shared;
};

Exit run_terminal(Context& context, const AgentWords& words) {
  auto password = password_of(context, words, true);
  if (!password.ok()) return fail(context, password.error(), Exit::usage);
  Surroundings around;
  const bool interactive = context.terminal && ::isatty(STDIN_FILENO) == 1;
  // A copy, so that the terminal of whoever started this is not left non-blocking.
  const int fd = ::dup(STDIN_FILENO);
  auto input =
      around.io.lowLevelProvider->wrapInputFd(fd, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP);
  AgentClient::Options options;
  options.url = url_of(context);
  options.agent = words.name;
  options.password = password.value();
  options.authorities = context.authorities;
  AgentTerminal terminal(around.shared, options, *input, context.out, interactive);
  const Status ended = terminal.run().wait(around.io.waitScope);
  if (!ended.ok()) return fail(context, ended.error());
  return Exit::fine;
}

// ---- scripted agents ----------------------------------------------------------------------------

struct Faults final : kj::TaskSet::ErrorHandler {
  explicit Faults(std::ostream& given) : err(given) {}
  void taskFailed(kj::Exception&& wrong) override {
    err << "crossfloor: " << wrong.getDescription().cStr() << "\n";
    failed = true;
  }
  std::ostream& err;
  bool failed = false;
};

Json figures_json(const AutoFigures& figures, std::uint64_t seed, std::size_t agents,
                  std::size_t refused) {
  Json errors = Json::object();
  for (const auto& [code, count] : figures.errors) errors[code] = count;
  const auto mean =
      figures.cases == 0 ? 0 : figures.worked.count() / static_cast<std::int64_t>(figures.cases);
  return {{"seed", seed},
          {"agents", agents},
          {"log_ins_refused", refused},
          {"logged_in", figures.logged_in},
          {"rung", figures.rung},
          {"accepted", figures.accepted},
          {"declined", figures.declined},
          {"missed", figures.missed},
          {"replies", figures.replies},
          {"closed", figures.closed},
          {"taken_away", figures.taken_away},
          {"reconnections", figures.reconnections},
          {"snapshots", figures.snapshots},
          {"mean_handling_ms", mean},
          {"errors", errors}};
}

Result<std::vector<Account>> accounts_of(Context& context, const AgentWords& words) {
  if (!words.agents_file.empty()) {
    auto text = read_text(words.agents_file, max_csv);
    if (!text.ok()) return text.error();
    auto accounts = read_accounts(text.value());
    if (accounts.ok() && accounts.value().size() > static_cast<std::size_t>(max_agents)) {
      return Error{ErrorCode::too_large, "more than 2000 agents", words.agents_file,
                   "share them out to several processes"};
    }
    return accounts;
  }
  auto password = password_of(context, words, false);
  if (!password.ok()) return password.error();
  std::vector<Account> accounts;
  if (words.prefix.empty()) return std::vector<Account>{{words.name, password.value()}};
  for (int i = 1; i <= words.count; ++i) {
    accounts.push_back({words.prefix + std::to_string(i), password.value()});
  }
  return accounts;
}

Result<AutoOptions> options_of(const AgentWords& words) {
  AutoOptions options;
  const auto mean = parse_span(words.mean);
  const auto reaction = parse_span(words.reaction);
  if (!mean) return Error{ErrorCode::malformed, "is no span of time", "--mean", "say 30s or 5m"};
  if (!reaction) {
    return Error{ErrorCode::malformed, "is no span of time", "--reaction", "say 500ms or 2s"};
  }
  options.handling.mean = *mean;
  options.handling.shape = words.shape == "fixed"       ? HandlingTime::Shape::fixed
                           : words.shape == "lognormal" ? HandlingTime::Shape::lognormal
                                                        : HandlingTime::Shape::exponential;
  options.reaction = *reaction;
  options.accept = words.accept;
  options.reply_template = words.no_reply ? "" : words.reply;
  options.ending = words.ending == "pending" ? Ending::pending
                   : words.ending == "leave" ? Ending::leave
                                             : Ending::close;
  return options;
}

// One process full of agents, until it is told to stop.
class Crew {
 public:
  Crew(Context& context, const AutoOptions& options, std::uint64_t seed)
      : context_(context),
        options_(options),
        random_(seed),
        faults_(context.err),
        shared_{io_.provider->getNetwork(), io_.provider->getTimer(), random_, table_},
        tasks_(faults_) {
    figures_.last_work = shared_.timer.now();
  }

  void hire(const std::vector<Account>& accounts, const std::string& url,
            const std::string& authorities) {
    constexpr auto apart = 20 * kj::MILLISECONDS;
    for (const auto& account : accounts) {
      AgentClient::Options client;
      client.url = url;
      client.agent = account.name;
      client.password = account.password;
      client.authorities = authorities;
      agents_.push_back(std::make_unique<AutoAgent>(shared_, client, options_, figures_, tasks_));
      AutoAgent* agent = agents_.back().get();
      ++running_;
      tasks_.add(shared_.timer.afterDelay(apart * static_cast<std::int64_t>(agents_.size()))
                     .then([agent] { return agent->run(); })
                     .then([this](Status&& ended) { ended_one(ended); }));
    }
  }

  void work(std::optional<Duration> stop_after, std::optional<Duration> until_idle) {
    auto stop = io_.unixEventPort.onSignal(SIGINT)
                    .exclusiveJoin(io_.unixEventPort.onSignal(SIGTERM))
                    .ignoreResult();
    if (stop_after) {
      stop = stop.exclusiveJoin(shared_.timer.afterDelay(stop_after->count() * kj::MILLISECONDS));
    }
    auto all_gone = kj::newPromiseAndFulfiller<void>();
    nobody_left_ = kj::mv(all_gone.fulfiller);
    auto gone = all_gone.promise.fork();
    stop.exclusiveJoin(look(until_idle)).exclusiveJoin(gone.addBranch()).wait(io_.waitScope);
    for (auto& agent : agents_) agent->log_off();
    constexpr auto patience = 5 * kj::SECONDS;
    if (running_ > 0) {
      shared_.timer.afterDelay(patience).exclusiveJoin(gone.addBranch()).wait(io_.waitScope);
    }
  }

  const AutoFigures& figures() const { return figures_; }
  std::size_t refused() const { return refused_; }
  bool failed() const { return faults_.failed; }

 private:
  void ended_one(const Status& ended) {
    --running_;
    if (!ended.ok()) {
      ++refused_;
      context_.err << "crossfloor: " << ended.error().text() << "\n";
    }
    if (running_ == 0) nobody_left_->fulfill();
  }

  std::size_t at_work() const {
    std::size_t sum = 0;
    for (const auto& agent : agents_) sum += agent->at_work();
    return sum;
  }

  // Once a second: a line of progress, and whether there was nothing to do for long.
  kj::Promise<void> look(std::optional<Duration> until_idle) {
    return shared_.timer.afterDelay(1 * kj::SECONDS)
        .then([this, until_idle]() -> kj::Promise<void> {
          if (context_.terminal && !context_.json) {
            context_.err << "\r\033[K" << running_ << " agents, " << at_work() << " at work, "
                         << figures_.accepted << " accepted, " << figures_.replies << " replies, "
                         << figures_.closed << " closed" << std::flush;
          }
          const auto idle = shared_.timer.now() - figures_.last_work;
          if (until_idle && at_work() == 0 && idle > until_idle->count() * kj::MILLISECONDS) {
            return kj::READY_NOW;
          }
          return look(until_idle);
        });
  }

  Context& context_;
  AutoOptions options_;
  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  SeededRandom random_;
  kj::HttpHeaderTable table_;
  Faults faults_;
  AutoFigures figures_;
  ClientSurroundings shared_;
  std::vector<std::unique_ptr<AutoAgent>> agents_;
  std::size_t running_ = 0;
  std::size_t refused_ = 0;
  kj::Own<kj::PromiseFulfiller<void>> nobody_left_;
  kj::TaskSet tasks_;  // last: what runs knows the agents
};

Exit run_auto(Context& context, const AgentWords& words) {
  auto accounts = accounts_of(context, words);
  if (!accounts.ok()) return fail(context, accounts.error(), Exit::usage);
  auto options = options_of(words);
  if (!options.ok()) return fail(context, options.error(), Exit::usage);
  std::optional<Duration> stop_after = parse_span(words.stop_after);
  std::optional<Duration> until_idle = parse_span(words.until_idle);
  if ((!words.stop_after.empty() && !stop_after) || (!words.until_idle.empty() && !until_idle)) {
    return fail(context,
                Error{ErrorCode::malformed, "is no span of time", "--for", "say 30s or 5m"},
                Exit::usage);
  }
  RecordedReplies recorded;
  if (!words.replies_file.empty()) {
    auto text = read_text(words.replies_file, max_csv);
    if (!text.ok()) return fail(context, text.error());
    auto read = read_replies(text.value());
    if (!read.ok()) return fail(context, read.error());
    recorded = std::move(read).value();
    options.value().recorded = &recorded;
  }
  std::uint64_t seed = words.seed;
  if (seed == 0) seed = SystemRandom().next() >> 12;  // short enough to be typed
  if (!context.json) context.err << "seed " << seed << "\n";
  kj::UnixEventPort::captureSignal(SIGINT);
  kj::UnixEventPort::captureSignal(SIGTERM);

  Crew crew(context, options.value(), seed);
  crew.hire(accounts.value(), url_of(context), context.authorities);
  crew.work(stop_after, until_idle);
  const Json figures = figures_json(crew.figures(), seed, accounts.value().size(), crew.refused());
  if (context.json) {
    context.out << figures.dump(2) << "\n";
  } else {
    if (context.terminal) context.err << "\r\033[K";
    for (const auto& [name, value] : figures.items()) {
      context.out << name << ": " << value.dump() << "\n";
    }
  }
  return crew.refused() > 0 || crew.failed() ? Exit::problem : Exit::fine;
}

}  // namespace

void add_agent_client(CLI::App& app, Context& context) {
  auto words = std::make_shared<AgentWords>();
  CLI::App* verb = add_verb(
      app, "agent", "An agent's desk in this terminal, or scripted agents (--auto)",
      {"crossfloor agent --as anna --node https://helsinki.example:7480",
       "crossfloor agent --as anna < script        (lines as in the terminal; `wait` for a ring)",
       "crossfloor agent --auto --prefix demo- --count 20 --mean 8s --password-file pw",
       "crossfloor agent --auto --agents agents.csv --replies recorded.csv --no-reply"});
  verb->add_option("--as", words->name, "log-in name of the agent")->type_name("NAME");
  verb->add_option("--password-file", words->password_file,
                   "file (mode 0600) with the password; default: $CROSSFLOOR_PASSWORD, or asked")
      ->type_name("FILE");
  verb->add_flag("--auto", words->scripted, "scripted: accepts, works for a while, answers, ends");
  verb->add_option("--agents", words->agents_file, "CSV with the columns name,password")
      ->type_name("FILE");
  verb->add_option("--prefix", words->prefix, "agents PREFIX1, PREFIX2 … with one password");
  verb->add_option("--count", words->count, "how many of them")->check(CLI::Range(1, max_agents));
  verb->add_option("--mean", words->mean, "mean handling time")->capture_default_str();
  verb->add_option("--distribution", words->shape, "of the handling time")
      ->check(CLI::IsMember({"exponential", "lognormal", "fixed"}))
      ->capture_default_str();
  verb->add_option("--accept", words->accept, "probability that an offer is accepted")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  verb->add_option("--reaction", words->reaction, "mean time until an offer is taken")
      ->capture_default_str();
  verb->add_option("--reply", words->reply,
                   "text; {agent} {site} {customer} {count} {seen} {earlier} are filled in")
      ->capture_default_str();
  verb->add_flag("--no-reply", words->no_reply, "only recorded answers (--replies)");
  verb->add_option("--replies", words->replies_file,
                   "CSV with the columns external_id,reply: recorded answers")
      ->type_name("FILE");
  verb->add_option("--then", words->ending, "what becomes of it when all is answered")
      ->check(CLI::IsMember({"close", "pending", "leave"}))
      ->capture_default_str();
  verb->add_option("--for", words->stop_after, "stop after this time")->type_name("SPAN");
  verb->add_option("--until-idle", words->until_idle, "stop when nothing happened for this long")
      ->type_name("SPAN");
  verb->add_option("--seed", words->seed, "of all chances; 0: a new one, which is printed");
  on_run(verb, context, [&context, words] {
    if (!words->scripted && words->name.empty()) {
      return fail(context,
                  Error{ErrorCode::malformed, "which agent?", "--as",
                        "crossfloor agent --as NAME, or see: crossfloor agent --help"},
                  Exit::usage);
    }
    if (words->scripted && words->name.empty() && words->prefix.empty() &&
        words->agents_file.empty()) {
      return fail(context,
                  Error{ErrorCode::malformed, "which agents?", "--auto",
                        "give --as NAME, --prefix NAME --count N, or --agents FILE"},
                  Exit::usage);
    }
    return words->scripted ? run_auto(context, *words) : run_terminal(context, *words);
  });
}

}  // namespace crossfloor::cli
