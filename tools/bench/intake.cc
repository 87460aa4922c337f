// bench-intake: what does durability cost, told as a ratio to the limit?
//
// The limit is the bare store: the very same batches, byte for byte, committed to a second RocksDB
// with one sync each in the same run. The difference is all that a node does about a message: keyed
// ids, duplicates, entries, chain, seal, rows, placement. As in the node, the core makes the next
// batch on one thread while the storage thread syncs the last one.
#include <kj/async-io.h>
#include <kj/async-unix.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "node/runtime/storage_thread.h"
#include "protocol/check.h"
#include "storage/rocks/rocks_store.h"
#include "tools/bench/bench_node.h"
#include "tools/bench/figures.h"

namespace crossfloor::bench {
namespace {

std::unique_ptr<RocksStore> new_store(const std::string& path) {
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  auto store = open_rocks_store(path);
  XF_CHECK(store.ok());
  return std::move(store).value();
}

// A node and its storage thread. Keeps what was committed, to be committed again to a bare store.
class Pipeline {
 public:
  Pipeline(kj::AsyncIoContext& io, const std::string& folder)
      : io_(io),
        inbox_(io.unixEventPort),
        key_(make_signing_key(mesh_.random())),
        store_(new_store(folder + "/node")) {
    mesh_.admit_node(key_, "bench", "tcp://127.0.0.1:7440");
    node_.emplace(mesh_, key_, "bench", std::vector<std::string>{"bench"}, *store_);
    storage_.emplace(*store_, inbox_,
                     StorageThread::Owner{[this](const auto& done) { committed(done); },
                                          [](const Error& error) {
                                            std::cerr << error.text() << "\n";
                                            std::exit(1);
                                          }},
                     StorageThread::Options{});
    node_->settle_alone();
    submit();
    drain();
    batches_.clear();
    core_seconds_ = 0;
    answered_ = 0;
  }

  void take_in(std::uint64_t request, const IncomingMessage& message) {
    const auto begin = Clock::now();
    node_->core().intake(request, "desk", message, node_->now());
    core_seconds_ += seconds_since(begin);
  }

  // Gives the open batch to the storage thread, if it is free.
  void submit() {
    if (storage_->busy() || !node_->core().has_writes()) return;
    const auto begin = Clock::now();
    auto next = node_->core().next_batch(node_->now());
    core_seconds_ += seconds_since(begin);
    batches_.push_back(next.batch);
    storage_->submit(next.number, std::move(next.batch));
  }

  // Runs the loop until the storage thread is free.
  void wait_until_free() {
    while (storage_->busy()) {
      auto waiting = kj::newPromiseAndFulfiller<void>();
      wake_ = std::move(waiting.fulfiller);
      waiting.promise.wait(io_.waitScope);
    }
  }

  // Until everything is committed.
  void drain() {
    do {
      wait_until_free();
      submit();
    } while (storage_->busy());
  }

  std::function<void(std::uint64_t request)> on_answer;
  std::function<void()> on_committed;
  const std::vector<Batch>& batches() const { return batches_; }
  double core_seconds() const { return core_seconds_; }
  std::uint64_t answered() const { return answered_; }

 private:
  void committed(const StorageThread::Committed& done) {
    const auto begin = Clock::now();
    node_->core().committed(done.up_to, node_->now());
    auto effects = node_->core().take_effects(node_->now());
    core_seconds_ += seconds_since(begin);
    for (const auto& effect : effects) {
      const auto* answer = std::get_if<AnswerIntake>(&effect);
      if (answer == nullptr) continue;
      XF_CHECK(answer->receipt.ok());
      ++answered_;
      if (on_answer) on_answer(answer->request);
    }
    if (on_committed) on_committed();
    if (wake_) wake_->fulfill();
  }

