#include "node/shell/foundation.h"

#include <algorithm>

#include "node/runtime/account_fingerprint.h"
#include "node/runtime/log.h"
#include "storage/rebuild.h"

namespace crossfloor {
namespace {

// NodeCore keeps documents that came later than the mesh file under this prefix.
constexpr ByteView document_prefix = "D";

ChannelKind channel_of(AccountConfig::Kind kind) {
  switch (kind) {
    case AccountConfig::Kind::chat:
      return ChannelKind::chat;
    case AccountConfig::Kind::social:
      return ChannelKind::social;
    case AccountConfig::Kind::email:
      return ChannelKind::email;
    case AccountConfig::Kind::call:
      return ChannelKind::call;
    case AccountConfig::Kind::other:
      return ChannelKind::other;
  }
  return ChannelKind::other;
}

AccountSettings account_of(const AccountConfig& config, const NodeSettings& node,
                           const std::string& own_id, bool may_host) {
  AccountSettings out;
  out.name = config.name;
  out.region = config.region;
  out.brand = config.brand;
  out.channel = channel_of(config.kind);
  out.hosts = config.hosts;
  out.trusted_ref = config.trust_customer_ref;
  out.repeatable = config.repeatable;
  out.lookup = config.lookup;
  const bool named = std::any_of(config.hosts.begin(), config.hosts.end(), [&](const auto& host) {
    return host == node.site || host == own_id;
  });
  out.hosted_here =
      may_host && named && !config.secrets.empty() && node.region_secrets.count(config.region) == 1;
  out.target = config.first_response;
  out.next_target = config.next_response;
  out.requeue_when_late = config.requeue_when_late;
  out.times.helper_after = config.helper_after;
  out.times.optional_skills_after = config.optional_skills_after;
  out.times.last_agent_wait = config.last_agent_wait;
  out.times.pull_margin = config.pull_margin;
  out.times.ring = config.ring;
  out.times.lease = config.lease;
  out.times.agent_gone_after = config.agent_gone_after;
  out.auto_accept = config.auto_accept;
  out.language = config.language;
  out.skills = config.skills;
  out.optional_skills = config.optional_skills;
  return out;
}

Status read_documents(const Reader& store, Roster& roster) {
  return store.scan(document_prefix, after_prefix(document_prefix), [&](ByteView, ByteView text) {
    if (auto added = roster.add(text); !added.ok())
      log_warning("document_passed_over", {{"why", added.error().what}});
    return true;
  });
}

}  // namespace

Foundation::Foundation(Config config_given, DataFolder folder_given, SigningKey key_given,
                       MeshFile mesh_given, Roster roster_given, NodeSettings settings_given,
                       std::unique_ptr<RocksStore> store_given)
    : config(std::move(config_given)),
      folder(std::move(folder_given)),
      key(key_given),
      mesh(std::move(mesh_given)),
      roster(std::move(roster_given)),
      settings(std::move(settings_given)),
      store(std::move(store_given)) {}

Foundation::Outcome Foundation::lay(Config config, const Crypto& crypto, WallTime wall, Mode mode) {
  const auto fail = [](Error error) { return Outcome{nullptr, {{std::move(error)}, false}}; };
  auto folder = DataFolder::open(config.node.data_folder);
  if (!folder.ok()) return fail(folder.error());
  auto key = folder.value().read_node_key();
  if (!key.ok()) return fail(key.error());
  auto text = folder.value().read_mesh_file();
  if (!text.ok()) return fail(text.error());
  auto mesh = open_mesh_file(crypto, key.value(), text.value());
  if (!mesh.ok()) {
    Error error = mesh.error();
    error.where = folder.value().mesh_file() + (error.where.empty() ? "" : ", " + error.where);
    return fail(error);
  }

  RocksOptions options;
  options.write_buffer_bytes = config.storage.write_buffer;
  options.block_cache_bytes = config.storage.cache;
  options.reserve_bytes = reserve_of(config.storage);
  options.read_only = mode == Mode::reading;
  auto store = open_rocks_store(folder.value().store(), options);
  if (!store.ok()) return fail(store.error());
  if (const auto& cut = store.value()->shortened()) {
    log_warning("store_shortened", {{"what", *cut}});
  }

  Roster roster(crypto, mesh.value().authority);
  for (const auto& document : mesh.value().documents) {
    if (auto added = roster.add(document); !added.ok()) return fail(added.error());
  }
  if (auto read = read_documents(*store.value(), roster); !read.ok()) return fail(read.error());
  const NodeId self = key.value().node();
  if (const Revocation* revoked = roster.revocation(self)) {
    return fail({ErrorCode::forbidden, "this node was revoked: " + revoked->reason,
                 folder.value().path(),
                 "let it join anew: an empty data folder, crossfloor node keygen, mesh admit"});
  }
  const Certificate* own = roster.certificate(self);
  if (own == nullptr) {
    return fail({ErrorCode::not_found, "holds no certificate of this node",
                 folder.value().mesh_file(), "crossfloor mesh admit"});
  }
  if (!own->valid_at(wall)) {
    log_error("certificate_not_in_force",
              Error{ErrorCode::forbidden,
                    "the certificate of this node is not in force now; other nodes refuse it",
                    folder.value().mesh_file(), "crossfloor mesh admit, and check the clock"});
  }
  if (auto complaints = check_against_certificate(config, *own); !complaints.empty()) {
    return {nullptr, {std::move(complaints), true}};
  }
  NodeSettings settings = settings_of(crypto, config, *own, mesh.value().secrets);
  return {std::unique_ptr<Foundation>(new Foundation(
              std::move(config), std::move(folder).value(), key.value(), std::move(mesh).value(),
              std::move(roster), std::move(settings), std::move(store).value())),
          {}};
}

Status rebuild(Foundation& foundation, const Crypto& crypto) {
  std::map<Region, Subjects> subjects;
  for (const auto& [region, secret] : foundation.settings.region_secrets) {
    subjects.emplace(region, Subjects(crypto, secret));
  }
  const Projections projections([&](const Region& region) {
    const auto at = subjects.find(region);
    return at == subjects.end() ? nullptr : &at->second;
  });
  log_info("rebuild_begins");
  auto done = rebuild_rows(*foundation.store, projections);
  if (!done.ok()) return done.error();
  log_info("rebuild_ended",
           {{"entries", done.value().entries_folded}, {"rows_dropped", done.value().rows_dropped}});
  return {};
}

std::size_t reserve_of(const StorageConfig& config) {
  return 4 * config.write_buffer;
}

NodeSettings settings_of(const Crypto& crypto, const Config& config, const Certificate& own,
                         const std::map<Region, Secret>& secrets) {
  NodeSettings out;
  out.site = own.site;
  out.home_region = own.home_region;
  const auto& asked = config.node.regions;
  for (const auto& [region, secret] : secrets) {
    const bool wanted =
        asked.empty() || std::find(asked.begin(), asked.end(), region) != asked.end();
    // The home region carries the node's own records, whatever the config asks for.
    if (own.may_hold(region) && (wanted || region == own.home_region)) {
      out.region_secrets.emplace(region, secret);
    }
  }
  const MeshConfig& mesh = config.mesh;
  out.durability =
      mesh.durability == MeshConfig::Durability::mesh ? Durability::mesh : Durability::site;
  out.when_alone =
      mesh.when_alone == MeshConfig::WhenAlone::accept ? WhenAlone::accept : WhenAlone::refuse;
  out.takeover =
      mesh.takeover == MeshConfig::Takeover::any ? TakeoverRule::any : TakeoverRule::majority;
  out.takeover_after = mesh.takeover_after;
  out.takeover_after_new = mesh.takeover_after_new;
  out.alone_after = mesh.durability_wait;
  out.reopen_within = mesh.reopen_within;
  out.wan = mesh.profile == MeshConfig::Profile::wan;
  out.version = CROSSFLOOR_VERSION;
  out.may_serve = own.has_right(Certificate::right_serve);
  for (const auto& topic : config.topics) {
    out.topic_weights[topic.name] = topic.weight_percent * 10;
  }
  const bool may_host = own.has_right(Certificate::right_host);
  const std::string own_id = own.node.hex();
  for (const auto& account : config.accounts) {
    AccountSettings settings = account_of(account, out, own_id, may_host);
    settings.prints = account_prints(crypto, account, config.topics);
    out.accounts.emplace(account.name, std::move(settings));
  }
  return out;
}

}  // namespace crossfloor
