// bench-store: a store of 1,000,000 entries, as a site has after some years. How long does the node
// take to start on it, how much memory does it hold, how fast is a customer's timeline read?
//
// The store is made by the core of a node in this process: conversations of four messages each,
// closed, spread over two years; some customers wrote 500 messages. The node that starts on it is
// crossfloord.
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "node/core/history.h"
#include "node/runtime/files.h"
#include "protocol/check.h"
#include "storage/rocks/rocks_store.h"
#include "tools/bench/bench_node.h"
#include "tools/bench/figures.h"

extern char** environ;

namespace crossfloor::bench {
namespace {

constexpr std::uint64_t per_conversation = 4;  // messages
constexpr std::uint64_t entries_per_conversation = 2 * per_conversation + 1;
constexpr std::uint64_t regulars = 20;   // customers with a long timeline
constexpr std::uint64_t timeline = 500;  // messages of each
constexpr Duration years = std::chrono::hours(24 * 730);

struct Maker {
  BenchMesh mesh{years};
  SigningKey key = make_signing_key(mesh.random());
  std::string folder;

  Maker(const std::string& folder_given, std::uint64_t entries) : folder(folder_given) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder + "/data/store");
    const auto admission = mesh.admit_node(key, "bench", "tcp://127.0.0.1:7440");
    XF_CHECK(create_file(folder + "/data/node.key", node_key_file(key), 0600).ok());
    XF_CHECK(create_file(folder + "/data/mesh.file", admission.mesh_file, 0600).ok());
    std::filesystem::permissions(folder + "/data", std::filesystem::perms(0750));
    std::filesystem::permissions(folder + "/data/store", std::filesystem::perms(0700));
    std::ofstream(folder + "/site.toml")
        << "[node]\ndata_folder = \"" << std::filesystem::absolute(folder).string() << "/data\"\n"
        << "[mesh]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n"
        << "[[brand]]\nname = \"acme\"\n[[account]]\nname = \"desk\"\nregion = \"eu\"\n"
        << "brand = \"acme\"\nkind = \"chat\"\nhosts = [\"bench\"]\n"
        << "secrets = [\"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\"]\n"
        << "callback = \"http://127.0.0.1:9/replies\"\n";
    RocksOptions options;
    options.write_buffer_bytes = 64 << 20;  // to be quick; the node opens it with its own
    auto store = open_rocks_store(folder + "/data/store", options);
    XF_CHECK(store.ok());
    BenchNode node(mesh, key, "bench", {"bench"}, *store.value());
    node.settle_alone();
    fill(node, *store.value(), entries / entries_per_conversation);
  }

  // Every so many conversations one is a regular's; the others are of customers who wrote once.
  void fill(BenchNode& node, Store& store, std::uint64_t conversations) {
    const Duration step = years / static_cast<std::int64_t>(conversations + 1);
    const std::uint64_t of_regulars = regulars * timeline / per_conversation;
    const std::uint64_t every = std::max<std::uint64_t>(conversations / of_regulars, 1);
    std::uint64_t request = 0;
    for (std::uint64_t c = 0; c < conversations; ++c) {
      node.skip(step);
      const bool regular = c % every == 0;
      const std::string customer =
          regular ? "regular-" + std::to_string(c / every % regulars) : "c" + std::to_string(c);
      std::string first;
      for (std::uint64_t m = 0; m < per_conversation; ++m) {
        IncomingMessage message = message_number(c * per_conversation + m, 1);
        message.customer.external_id = customer;
        if (m == 0) first = message.external_id;
        node.core().intake(++request, "desk", message, node.now());
      }
      DeskCommand close;
      close.id = mesh.random().id<CommandId>();
      close.verb = Verb::close;
      close.conversation =
          node.core().scribe().subjects("eu")->message("desk", first).as<ConversationId>();
      close.by_operator = true;
      close.agent = "bench";
      close.reason = "answered";
      node.core().command(++request, close, node.now());
      if (c % 64 == 63 || c + 1 == conversations) commit(node, store);
    }
  }

  static void commit(BenchNode& node, Store& store) {
    while (node.core().has_writes()) {
      auto next = node.core().next_batch(node.now());
      XF_CHECK(store.commit(next.batch).ok());
      node.core().committed(next.number, node.now());
    }
    for (const auto& effect : node.core().take_effects(node.now())) {
      if (const auto* answer = std::get_if<AnswerIntake>(&effect)) XF_CHECK(answer->receipt.ok());
      if (const auto* answer = std::get_if<AnswerCommand>(&effect)) XF_CHECK(answer->answer.ok);
    }
  }
};

