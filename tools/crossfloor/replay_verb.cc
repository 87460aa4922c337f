// crossfloor replay: recorded messages as a channel brings them.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>

#include "node/channels/generic_intake.h"
#include "node/runtime/config_values.h"
#include "node/runtime/files.h"
#include "node/runtime/signals.h"
#include "tools/crossfloor/families.h"
#include "tools/crossfloor/replay.h"

namespace crossfloor::cli {
namespace {

constexpr std::size_t max_table = std::size_t{2} << 30;

struct ReplayArguments {
  std::string file;
  std::string preset;
  std::vector<std::string> map;
  bool all_public = false;
  std::string targets;
  std::vector<std::string> accounts_of;
  std::string only;
  std::size_t limit = 0;
  double speed = 1;
  std::string gap_max;
  bool fast = false;
  std::string deliveries = "1";
  std::size_t shuffle = 0;
  std::uint64_t seed = 0;
  std::size_t at_once = 64;
  std::string patience = "60s";
  std::string receipts;
  bool brands = false;
  std::string answers;
};

Error usage(std::string what, std::string where, std::string mend) {
  return Error{ErrorCode::malformed, std::move(what), std::move(where), std::move(mend)};
}

Result<ColumnMap> columns_of(const ReplayArguments& arguments) {
  ColumnMap out;
  if (!arguments.preset.empty()) {
    auto preset = column_preset(arguments.preset);
    if (!preset.ok()) return preset.error();
    out = preset.value();
  }
  for (const auto& pairs : arguments.map) {
    if (auto set = out.set(pairs); !set.ok()) return set.error();
  }
  out.all_public |= arguments.all_public;
  return out;
}

Result<ChannelTargets> targets_of(const ReplayArguments& arguments) {
  ChannelTargets out;
  if (!arguments.targets.empty()) {
    if (auto read = read_targets_file(arguments.targets, out); !read.ok()) return read.error();
  }
  for (const auto& text : arguments.accounts_of) {
    if (auto added = add_target(text, out); !added.ok()) return added.error();
  }
  return out;
}

Result<DeliveryOptions> delivery_options(const ReplayArguments& arguments) {
  DeliveryOptions out;
  const auto range = parse_range(arguments.deliveries, "--deliveries");
  if (!range.ok()) return range.error();
  out.least = range.value().first;
  out.most = range.value().second;
  out.shuffle = arguments.shuffle;
  out.timed = !arguments.fast;
  out.speed = arguments.speed;
  if (!std::isfinite(out.speed) || out.speed <= 0) {
    return usage("must be above 0", "--speed", "use --speed 10 for ten times as fast");
  }
  if (!arguments.gap_max.empty()) {
    out.gap_max = parse_duration(arguments.gap_max);
    if (!out.gap_max) {
      return usage("'" + arguments.gap_max + "' is no duration", "--gap-max", "write it as 2s");
    }
  }
  return out;
}

// What is to be delivered of a recording, and to whom.
struct Selection {
  std::vector<ReplayMessage> messages;
  std::vector<Planned> planned;
  ReplayReport report;
};

Selection select(const Recording& recording, const ChannelTargets& targets,
                 const ReplayArguments& arguments) {
  Selection out;
  out.report.rows = recording.rows;
  for (const auto& row : recording.refused) out.report.refuse(row.line, row.reason);
  for (const auto& recorded : recording.messages) {
    const bool in = recorded.message.direction == Direction::in;
    const bool wanted = arguments.only.empty() || (arguments.only == "in") == in;
    if (!wanted || (arguments.limit > 0 && out.messages.size() >= arguments.limit)) {
      ++out.report.left_out;
      continue;
    }
    const ChannelTarget* target = targets.of_brand(recorded.brand);
    if (target == nullptr) {
      out.report.refuse(recorded.line, "no account is given for the brand " + recorded.brand);
      continue;
    }
    out.messages.push_back({recorded.line, target, recorded.message.external_id,
                            write_generic_message(recorded.message)});
    out.planned.push_back({recorded.message.provider_time_ms, target->hosts.size()});
  }
  return out;
}

Exit show_brands(Context& context, const Recording& recording) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> counts;  // in, out
  for (const auto& recorded : recording.messages) {
    auto& count = counts[recorded.brand];
    ++(recorded.message.direction == Direction::in ? count.first : count.second);
  }
  JsonValue list = JsonValue::empty_list();
  for (const auto& [brand, count] : counts) {
    if (context.json) {
      JsonValue one = JsonValue::empty_object();
      one.add("brand", JsonValue::of_text(brand));
      one.add("in", JsonValue::of_natural(count.first));
      one.add("out", JsonValue::of_natural(count.second));
      list.items.push_back(std::move(one));
    } else {
      context.out << brand << "\t" << count.first << " in\t" << count.second << " out\n";
    }
  }
  if (context.json) context.out << dump_json(list) << "\n";
  return Exit::fine;
}

std::string quoted(const std::string& cell) {
  std::string out = "\"";
  for (const char c : cell) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

// What the brands answered to customers' messages, as `crossfloor agent --auto --replies` reads it.
// Answers to messages of another brand are left out: no agent of the one sees the other's
// customers.
Exit write_answers(Context& context, const Recording& recording, const std::string& path) {
  std::map<std::string, const RecordedMessage*> questions;
  for (const auto& recorded : recording.messages) {
    if (recorded.message.direction == Direction::in) {
      questions.emplace(recorded.message.external_id, &recorded);
    }
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  std::size_t written = 0;
  file << "external_id,reply\n";
  for (const auto& recorded : recording.messages) {
    if (recorded.message.direction != Direction::out) continue;
    const auto question = questions.find(recorded.message.parent_id);
    if (question == questions.end() || question->second->brand != recorded.brand) continue;
    file << quoted(question->first) << "," << quoted(recorded.message.text) << "\n";
    ++written;
  }
  file.flush();
  if (!file) return fail(context, system_error("cannot be written", path));
  if (context.json) {
    JsonValue out = JsonValue::empty_object();
    out.add("answers", JsonValue::of_natural(written));
    context.out << dump_json(out) << "\n";
  } else {
    context.out << written << " recorded answers written to " << path << "\n";
  }
  return Exit::fine;
}

void show_progress(std::ostream& out, const Replay& replay) {
  constexpr std::size_t width = 30;
  const ReplayReport& report = replay.report();
  const double share = replay.planned() == 0 ? 1
                                             : static_cast<double>(report.deliveries) /
                                                   static_cast<double>(replay.planned());
  const auto filled = static_cast<std::size_t>(share * width);
  const double seconds = std::max(replay.seconds(), 0.001);
  char line[160];
  std::snprintf(line, sizeof line, "\r[%s%s] %zu/%zu  %.0f per second  %zu repeated  ",
                std::string(filled, '=').c_str(), std::string(width - filled, ' ').c_str(),
                report.deliveries, replay.planned(),
                static_cast<double>(report.deliveries) / seconds, report.retries);
  out << line << std::flush;
}

Exit play(Context& context, const ReplayArguments& arguments, const Selection& selection,
          const DeliveryOptions& delivering, Duration patience) {
  capture_signals();
  SystemRandom system;
  const std::uint64_t seed = arguments.seed != 0 ? arguments.seed : system.next() >> 1;
  SeededRandom random(seed);
  if (!context.json) context.out << "seed " << seed << "\n" << std::flush;

  std::ofstream receipts;
  if (!arguments.receipts.empty()) {
    receipts.open(arguments.receipts, std::ios::binary | std::ios::app);
    if (!receipts) return fail(context, system_error("cannot be written", arguments.receipts));
  }
  auto io = kj::setupAsyncIo();
  HttpClientOptions http_options;
  http_options.authorities_file = context.authorities;
  http_options.max_calls = arguments.at_once;
  auto http = HttpClient::make(io.provider->getNetwork(), io.provider->getTimer(), http_options);
  if (!http.ok()) return fail(context, http.error());
  IntakeClient client(*http.value(), io.provider->getTimer(), system, {.patience = patience});
  double shown_at = -1;
  Replay::Options options;
  options.at_once = arguments.at_once;
  options.on_receipt = [&receipts](const std::string& line) {
    if (receipts.is_open()) receipts << line << "\n";
  };
  options.on_progress = [&](const Replay& replay) {
    if (!context.terminal || context.json || replay.seconds() - shown_at < 0.1) return;
    shown_at = replay.seconds();
    show_progress(context.err, replay);
  };
  Replay replay(io.provider->getTimer(), client, selection.messages,
                plan_deliveries(selection.planned, delivering, random), selection.report, options);
  Signals signals(io.unixEventPort, [&replay](int) { replay.stop(); });
  replay.run().wait(io.waitScope);
  if (context.terminal && !context.json) {
    show_progress(context.err, replay);
    context.err << "\n";
  }
  receipts.flush();
  if (!arguments.receipts.empty() && !receipts) {
    return fail(context, system_error("cannot be written", arguments.receipts));
  }
  if (context.json) {
    JsonValue out = report_json(replay.report());
    out.add("seed", JsonValue::of_natural(seed));
    context.out << dump_json(out) << "\n";
  } else {
    context.out << report_text(replay.report());
  }
  const ReplayReport& report = replay.report();
  if (report.accepted == 0 && report.given_up_messages() > 0) return Exit::unreachable;
  return report.fine() ? Exit::fine : Exit::problem;
}

Exit run(Context& context, const ReplayArguments& arguments) {
  const auto columns = columns_of(arguments);
  if (!columns.ok()) return fail(context, columns.error(), Exit::usage);
  const auto targets = targets_of(arguments);
  if (!targets.ok()) return fail(context, targets.error(), Exit::usage);
  const auto delivering = delivery_options(arguments);
  if (!delivering.ok()) return fail(context, delivering.error(), Exit::usage);
  const auto patience = parse_duration(arguments.patience);
  if (!patience) {
    return fail(context,
                usage("'" + arguments.patience + "' is no duration", "--patience", "write 60s"),
                Exit::usage);
  }
  const auto table = read_file(arguments.file, max_table);
  if (!table.ok()) return fail(context, table.error());
  const auto recording = read_recording(table.value(), columns.value(), targets.value().brands());
  if (!recording.ok()) return fail(context, recording.error());
  if (arguments.brands) return show_brands(context, recording.value());
  if (!arguments.answers.empty()) {
    return write_answers(context, recording.value(), arguments.answers);
  }
  if (targets.value().accounts.empty()) {
    return fail(context,
                usage("no account to deliver to", "--targets",
                      "give --targets FILE or --account-of brand=NAME:URL:SECRET"),
                Exit::usage);
  }
  return play(context, arguments, select(recording.value(), targets.value(), arguments),
              delivering.value(), *patience);
}

}  // namespace

void add_replay_verb(CLI::App& app, Context& context) {
  auto a = std::make_shared<ReplayArguments>();
  CLI::App* verb = add_verb(
      app, "replay", "Plays recorded messages into nodes as a channel would bring them",
      {"crossfloor replay old.csv --map external_id=id,customer=author,text=body,time=sent \\",
       "  --account-of '*=shop-chat:http://127.0.0.1:7480:whsec_…' --fast",
       "crossfloor replay twcs.csv --preset customer-support-on-twitter --brands",
       "crossfloor replay twcs.csv --preset customer-support-on-twitter --targets accounts.toml \\",
       "  --speed 60 --gap-max 2s --deliveries 1-3 --shuffle 20 --receipts receipts.jsonl"});
  verb->add_option("FILE", a->file, "table with a header, comma-separated, UTF-8")->required();
  verb->add_option("--preset", a->preset,
                   "columns of a known layout: customer-support-on-twitter (tweet_id, author_id, "
                   "inbound, created_at, text, in_response_to_tweet_id)");
  verb->add_option("--map", a->map,
                   "field=column,…: external_id, customer, text, time, parent, inbound, brand, "
                   "thread, name, language, public, topic")
      ->type_name("PAIRS");
  verb->add_flag("--public", a->all_public, "all messages can be read by others");
  verb->add_option("--targets", a->targets, "file of [[account]]: account, brands, hosts, secret")
      ->type_name("FILE");
  verb->add_option("--account-of", a->accounts_of,
                   "BRAND=NAME:URL[,URL]:SECRET; the brand '*' stands for all others")
      ->type_name("TARGET");
  verb->add_flag("--brands", a->brands, "show the table's brands and deliver nothing");
  verb->add_option("--answers", a->answers,
                   "write what the brands answered to this file, for `crossfloor agent --auto "
                   "--replies`, and deliver nothing")
      ->type_name("FILE");
  verb->add_option("--only", a->only, "in: customers' messages; out: the brands' answers")
      ->check(CLI::IsMember({"in", "out"}));
  verb->add_option("--limit", a->limit, "at most so many messages, the oldest first");
  verb->add_option("--speed", a->speed, "times as fast as it was recorded (default 1)");
  verb->add_option("--gap-max", a->gap_max, "no pause is longer than this: 2s")->type_name("TIME");
  verb->add_flag("--fast", a->fast, "as fast as the nodes take it");
  verb->add_option("--deliveries", a->deliveries,
                   "how often each message is delivered, to several hosts: 2, or 1-3");
  verb->add_option("--shuffle", a->shuffle, "places by which deliveries come out of order");
  verb->add_option("--seed", a->seed, "of deliveries and order; 0: a new one, which is printed");
  verb->add_option("--at-once", a->at_once, "deliveries under way (default 64)")
      ->check(CLI::Range(1, 1024));
  verb->add_option("--patience", a->patience, "how long one delivery is tried (default 60s)")
      ->type_name("TIME");
  verb->add_option("--receipts", a->receipts, "receipts are added to this file, one JSON a line")
      ->type_name("FILE");
  on_run(verb, context, [&context, a] { return run(context, *a); });
}

}  // namespace crossfloor::cli
