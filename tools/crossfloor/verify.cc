// `crossfloor verify`: whether nothing is lost, nothing answered twice and all copies agree.
//
// The node that is connected to passes each question on (node/core/verify_port.h); what is asked
// and what it proves is decided in node/core/verify_mesh.h.
#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <future>
#include <memory>
#include <set>
#include <thread>

#include "node/core/verify_mesh.h"
#include "node/runtime/clock.h"
#include "protocol/json_codec.h"
#include "tools/crossfloor/families.h"
#include "tools/crossfloor/node_client.h"
#include "tools/crossfloor/receipts_file.h"

namespace crossfloor::cli {
namespace {

constexpr std::size_t max_line = 8 * 1024;
constexpr Duration answer_within{20'000};

struct VerifyArguments {
  std::string receipts;
  int patience_s = 10;
};

Error at_line(const std::string& path, std::size_t line, std::string what) {
  return Error{ErrorCode::malformed, std::move(what), path + ":" + std::to_string(line),
               "lines as `crossfloor replay --receipts` writes them"};
}

// A message that was delivered three times has three receipts of one entry: it is proved once.
Result<std::vector<ReceiptToProve>> read_receipts(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return Error{ErrorCode::not_found, "the file cannot be read", path,
                 "crossfloor replay FILE.csv --receipts " + path};
  }
  std::vector<ReceiptToProve> out;
  std::set<std::tuple<MessageId, std::string, std::uint64_t, Hash>> known;
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    if (line.size() > max_line) return at_line(path, number, "the line is over 8 KiB");
    auto kept = read_receipt_line(line);
    if (!kept.ok()) return at_line(path, number, kept.error().text());
    const GenericReceipt& said = kept.value().receipt;
    if (known.insert({said.message_id, said.stream, said.sequence, said.hash}).second) {
      out.push_back({kept.value().account + " " + kept.value().external_id,
                     {said.message_id, said.stream, said.sequence, said.hash}});
    }
  }
  if (out.empty()) return at_line(path, 1, "the file holds no receipt");
  return out;
}

void show_progress(Context& context, const VerifyMesh& mesh) {
  if (!context.terminal || context.json) return;
  const auto progress = mesh.progress();
  context.err << "\r\033[K" << progress.stage + 1 << "/" << progress.stages << " " << progress.what;
  if (progress.of > 0) context.err << " " << progress.answers << "/" << progress.of;
  context.err << std::flush;
}

void run(Context& context, VerifyMesh& mesh) {
  while (!mesh.done()) {
    const auto asks = mesh.take_questions(machine_now());
    show_progress(context, mesh);
    // At the same time, so that what nodes say of themselves is of about the same moment.
    std::vector<std::future<Result<std::string>>> answers;
    for (const auto& ask : asks) {
      answers.push_back(std::async(std::launch::async, [&context, &ask] {
        return ask_node(context, ask.what, ask.envelope(), answer_within);
      }));
    }
    for (std::size_t i = 0; i < asks.size(); ++i) {
      mesh.answered(asks[i].number, answers[i].get());
    }
    if (asks.empty() && mesh.deadline()) {
      const auto wait = *mesh.deadline() - machine_now().steady;
      if (wait.count() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(wait.count()));
    }
  }
  if (context.terminal && !context.json) context.err << "\r\033[K" << std::flush;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

// A stream by the beginnings of its parts: node, start, region.
std::string short_stream(const std::string& stream) {
  if (stream.size() < 82) return stream;
  return stream.substr(0, 8) + "." + stream.substr(65, 8) + stream.substr(81);
}

void print(Context& context, const VerifyReport& report) {
  for (const auto& check : report.checks) {
    context.out << padded(check.check, 10) << padded(word_of(check.verdict), 12) << check.what
                << "\n";
  }
  if (!report.findings.empty()) context.out << "\n";
  for (const auto& finding : report.findings) {
    const bool news = finding.verdict == Verdict::holds;
    context.out << (news ? "note" : word_of(finding.verdict)) << ": ";
    if (!finding.site.empty()) context.out << finding.site << ": ";
    if (!finding.stream.empty()) context.out << "stream " << short_stream(finding.stream) << ": ";
    context.out << finding.what << "\n";
    if (!finding.mend.empty() && !news) context.out << "    -> " << finding.mend << "\n";
  }
  if (report.left_out > 0) context.out << "… and " << report.left_out << " more\n";
  context.out << "\n"
              << word_of(report.verdict) << " (" << report.took_ms / 1000 << "."
              << report.took_ms % 1000 / 100 << " s)\n";
}

Exit exit_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds:
      return Exit::fine;
    case Verdict::problem:
    case Verdict::broken:
      return Exit::problem;
    case Verdict::not_proved:
      return Exit::not_proved;
  }
  return Exit::problem;
}

Exit verify(Context& context, const VerifyArguments& arguments) {
  std::vector<ReceiptToProve> receipts;
  if (!arguments.receipts.empty()) {
    auto read = read_receipts(arguments.receipts);
    if (!read.ok()) return fail(context, read.error(), Exit::usage);
    receipts = std::move(read).value();
  }
  VerifyOptions options;
  options.patience = std::chrono::seconds(arguments.patience_s);
  VerifyMesh mesh(options, std::move(receipts));
  run(context, mesh);
  if (mesh.failed()) {
    const bool unreachable = mesh.failed()->code == ErrorCode::unavailable;
    return fail(context, *mesh.failed(), unreachable ? Exit::unreachable : Exit::problem);
  }
  if (context.json) {
    context.out << json_text(mesh.report()) << "\n";
  } else {
    print(context, mesh.report());
  }
  return exit_of(mesh.report().verdict);
}

}  // namespace

void add_verify_verb(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<VerifyArguments>();
  CLI::App* verb = add_verb(
      app, "verify",
      "Proves that nothing is lost, nothing answered twice and all copies agree; exits with 0 "
      "only then (1: broken, or a problem; 4: something could not be compared)",
      {"crossfloor verify", "crossfloor verify --receipts receipts.jsonl",
       "crossfloor verify --json | jq .verdict"});
  verb->add_option("--receipts", arguments->receipts,
                   "also prove each receipt in this file (JSON lines, as `replay` writes them)")
      ->type_name("FILE");
  verb->add_option("--patience", arguments->patience_s,
                   "seconds that copies have to become equal under traffic")
      ->check(CLI::Range(1, 600))
      ->capture_default_str();
  on_run(verb, context, [&context, arguments] { return verify(context, *arguments); });
}

}  // namespace crossfloor::cli
