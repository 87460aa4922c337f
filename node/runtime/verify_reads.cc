#include "node/runtime/verify_reads.h"

namespace crossfloor {

void VerifyReads::start(const ReadVerify& wanted, std::shared_ptr<const Reader> snapshot,
                        Then then) {
  next(std::make_shared<Job>(Job{wanted.ticket, VerifyReading(crypto_, wanted.question),
                                 std::move(snapshot), std::move(then)}));
}

void VerifyReads::next(const std::shared_ptr<Job>& job) {
  using Slice = Result<std::optional<std::string>>;
  const auto queued = readers_.run([job] { return Slice(job->reading.step(*job->snapshot)); },
                                   [this, job](Slice slice) {
                                     if (!slice.ok()) {
                                       job->then(job->ticket, verify_error(slice.error()));
                                     } else if (slice.value()) {
                                       job->then(job->ticket, *slice.value());
                                     } else {
                                       next(job);
                                     }
                                   });
  if (!queued.ok()) job->then(job->ticket, verify_error(queued.error()));
}

}  // namespace crossfloor
