// What machines ask of a node without being anybody: whether it lives, whether it is ready, its
// figures; and the door at which certificates and revocations, which prove themselves, are left.
#pragma once

#include <functional>
#include <string>

#include "node/gateway/router.h"
#include "node/shell/core_driver.h"

namespace crossfloor {

class NodeApi {
 public:
  struct Sources {
    std::function<Status()> ready;         // or why not
    std::function<std::string()> metrics;  // Prometheus' text
    // The revocation of the node whose certificate this is; nothing if it is none, or not revoked.
    std::function<std::optional<Bytes>(const Bytes& certificate)> revocation_for;
  };
  NodeApi(CoreDriver& driver, Sources sources) : driver_(driver), sources_(std::move(sources)) {}

  void add_to(HttpRouter& router);

 private:
  HttpReply ready() const;
  HttpReply put_certificate(const HttpRequest& request);
  bool may_put_now();

  CoreDriver& driver_;
  Sources sources_;
  double allowance_ = 20;  // of documents that may be put at once
  Instant refilled_{};
};

}  // namespace crossfloor
