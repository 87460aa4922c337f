// bench intake: what does durability cost, told as a ratio to the limit?
//
// The limit is the bare store: the very same batches, byte for byte, committed to a second RocksDB
// with one sync each in the same run. The difference is all that a node does about a message: keyed
// ids, duplicates, entries, chain, seal, rows, placement.
#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>

#include "node/core/node_core.h"
#include "protocol/check.h"
#include "protocol/join.h"
#include "storage/rocks/rocks_store.h"

namespace {

using namespace crossfloor;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Now machine_now() {
  const auto steady = std::chrono::duration_cast<Duration>(Clock::now().time_since_epoch());
  const auto wall =
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch());
  return {Instant{steady}, WallTime{wall}};
}

}  // namespace

int main(int argc, char** argv) {
  int messages = 20'000;
  int batch_size = 64;
  int customers = 5'000;
  std::string folder = "bench-data";
  CLI::App app{
      "Intake with durability on one node, as a ratio to bare RocksDB with the same bytes."};
  app.add_option("--messages", messages);
  app.add_option("--batch", batch_size, "messages between two syncs");
  app.add_option("--customers", customers);
  app.add_option("--folder", folder, "made anew");
  CLI11_PARSE(app, argc, argv);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);

  SodiumCrypto crypto;
  SystemRandom random;
  auto authority = make_authority(random, {"eu"});
  const SigningKey key = make_signing_key(random);
  auto request = make_request(crypto, key, "bench", {"tcp://127.0.0.1:7440"});
  AdmitOptions options;
  options.home_region = "eu";
  auto admission =
      admit(crypto, random, authority.value(), request.value(), options, {}, machine_now().wall);
  Roster roster(crypto, authority.value().node());
  XF_CHECK(roster.add(admission.value().certificate.text).ok());
  NodeSettings settings;
  settings.site = "bench";
  settings.home_region = "eu";
  settings.region_secrets["eu"] = authority.value().region_secret(crypto, "eu");
  AccountSettings account;
  account.name = "desk";
  account.region = "eu";
  account.brand = "acme";
  account.hosts = {"bench"};
  account.hosted_here = true;
  settings.accounts["desk"] = account;

  auto store = open_rocks_store(folder + "/node");
  auto bare = open_rocks_store(folder + "/bare");
  XF_CHECK(store.ok() && bare.ok());
  NodeCore core({key, roster.mesh(), random.next()}, settings,
                {crypto, random, *store.value(), roster}, machine_now().wall);
  XF_CHECK(core.open(machine_now()).ok());
  const auto alone_until = machine_now().steady + Duration{2'300};
  while (machine_now().steady < alone_until) core.tick(machine_now());

  std::vector<Batch> batches;
  std::size_t bytes = 0;
  double node_time = 0;
  double core_time = 0;
  std::size_t answered = 0;
  const auto commit = [&] {
    while (core.has_writes()) {
      const auto begin = Clock::now();
      auto next = core.next_batch(machine_now());
      core_time += seconds_since(begin);
      XF_CHECK(store.value()->commit(next.batch).ok());
      const auto after = Clock::now();
      core.committed(next.number, machine_now());
      for (const auto& effect : core.take_effects(machine_now())) {
        if (std::holds_alternative<AnswerIntake>(effect)) ++answered;
      }
      core_time += seconds_since(after);
      bytes += next.batch.bytes();
      batches.push_back(std::move(next.batch));
    }
  };
  commit();
  const auto begin = Clock::now();
  for (int i = 0; i < messages; ++i) {
    IncomingMessage message;
    message.external_id = "m" + std::to_string(i);
    message.customer.external_id = "c" + std::to_string(random.below(customers));
    message.text = std::string(400, 'x');
    const auto one = Clock::now();
    core.intake(i + 1, "desk", message, machine_now());
    core_time += seconds_since(one);
    if (i % batch_size == batch_size - 1) commit();
  }
  commit();
  node_time = seconds_since(begin);

  const auto bare_begin = Clock::now();
  for (const auto& batch : batches) XF_CHECK(bare.value()->commit(batch).ok());
  const double bare_time = seconds_since(bare_begin);

  const double per = 1e6 / messages;
  std::cout << "messages " << messages << ", answered " << answered << ", batches "
            << batches.size() << ", " << bytes / static_cast<std::size_t>(messages)
            << " bytes a message\n"
            << "node " << static_cast<int>(messages / node_time) << "/s (core " << core_time * per
            << " us, all " << node_time * per << " us a message)\n"
            << "bare " << static_cast<int>(messages / bare_time) << "/s (" << bare_time * per
            << " us a message)\n"
            << "ratio " << bare_time / node_time << " (to reach: 0.5)\n";
  std::filesystem::remove_all(folder);
  return 0;
}
