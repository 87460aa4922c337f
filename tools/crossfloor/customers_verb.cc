// crossfloor customers: somebody to serve, for demos, load and trying an account.
#include <CLI/CLI.hpp>
#include <fstream>
#include <memory>

#include "node/runtime/clock.h"
#include "node/runtime/config_values.h"
#include "node/runtime/files.h"
#include "node/runtime/signals.h"
#include "tools/crossfloor/customers.h"
#include "tools/crossfloor/families.h"

namespace crossfloor::cli {
namespace {

constexpr kj::Duration last_moments = 5 * kj::SECONDS;

struct CustomersArguments {
  std::string targets;
  std::vector<std::string> accounts;
  std::vector<std::string> only;
  std::string listen;
  std::string tls_certificate, tls_key;
  double rate = 0;
  std::string burst;
  std::string lasts;
  std::string stay;
  std::size_t count = 0;
  std::size_t people = 1000;
  double in_public = 0.3;
  double again = 0.3;
  std::size_t hosts = 1;
  std::uint64_t seed = 0;
  std::string prefix;
  std::string slow;
  double fail = 0, refuse = 0, drop = 0;
  std::string log;
  std::string receipts;
  std::string patience = "60s";
  bool quiet = false;
};

// Read from the arguments and checked.
struct Plan {
  ChannelTargets targets;
  FlowOptions flow;
  CallbackFaults faults;
  Duration lasts{};
  std::optional<kj::Duration> stay;  // nothing: until a signal
  Duration patience{};
};

Error usage(std::string what, std::string where, std::string mend) {
  return Error{ErrorCode::malformed, std::move(what), std::move(where), std::move(mend)};
}

Status read_duration(const std::string& text, const char* where, Duration& out) {
  if (text.empty()) return {};
  const auto duration = parse_duration(text);
  if (!duration) return usage("'" + text + "' is no duration", where, "write it as 30s");
  out = *duration;
  return {};
}

// "30s:50": each 30 s 50 messages. "0.1:2s": a tenth, by 2 s. Cut at the colon.
std::pair<std::string, std::string> halves(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) return {text, ""};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

Status read_targets(const CustomersArguments& arguments, ChannelTargets& out) {
  ChannelTargets all;
  if (!arguments.targets.empty()) {
    if (auto read = read_targets_file(arguments.targets, all); !read.ok()) return read;
  }
  for (const auto& text : arguments.accounts) {
    // A brand is of no use here; its name is the account's.
    const auto name = text.substr(0, text.find(':'));
    if (auto added = add_target(name + "=" + text, all); !added.ok()) {
      return usage("is not NAME:URL[,URL]:SECRET", "--account", added.error().what);
    }
  }
  if (all.accounts.empty()) {
    return usage("no account", "--targets", "give --targets FILE or --account NAME:URL:SECRET");
  }
  if (arguments.only.empty()) {
    out = std::move(all);
    return {};
  }
  for (const auto& name : arguments.only) {
    const ChannelTarget* target = all.of_account(name);
    if (target == nullptr) return usage("no account '" + name + "' is given", "--only", "");
    out.accounts.push_back(*target);
  }
  return {};
}

Result<Plan> read_plan(const CustomersArguments& arguments) {
  Plan out;
  if (auto read = read_targets(arguments, out.targets); !read.ok()) return read.error();
  out.flow.per_second = arguments.rate;
  out.flow.customers = arguments.people;
  out.flow.in_public = arguments.in_public;
  out.flow.again = arguments.again;
  out.faults.fail = arguments.fail;
  out.faults.refuse = arguments.refuse;
  out.faults.drop = arguments.drop;
  if (!arguments.burst.empty()) {
    const auto [every, size] = halves(arguments.burst);
    if (auto read = read_duration(every, "--burst", out.flow.burst_every); !read.ok()) {
      return read.error();
    }
    out.flow.burst_size = std::strtoul(size.c_str(), nullptr, 10);
    if (out.flow.burst_every.count() == 0 || out.flow.burst_size == 0) {
      return usage("'" + arguments.burst + "' is not TIME:COUNT", "--burst", "write it as 30s:50");
    }
  }
  if (!arguments.slow.empty()) {
    const auto [part, by] = halves(arguments.slow);
    char* end = nullptr;
    out.faults.slow = std::strtod(part.c_str(), &end);
    if (part.empty() || *end != '\0' || !(out.faults.slow >= 0 && out.faults.slow <= 1)) {
      return usage("'" + arguments.slow + "' is not SHARE:TIME", "--slow", "write it as 0.1:2s");
    }
    if (auto read = read_duration(by, "--slow", out.faults.slow_by); !read.ok()) {
      return read.error();
    }
  }
  if (auto read = read_duration(arguments.lasts, "--for", out.lasts); !read.ok()) {
    return read.error();
  }
  if (auto read = read_duration(arguments.patience, "--patience", out.patience); !read.ok()) {
    return read.error();
  }
  if (!arguments.stay.empty()) {
    Duration stay{};
    if (auto read = read_duration(arguments.stay, "--stay", stay); !read.ok()) return read.error();
    out.stay = stay.count() * kj::MILLISECONDS;
  }
  const bool writes = out.flow.per_second > 0 || out.flow.burst_size > 0;
  if (!writes && arguments.listen.empty()) {
    return usage("nothing to do", "", "give --listen ADDRESS, --rate N or --burst TIME:COUNT");
  }
  return out;
}

Status open_for_lines(const std::string& path, std::ofstream& out) {
  if (path.empty()) return {};
  out.open(path, std::ios::binary | std::ios::app);
  if (!out) return system_error("cannot be written", path);
  return {};
}

void restore(const std::string& path, CallbackDesk& desk) {
  if (path.empty()) return;
  std::ifstream in(path, std::ios::binary);
  for (std::string line; std::getline(in, line);) desk.restore(line);
}

// `said` lives until the promise does; asks to be told each second whether something changed.
kj::Promise<void> show_each_second(kj::Timer& timer, Context& context, const CallbackDesk& desk,
                                   const CustomerWriter& writer, std::string said) {
  return timer.afterDelay(1 * kj::SECONDS)
      .then([&timer, &context, &desk, &writer, said = std::move(said)]() mutable {
        std::string now = figures_text(desk, writer.figures());
        if (now != said) context.err << now << std::endl;
        return show_each_second(timer, context, desk, writer, std::move(now));
      });
}

kj::Promise<void> until_answered(kj::Timer& timer, const CallbackDesk& desk, kj::TimePoint latest) {
  if (desk.waiting() == 0 || timer.now() >= latest) return kj::READY_NOW;
  return timer.afterDelay(100 * kj::MILLISECONDS).then([&timer, &desk, latest] {
    return until_answered(timer, desk, latest);
  });
}

Exit serve(Context& context, const CustomersArguments& arguments, Plan& plan) {
  capture_signals();
  SystemRandom system;
  const std::uint64_t seed = arguments.seed != 0 ? arguments.seed : system.next() >> 1;
  SeededRandom flow_random(seed);
  SeededRandom fault_random(seed + 1);
  plan.flow.prefix = arguments.prefix.empty() ? "w" + std::to_string(ms_of(machine_now().wall)) +
                                                    "-" + std::to_string(seed % 100'000)
                                              : arguments.prefix;
  CallbackDesk desk(plan.faults, fault_random);
  restore(arguments.log, desk);
  std::ofstream log, receipts;
  if (auto open = open_for_lines(arguments.log, log); !open.ok()) {
    return fail(context, open.error());
  }
  if (auto open = open_for_lines(arguments.receipts, receipts); !open.ok()) {
    return fail(context, open.error());
  }

  auto io = kj::setupAsyncIo();
  kj::Network& network = io.provider->getNetwork();
  kj::Timer& timer = io.provider->getTimer();
  const auto on_reply = [&](const std::string& line) {
    if (log.is_open()) log << line << std::endl;
    if (!arguments.quiet) context.out << line << std::endl;
  };
  std::unique_ptr<CallbackServer> server;
  if (!arguments.listen.empty()) {
    auto started = CallbackServer::start(network, timer, io.waitScope, desk, plan.targets,
                                         {.address = arguments.listen,
                                          .tls_certificate = arguments.tls_certificate,
                                          .tls_key = arguments.tls_key,
                                          .on_reply = on_reply});
    if (!started.ok()) return fail(context, started.error());
    server = std::move(started).value();
  }
  HttpClientOptions http_options;
  http_options.authorities_file = context.authorities;
  http_options.max_calls = 2048;
  auto http = HttpClient::make(network, timer, http_options);
  if (!http.ok()) return fail(context, http.error());
  IntakeClient client(*http.value(), timer, system, {.patience = plan.patience});
  CustomerFlow flow(plan.flow, plan.targets.accounts.size(), flow_random);
  CustomerWriter writer(timer, client, flow, desk, plan.targets.accounts,
                        {.hosts = arguments.hosts,
                         .most = arguments.count,
                         .lasts = plan.lasts,
                         .on_receipt = [&](const std::string& line) {
                           if (receipts.is_open()) receipts << line << "\n" << std::flush;
                         }});
  context.err << "seed " << seed << std::endl;
  if (server) {
    for (const auto& target : plan.targets.accounts) {
      context.err << "ready callback=" << server->url(target.account) << std::endl;
    }
  }

  auto end = kj::newPromiseAndFulfiller<void>();
  bool stopped = false;
  Signals signals(io.unixEventPort, [&](int) {
    stopped = true;
    end.fulfiller->fulfill();
  });
  auto showing = kj::Promise<void>(kj::NEVER_DONE);
  if (!context.json && !arguments.quiet) {
    showing = show_each_second(timer, context, desk, writer, figures_text(desk, writer.figures()))
                  .eagerlyEvaluate(nullptr);
  }
  auto over = end.promise.fork();
  auto writing = writer.run().fork();
  writing.addBranch().exclusiveJoin(over.addBranch()).wait(io.waitScope);
  if (server && !stopped) {
    auto staying = plan.stay ? until_answered(timer, desk, timer.now() + *plan.stay)
                             : kj::Promise<void>(kj::NEVER_DONE);
    staying.exclusiveJoin(over.addBranch()).wait(io.waitScope);
  }
  // What is under way may still get its receipt.
  writer.stop();
  writing.addBranch().exclusiveJoin(timer.afterDelay(last_moments)).wait(io.waitScope);
  if (context.json) {
    JsonValue out = figures_json(desk, writer.figures());
    out.add("seed", JsonValue::of_natural(seed));
    context.out << dump_json(out) << "\n";
  } else {
    context.out << figures_text(desk, writer.figures()) << "\n";
  }
  const WriterFigures& wrote = writer.figures();
  const CallbackFigures& got = desk.figures();
  const bool fine = wrote.refused + wrote.given_up + wrote.contradictions + got.forged +
                        got.unsound + got.different ==
                    0;
  return fine ? Exit::fine : Exit::problem;
}

}  // namespace

void add_customers_verb(CLI::App& app, Context& context) {
  auto a = std::make_shared<CustomersArguments>();
  CLI::App* verb = add_verb(
      app, "customers", "Plays customers and their provider: writes, and receives the replies",
      {"crossfloor customers --targets accounts.toml --listen 127.0.0.1:9090 --rate 2",
       "crossfloor customers --account shop-chat:http://127.0.0.1:7480:whsec_… --rate 50 --for 10s",
       "crossfloor customers --targets accounts.toml --listen 127.0.0.1:9090 --slow 0.1:3s \\",
       "  --drop 0.05 --fail 0.05 --log replies.jsonl"});
  verb->add_option("--targets", a->targets, "file of [[account]]: account, hosts, secret")
      ->type_name("FILE");
  verb->add_option("--account", a->accounts, "NAME:URL[,URL]:SECRET; may be repeated");
  verb->add_option("--only", a->only, "of --targets only this account; may be repeated");
  verb->add_option("--listen", a->listen,
                   "receive callbacks here: 127.0.0.1:9090; callback_url is "
                   "http://127.0.0.1:9090/replies/ACCOUNT");
  verb->add_option("--tls-certificate", a->tls_certificate, "PEM, to listen beyond loopback");
  verb->add_option("--tls-key", a->tls_key, "PEM");
  verb->add_option("--rate", a->rate, "messages per second, at random moments")
      ->check(CLI::Range(0.0, 100'000.0));
  verb->add_option("--burst", a->burst, "so many at one moment, again and again: 30s:50")
      ->type_name("TIME:COUNT");
  verb->add_option("--for", a->lasts, "write for so long (default: without end)")
      ->type_name("TIME");
  verb->add_option("--stay", a->stay,
                   "with --listen: when all is written, end as soon as nobody waits for an answer, "
                   "at the latest after this time (default: at a signal)")
      ->type_name("TIME");
  verb->add_option("--count", a->count, "write at most so many messages");
  verb->add_option("--people", a->people, "customers of each account (default 1000)")
      ->check(CLI::Range(1, 100'000'000));
  verb->add_option("--public", a->in_public, "share that others can read (default 0.3)")
      ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--again", a->again, "share that goes on in an older thread (default 0.3)")
      ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--hosts", a->hosts, "hosts to which each message goes at once (default 1)")
      ->check(CLI::Range(1, 16));
  verb->add_option("--seed", a->seed, "of customers and faults; 0: a new one, which is printed");
  verb->add_option("--prefix", a->prefix, "of the messages' external ids (default: from the time)");
  verb->add_option("--slow", a->slow, "answer this share of callbacks late: 0.1:2s")
      ->type_name("SHARE:TIME");
  verb->add_option("--fail", a->fail, "answer this share with 503")->check(CLI::Range(0.0, 1.0));
  verb->add_option("--refuse", a->refuse, "refuse this share for good")
      ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--drop", a->drop, "take this share and close without an answer")
      ->check(CLI::Range(0.0, 1.0));
  verb->add_option("--log", a->log,
                   "replies are added to this file, one JSON a line; those in it count as taken")
      ->type_name("FILE");
  verb->add_option("--receipts", a->receipts, "receipts are added to this file, one JSON a line")
      ->type_name("FILE");
  verb->add_option("--patience", a->patience, "how long one delivery is tried (default 60s)")
      ->type_name("TIME");
  verb->add_flag("--quiet", a->quiet, "print only the figures at the end");
  on_run(verb, context, [&context, a] {
    auto plan = read_plan(*a);
    if (!plan.ok()) return fail(context, plan.error(), Exit::usage);
    return serve(context, *a, plan.value());
  });
}

}  // namespace crossfloor::cli
