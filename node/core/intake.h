// How a channel's message becomes an entry, and when its channel is told: at once if it is known or
// cannot be taken, else when it is as durable as the site promises.
#pragma once

#include "node/core/mesh_view.h"
#include "node/core/outlet.h"
#include "node/core/receipts.h"
#include "node/core/replication.h"
#include "node/core/scribe.h"

namespace crossfloor {

class Intake {
 public:
  Intake(Scribe& scribe, const NodeSettings& settings, const MeshView& mesh,
         const Replication& replication, Outlet& outlet)
      : scribe_(scribe),
        settings_(settings),
        mesh_(mesh),
        replication_(replication),
        outlet_(outlet) {}

  // Answered by AnswerIntake. Errors there: not_found (no such account here), unavailable (send it
  // again later, or to another host), full (too many revisions), corrupt, io.
  void take(RequestId request, const std::string& account, const IncomingMessage& message, Now now);
  // From now on nothing is taken in.
  void stop() { stopping_ = true; }

  Receipts& receipts() { return receipts_; }
  // Answers all that is durable by now, or waits for nodes that are not in reach.
  void release(Now now);
  std::size_t waiting() const { return receipts_.size(); }

 private:
  // Why a message for this account cannot be taken now; nothing: it can.
  std::optional<Error> refusal(const std::string& name, const AccountSettings* account, bool mesh,
                               Now now) const;
  bool asks_mesh(const AccountSettings& account, Now now) const;
  Result<Receipt> write(const AccountSettings& account, const IncomingMessage& message, Now now);
  // No other node of the region was in reach for so long that nobody waits for one any more.
  bool given_up(const Region& region, Now now) const;
  void answer_when_durable(RequestId request, const Receipt& receipt);

  Scribe& scribe_;
  const NodeSettings& settings_;
  const MeshView& mesh_;
  const Replication& replication_;
  Outlet& outlet_;
  Receipts receipts_;
  std::map<Region, Instant> alone_since_;
  bool stopping_ = false;
};

}  // namespace crossfloor
