#include "node/core/rights.h"

namespace crossfloor {
namespace {

constexpr const char* member = nullptr;
constexpr const char* host = Certificate::right_host;
constexpr const char* serve = Certificate::right_serve;
constexpr const char* operate = Certificate::right_operate;

// Who steers conversations says the first, who works on them the second.
const char* needed(const Offer&) {
  return host;
}
const char* needed(const Release&) {
  return host;
}
const char* needed(const Commit&) {
  return host;
}
const char* needed(const Grant&) {
  return host;
}
const char* needed(const Deny&) {
  return host;
}
const char* needed(const BackHeard&) {
  return host;
}
const char* needed(const Withdrawn&) {
  return host;
}
const char* needed(const Held&) {
  return serve;
}
const char* needed(const Decline&) {
  return serve;
}
const char* needed(const Pull&) {
  return serve;
}
const char* needed(const Ringing&) {
  return serve;
}
const char* needed(const Back&) {
  return serve;
}

const char* needed(const Renew&) {
  return serve;
}
const char* needed(const LeaseSet&) {
  return serve;
}
const char* needed(const Resume&) {
  return serve;
}
const char* needed(const Renewed&) {
  return host;
}
const char* needed(const LeaseVerdict&) {
  return host;
}
const char* needed(const ResumeAnswer&) {
  return host;
}

const char* needed(const DeskCommand& command) {
  return command.by_operator ? operate : serve;
}
const char* needed(const CommandAnswer&) {
  return host;
}
const char* needed(const SeenQuestion&) {
  return host;
}
const char* needed(const SeenAnswer&) {
  return member;
}
const char* needed(const InspectQuestion&) {
  return operate;
}
const char* needed(const InspectAnswer&) {
  return member;
}

// These say what a node itself is and holds; regions are checked for each stream and each page.
const char* needed(const MembershipFrame&) {
  return member;
}
const char* needed(const LoadFrame&) {
  return member;
}
const char* needed(const ReplicationFrame&) {
  return member;
}

template <class Frame>
const char* needed_in(const Frame& frame) {
  return std::visit([](const auto& message) { return needed(message); }, frame.message);
}
const char* needed(const RoutingFrame& frame) {
  return needed_in(frame);
}
const char* needed(const LeaseFrame& frame) {
  return needed_in(frame);
}
const char* needed(const DeskFrame& frame) {
  return needed_in(frame);
}

}  // namespace

const char* right_needed(const PeerMessage& message) {
  return std::visit([](const auto& frame) { return needed(frame); }, message);
}

Status may_say(const Roster& roster, const NodeId& from, const PeerMessage& message,
               WallTime wall) {
  if (!roster.member(from, wall)) {
    return Error{ErrorCode::unauthenticated, "not a member of this mesh", "", ""};
  }
  const char* right = right_needed(message);
  if (right == nullptr || roster.has_right(from, right, wall)) return {};
  return Error{ErrorCode::forbidden, std::string("its certificate lacks the right ") + right, right,
               "crossfloor mesh admit … --right " + std::string(right)};
}

}  // namespace crossfloor