  kj::AsyncIoContext& io_;
  LoopInbox inbox_;
  BenchMesh mesh_;
  SigningKey key_;
  std::unique_ptr<RocksStore> store_;
  std::optional<BenchNode> node_;
  std::optional<StorageThread> storage_;
  kj::Own<kj::PromiseFulfiller<void>> wake_;
  std::vector<Batch> batches_;
  double core_seconds_ = 0;
  std::uint64_t answered_ = 0;
};

double commit_all(const std::vector<Batch>& batches, const std::string& folder) {
  auto bare = new_store(folder + "/bare");
  const auto begin = Clock::now();
  for (const auto& batch : batches) XF_CHECK(bare->commit(batch).ok());
  return seconds_since(begin);
}

void measure_rate(kj::AsyncIoContext& io, const std::string& folder, std::uint64_t size,
                  std::uint64_t messages, std::vector<Figure>& out) {
  Pipeline pipeline(io, folder);
  const auto begin = Clock::now();
  for (std::uint64_t n = 0; n < messages; ++n) {
    pipeline.take_in(n + 1, message_number(n, messages / 4));
    if (n % size != size - 1) continue;
    pipeline.wait_until_free();
    pipeline.submit();
  }
  pipeline.drain();
  const double node = seconds_since(begin);
  XF_CHECK(pipeline.answered() == messages);
  const double bare = commit_all(pipeline.batches(), folder);
  std::size_t bytes = 0;
  std::size_t writes = 0;
  for (const auto& batch : pipeline.batches()) {
    bytes += batch.bytes();
    writes += batch.writes().size();
  }
  const double count = static_cast<double>(messages);
  const std::string named = "batches of " + std::to_string(size) + ": ";
  out.push_back(at_least(named + "intake, durable", bare / node, "", 0.5,
                         std::to_string(static_cast<long>(count / bare)) + "/s of bare RocksDB"));
  out.push_back(told(named + "rate", count / node, "/s"));
  out.push_back(told(named + "core alone", pipeline.core_seconds() / count * 1e6, "us/message"));
  out.push_back(told(named + "bytes written", static_cast<double>(bytes) / count, "B/message"));
  out.push_back(told(named + "keys written", static_cast<double>(writes) / count, "/message"));
}

// 200 messages a second, each from the moment it should have come to its answer; and synced writes
// of the same batches at the same rate.
void measure_latency(kj::AsyncIoContext& io, const std::string& folder, int rate, int messages,
                     std::vector<Figure>& out) {
  Pipeline pipeline(io, folder);
  kj::Timer& timer = io.provider->getTimer();
  std::vector<Clock::time_point> due(static_cast<std::size_t>(messages) + 1);
  std::vector<double> taken;
  pipeline.on_answer = [&](std::uint64_t request) {
    taken.push_back(seconds_since(due[request]) * 1e3);
  };
  pipeline.on_committed = [&] { pipeline.submit(); };
  const auto begin = Clock::now();
  const auto step = std::chrono::nanoseconds(1'000'000'000 / rate);
  const auto wait_for = [&](Clock::time_point when) {
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(when - Clock::now());
    if (left.count() > 0) timer.afterDelay(left.count() * kj::NANOSECONDS).wait(io.waitScope);
  };
  for (int n = 1; n <= messages; ++n) {
    due[static_cast<std::size_t>(n)] = begin + n * step;
    wait_for(due[static_cast<std::size_t>(n)]);
    pipeline.take_in(static_cast<std::uint64_t>(n),
                     message_number(static_cast<std::uint64_t>(n), 200));
    pipeline.submit();
  }
  pipeline.drain();
  pipeline.on_committed = nullptr;

  auto bare = new_store(folder + "/bare");
  std::vector<double> synced;
  const auto bare_begin = Clock::now();
  int n = 0;
  for (const auto& batch : pipeline.batches()) {
    const auto when = bare_begin + ++n * step;
    wait_for(when);
    XF_CHECK(bare->commit(batch).ok());
    synced.push_back(seconds_since(when) * 1e3);
  }
  const std::string named = std::to_string(rate) + " messages/s: ";
  const double p99 = percentile(taken, 0.99);
  const double bare_p99 = percentile(synced, 0.99);
  out.push_back(at_most(named + "acknowledged, p99 to bare p99", p99 / bare_p99, "", 10,
                        "a bare synced write"));
  out.push_back(told(named + "acknowledged, median", percentile(taken, 0.5), "ms"));
  out.push_back(told(named + "acknowledged, p99", p99, "ms"));
  out.push_back(told(named + "bare synced write, median", percentile(synced, 0.5), "ms"));
  out.push_back(told(named + "bare synced write, p99", bare_p99, "ms"));
}

int run(int argc, char** argv) {
  std::uint64_t messages = 20'000;
  std::vector<std::uint64_t> sizes{1, 16, 64, 256};
  int seconds = 5;
  bool as_json = false;
  std::string folder = "bench-data";
  CLI::App app{"Intake with durability on one node, as ratios to bare RocksDB in the same run."};
  app.add_option("--messages", messages, "of each batch size; a tenth of it of batches of 1");
  app.add_option("--batch", sizes, "messages between two syncs; several are measured in turn");
  app.add_option("--seconds", seconds, "of 200 messages a second; 0 leaves that out");
  app.add_option("--folder", folder, "made anew");
  app.add_flag("--json", as_json);
  CLI11_PARSE(app, argc, argv);
  auto io = kj::setupAsyncIo();
  std::vector<Figure> figures;
  for (const auto size : sizes) {
    measure_rate(io, folder, size, size == 1 ? messages / 10 : messages, figures);
  }
  if (seconds > 0) measure_latency(io, folder, 200, 200 * seconds, figures);
  std::filesystem::remove_all(folder);
  std::cout << (as_json ? json(figures) : table(figures));
  return all_reached(figures) ? 0 : 1;
}

}  // namespace
}  // namespace crossfloor::bench

int main(int argc, char** argv) {
  return crossfloor::bench::run(argc, argv);
}
