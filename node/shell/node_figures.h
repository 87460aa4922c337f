// Fills in the figures that are not counted as they happen but looked up when somebody asks.
#pragma once

#include "node/gateway/http_server.h"
#include "node/runtime/metrics.h"
#include "node/runtime/storage_thread.h"
#include "node/runtime/watchdog.h"
#include "node/shell/core_driver.h"
#include "node/shell/mesh_traffic.h"

namespace crossfloor {

class NodeFigures {
 public:
  explicit NodeFigures(Metrics& metrics);

  void committed(const StorageThread::Committed& done);
  void late(Duration by);

  struct Sources {
    const CoreDriver& driver;
    const MeshTraffic* traffic;  // none: this node only reads
    const Watchdog& watchdog;
    const HttpServerFigures& http;
    std::uint64_t disk_bytes = 0;
  };
  // The text of GET /metrics.
  std::string text(const Sources& sources);

 private:
  void core(const CoreDriver& driver);
  void links(const Links& links);
  void queues(const LinkView& links);
  void watchdog(const Watchdog& watchdog);
  void http(const HttpServerFigures& figures);
  // Brings a counter up to a total that is kept elsewhere.
  void total(const std::string& name, const std::string& help, const Metrics::Labels& labels,
             double value);

  Metrics& metrics_;
  Counter& commits_;
  Histogram& commit_bytes_;
  Histogram& commit_seconds_;
  Histogram& late_seconds_;
};

}  // namespace crossfloor