// Starts crossfloord, waits for its line "ready …", and looks at what it holds in memory.
struct Started {
  double seconds = 0;
  double resident_mib = 0;
};
Started start_node(const std::string& program, const std::string& config) {
  int ends[2];
  XF_CHECK(::pipe(ends) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  std::string words[] = {program, "--config", config};
  char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t child = 0;
  const auto begin = Clock::now();
  XF_CHECK(::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::string line;
  for (char c = 0; ::read(ends[0], &c, 1) == 1 && c != '\n';) line.push_back(c);
  Started started;
  started.seconds = seconds_since(begin);
  std::ifstream status("/proc/" + std::to_string(child) + "/status");
  for (std::string row; std::getline(status, row);) {
    if (row.starts_with("VmRSS:")) started.resident_mib = std::stod(row.substr(6)) / 1024;
  }
  ::kill(child, SIGTERM);
  int ended = 0;
  ::waitpid(child, &ended, 0);
  ::close(ends[0]);
  if (!line.starts_with("ready ")) {
    std::cerr << program << " did not become ready: " << line << "\n";
    std::exit(1);
  }
  return started;
}

// A store that grew over years has no rest of an hour's filling to compact: waits until its files
// have not changed for two seconds.
void let_it_rest(const RocksStore& store) {
  std::uint64_t before = 0;
  for (int unchanged = 0; unchanged < 4;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const std::uint64_t bytes = store.disk_bytes();
    unchanged = bytes == before ? unchanged + 1 : 0;
    before = bytes;
  }
}

// All pages of each regular's timeline, from a snapshot, as the node's reader threads read them.
struct Reads {
  std::vector<double> pages;  // milliseconds
  std::vector<double> timelines;
};
Reads read_timelines(const Maker& maker, int rounds) {
  auto store = open_rocks_store(maker.folder + "/data/store");
  XF_CHECK(store.ok());
  let_it_rest(*store.value());
  const Subjects subjects(maker.mesh.crypto(),
                          maker.mesh.authority().region_secret(maker.mesh.crypto(), "eu"));
  Reads taken;
  for (int round = 0; round < rounds; ++round) {
    for (std::uint64_t r = 0; r < regulars; ++r) {
      const auto handle = subjects.handle("acme", "chat", "regular-" + std::to_string(r));
      const auto begin = Clock::now();
      const auto snapshot = store.value()->snapshot();
      std::size_t items = 0;
      PageWanted wanted{"", client::max_page};
      do {
        const auto asked = Clock::now();
        auto page = customer_history(*snapshot, handle, wanted);
        XF_CHECK(page.ok());
        taken.pages.push_back(seconds_since(asked) * 1e3);
        items += page.value().items.size();
        wanted.before = page.value().next;
      } while (!wanted.before.empty() && items < timeline);
      taken.timelines.push_back(seconds_since(begin) * 1e3);
      XF_CHECK(items >= timeline * 9 / 10);
    }
  }
  return taken;
}

int run(int argc, char** argv) {
  std::uint64_t entries = 1'000'000;
  std::string folder = "bench-data";
  std::string program =
      (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "crossfloord").string();
  bool keep = false;
  bool as_json = false;
  CLI::App app{"Start and timelines on a store of many entries."};
  app.add_option("--entries", entries);
  app.add_option("--folder", folder, "made anew");
  app.add_option("--node", program, "crossfloord; default: the one beside this program");
  app.add_flag("--keep", keep, "leave the folder behind; its site.toml starts a node");
  app.add_flag("--json", as_json);
  CLI11_PARSE(app, argc, argv);

  std::vector<Figure> figures;
  const auto begin = Clock::now();
  const Maker maker(folder, entries);
  const double made = seconds_since(begin);
  figures.push_back(told("entries made", static_cast<double>(entries) / made, "/s"));

  std::vector<double> starts;
  std::vector<double> resident;
  for (int i = 0; i < 3; ++i) {
    const auto started = start_node(program, folder + "/site.toml");
    starts.push_back(started.seconds);
    resident.push_back(started.resident_mib);
  }
  const std::string store = std::to_string(entries) + " entries: ";
  figures.push_back(at_most(store + "start to ready, worst of 3", percentile(starts, 1), "s", 2));
  figures.push_back(at_most(store + "resident at ready", percentile(resident, 1), "MiB", 200));

  const auto taken = read_timelines(maker, 10);
  const std::string read = "timeline of " + std::to_string(timeline) + " messages";
  figures.push_back(
      at_most(store + read + ", a page, p99", percentile(taken.pages, 0.99), "ms", 20));
  figures.push_back(told(store + read + ", a page, median", percentile(taken.pages, 0.5), "ms"));
  figures.push_back(
      at_most(store + read + ", all pages, p99", percentile(taken.timelines, 0.99), "ms", 20));
  figures.push_back(
      told(store + read + ", all pages, median", percentile(taken.timelines, 0.5), "ms"));
  if (!keep) std::filesystem::remove_all(folder);
  std::cout << (as_json ? json(figures) : table(figures));
  return all_reached(figures) ? 0 : 1;
}

}  // namespace
}  // namespace crossfloor::bench

int main(int argc, char** argv) {
  return crossfloor::bench::run(argc, argv);
}
