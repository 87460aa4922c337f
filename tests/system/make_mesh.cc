// Makes the data folders of a mesh for tests that run real processes:
//
//   make_mesh FOLDER REGION NODE...     NODE is NAME=tcp://HOST:PORT[,http://HOST:PORT]
//
// writes FOLDER/NAME/{node.key,mesh.file} for each, and FOLDER/authority.key. Every node's mesh
// file knows those named before it. With "--add" the authority that lies in FOLDER admits more;
// with "--valid SECONDS" behind it, for so long.
#include <cstdio>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "node/runtime/clock.h"
#include "node/runtime/files.h"
#include "protocol/join.h"

namespace crossfloor {
namespace {

template <typename T>
T must(Result<T> result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "make_mesh: %s\n", result.error().text().c_str());
  std::exit(1);
}

void must(Status status) {
  if (status.ok()) return;
  std::fprintf(stderr, "make_mesh: %s\n", status.error().text().c_str());
  std::exit(1);
}

constexpr std::size_t most = 4 << 20;

void admit_node(const Authority& authority, const std::string& folder, const std::string& region,
                const std::string& written, std::optional<Duration> valid) {
  const SodiumCrypto crypto;
  SystemRandom random;
  const auto equals = written.find('=');
  const std::string name = written.substr(0, equals);
  std::vector<std::string> addresses;
  std::stringstream list(written.substr(equals + 1));
  for (std::string address; std::getline(list, address, ',');) addresses.push_back(address);

  const std::string home = folder + "/" + name;
  std::filesystem::create_directories(home);
  const SigningKey key = make_signing_key(random);
  must(create_file(home + "/node.key", node_key_file(key), 0600));
  const auto request = must(make_request(crypto, key, name, addresses));
  const std::string issued_path = folder + "/issued";
  const Bytes issued =
      std::filesystem::exists(issued_path) ? must(read_file(issued_path, most)) : Bytes();
  AdmitOptions options;
  options.home_region = region;
  if (valid) options.valid = *valid;
  const auto admission =
      must(admit(crypto, random, authority, request, options, issued, machine_now().wall));
  must(create_file(home + "/mesh.file", admission.mesh_file, 0600));
  must(replace_file(issued_path, issued + (issued.empty() ? "" : "\n") + admission.certificate.text,
                    0644));
}

int run(int count, char** words) {
  std::vector<std::string> arguments(words + 1, words + count);
  const auto take = [&](const std::string& option) {
    const bool there = !arguments.empty() && arguments[0] == option;
    if (there) arguments.erase(arguments.begin());
    return there;
  };
  const bool add = take("--add");
  std::optional<Duration> valid;
  if (take("--valid") && !arguments.empty()) {
    valid = std::chrono::seconds(std::stoll(arguments[0]));
    arguments.erase(arguments.begin());
  }
  if (arguments.size() < 3) {
    std::fprintf(stderr,
                 "usage: make_mesh [--add] [--valid SECONDS] FOLDER REGION "
                 "NAME=ADDRESS[,ADDRESS]...\n");
    return 2;
  }
  const std::string folder = arguments[0], region = arguments[1];
  SystemRandom random;
  const std::string path = folder + "/authority.key";
  if (!add) {
    must(create_file(path, authority_file(must(make_authority(random, {region}))), 0600));
  }
  const Authority authority = must(parse_authority(must(read_own_file(path, most))));
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    admit_node(authority, folder, region, arguments[i], valid);
  }
  return 0;
}

}  // namespace
}  // namespace crossfloor

int main(int count, char** words) {
  return crossfloor::run(count, words);
}
