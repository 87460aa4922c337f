#include "node/shell/node_api.h"

#include <algorithm>

#include "protocol/document.h"

namespace crossfloor {
namespace {

// Checking a signature is cheap, but anybody may ask for it.
constexpr double puts_at_once = 20;
constexpr double puts_per_second = 5;

}  // namespace

void NodeApi::add_to(HttpRouter& router) {
  router.add("GET", "/healthz", [](HttpRequest) -> kj::Promise<HttpReply> {
    return HttpReply::json("{\"alive\":true}");
  });
  router.add("GET", "/readyz", [this](HttpRequest) -> kj::Promise<HttpReply> { return ready(); });
  router.add("GET", "/metrics", [this](HttpRequest) -> kj::Promise<HttpReply> {
    return HttpReply{200, sources_.metrics(), "text/plain; version=0.0.4", {}};
  });
  router.add(
      "PUT", "/v1/certificates",
      [this](HttpRequest request) -> kj::Promise<HttpReply> { return put_certificate(request); },
      Document::max_bytes);
}

HttpReply NodeApi::ready() const {
  const Status status = sources_.ready();
  if (status.ok()) return HttpReply::json("{\"ready\":true}");
  return HttpReply::problem(status.error(), 503);
}

HttpReply NodeApi::put_certificate(const HttpRequest& request) {
  if (!may_put_now()) {
    HttpReply reply = HttpReply::problem(
        {ErrorCode::full, "too many documents at once", "", "send it again in a second"}, 429);
    reply.headers.emplace_back("Retry-After", "1");
    return reply;
  }
  auto added = driver_.call(
      "document", [&](NodeCore& core, Now now) { return core.add_document(request.body, now); });
  if (!added.ok()) {
    // A signature that does not fit is the sender's fault, whatever it would be on our own disk.
    const bool broken = added.error().code == ErrorCode::corrupt;
    return broken ? HttpReply::problem(added.error(), 400) : HttpReply::problem(added.error());
  }
  // Whoever shows this certificate no longer gets past the handshake, where nobody tells it why.
  if (auto revoked = sources_.revocation_for(request.body)) {
    return HttpReply{403, std::move(*revoked), "text/plain", {}};
  }
  return HttpReply::json(added.value() ? "{\"fresh\":true}" : "{\"fresh\":false}");
}

bool NodeApi::may_put_now() {
  const Instant now = machine_now().steady;
  const std::chrono::duration<double> since = now - refilled_;
  refilled_ = now;
  allowance_ = std::min(puts_at_once, allowance_ + since.count() * puts_per_second);
  if (allowance_ < 1) return false;
  allowance_ -= 1;
  return true;
}

}  // namespace crossfloor
