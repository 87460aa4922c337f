// What the core must know of its configuration; the runtime reads it from site.toml and the mesh
// file, the simulator makes it up.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "node/desk/account_times.h"
#include "protocol/crypto.h"
#include "protocol/ids.h"
#include "protocol/service_class.h"
#include "protocol/time.h"

namespace crossfloor {

struct AccountSettings {
  std::string name;
  Region region;
  std::string brand;
  ChannelKind channel = ChannelKind::chat;
  std::vector<std::string> hosts;  // sites or node ids (hexadecimal), first choice first
  bool trusted_ref = false;        // customer_ref joins handles
  bool repeatable = true;          // the receiver drops repetitions by the reply's id
  bool lookup = false;             // the receiver can be asked what became of a reply
  bool hosted_here = false;        // this node holds its secrets and callback
  Duration target{30'000};         // first response
  Duration next_target{0};         // of each further answer; 0: the same
  bool requeue_when_late = false;  // an agent who misses next_target loses it to the queue
  AccountTimes times;
  bool auto_accept = false;
  // Each setting as configured, secrets too, with a short hash of its value: hosts compare these.
  std::map<std::string, std::string> prints;
  std::string language;                      // of messages that name none; empty: none
  std::vector<std::string> skills;           // that every message needs, besides those it names
  std::vector<std::string> optional_skills;  // of the agents who are asked first
};

enum class Durability { mesh, site };
enum class WhenAlone { accept, refuse };
enum class TakeoverRule { any, majority };

struct NodeSettings {
  std::string site;
  Region home_region;
  std::map<Region, Secret> region_secrets;  // of the regions that this node holds
  Durability durability = Durability::mesh;
  WhenAlone when_alone = WhenAlone::accept;
  TakeoverRule takeover = TakeoverRule::any;
  Duration takeover_after{60'000};
  Duration takeover_after_new{3'000};
  Duration alone_after{2'000};  // mesh durability: no other node in reach for this long
  Duration reopen_within{std::chrono::hours(72)};
  bool may_serve = true;  // the certificate lets agents of this node be given conversations
  bool wan = false;
  std::string version = "0.1.0";
  std::map<std::string, AccountSettings> accounts;     // by name
  std::map<std::string, std::uint32_t> topic_weights;  // thousandths; others weigh 1000

  const AccountSettings* account(const std::string& name) const {
    const auto at = accounts.find(name);
    return at == accounts.end() ? nullptr : &at->second;
  }
};

}  // namespace crossfloor
