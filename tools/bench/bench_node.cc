#include "tools/bench/bench_node.h"

#include "node/runtime/clock.h"
#include "protocol/check.h"

namespace crossfloor::bench {

BenchMesh::BenchMesh(Duration age)
    : age_(age), authority_(std::move(make_authority(random_, {"eu"})).value()) {}

Admission BenchMesh::admit_node(const SigningKey& key, const std::string& site,
                                const std::string& address) {
  auto request = make_request(crypto_, key, site, {address});
  XF_CHECK(request.ok());
  AdmitOptions options;
  options.home_region = "eu";
  options.valid += age_;
  Bytes issued;
  for (const auto& certificate : certificates_) {
    issued += (issued.empty() ? "" : "\n") + certificate;
  }
  auto admission = admit(crypto_, random_, authority_, request.value(), options, issued,
                         machine_now().wall - age_);
  XF_CHECK(admission.ok());
  certificates_.push_back(admission.value().certificate.text);
  return std::move(admission).value();
}

BenchNode::BenchNode(BenchMesh& mesh, const SigningKey& key, const std::string& site,
                     std::vector<std::string> hosts, const Store& store)
    : age_(mesh.age()), roster_(mesh.crypto(), mesh.authority().node()) {
  for (const auto& certificate : mesh.certificates()) XF_CHECK(roster_.add(certificate).ok());
  settings_.site = site;
  settings_.home_region = "eu";
  settings_.durability = Durability::site;
  settings_.reopen_within = std::chrono::hours(24);
  settings_.region_secrets["eu"] = mesh.authority().region_secret(mesh.crypto(), "eu");
  AccountSettings account;
  account.name = "desk";
  account.region = "eu";
  account.brand = "acme";
  account.hosts = std::move(hosts);
  account.hosted_here = account.hosts.front() == site;
  if (account.hosted_here) settings_.accounts["desk"] = account;
  core_ = std::make_unique<NodeCore>(
      Scribe::Identity{key, roster_.mesh(), mesh.random().next()}, settings_,
      NodeCore::Parts{mesh.crypto(), mesh.random(), store, roster_}, now().wall);
  XF_CHECK(core_->open(now()).ok());
}

Now BenchNode::now() const {
  const Now machine = machine_now();
  return {machine.steady + skipped_, machine.wall + skipped_ - age_};
}

void BenchNode::skip(Duration time) {
  skipped_ += time;
  core_->tick(now());
}

void BenchNode::settle_alone() {
  for (int i = 0; i < 60; ++i) skip(Duration{100});
}

IncomingMessage message_number(std::uint64_t n, std::uint64_t customers) {
  IncomingMessage message;
  message.external_id = "m" + std::to_string(n);
  message.customer.external_id = "c" + std::to_string(n * 2654435761 % customers);
  message.text = std::string(400, 'x');
  return message;
}

}  // namespace crossfloor::bench
