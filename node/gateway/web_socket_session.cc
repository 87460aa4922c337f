#include "node/gateway/web_socket_session.h"

#include <algorithm>

#include "protocol/bytes.h"

namespace crossfloor {
namespace {

constexpr kj::Duration close_patience = 5 * kj::SECONDS;
constexpr std::size_t max_reason = 120;  // RFC 6455 allows 123 bytes

bool may_be_sent(std::uint16_t code) {
  return (code >= 1000 && code <= 1011 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

bool KjWebSocketSession::send(std::string text) {
  if (!is_open()) return false;
  if (queue_.size() >= limits_.max_queued_messages ||
      queued_bytes_ + text.size() > limits_.max_queued_bytes) {
    give_up(too_slow, "reads too slowly");
    return false;
  }
  queued_bytes_ += text.size();
  queue_.push_back(std::move(text));
  write_next();
  return true;
}

void KjWebSocketSession::close(std::uint16_t code, std::string reason) {
  if (!is_open()) return;
  closing_ = true;
  code_ = may_be_sent(code) ? code : fault;
  if (reason.size() > max_reason) reason.resize(max_reason);
  reason_ = is_valid_utf8(reason) ? std::move(reason) : std::string();
  patience_ =
      timer_.afterDelay(close_patience).then([this] { done_->fulfill(); }).eagerlyEvaluate(nullptr);
  write_next();
}

// The connection is cut without a word: the other side does not listen anyway.
void KjWebSocketSession::give_up(std::uint16_t code, std::string reason) {
  closing_ = true;
  close_sent_ = true;
  code_ = code;
  reason_ = std::move(reason);
  queue_.clear();
  queued_bytes_ = 0;
  done_->fulfill();
}

void KjWebSocketSession::write_next() {
  if (busy_ || close_sent_ || !socket_) return;
  busy_ = true;
  writes_ =
      write_loop().catch_([this](kj::Exception&&) { done_->fulfill(); }).eagerlyEvaluate(nullptr);
}

// One frame at a time, as KJ wants it, until nothing is left.
kj::Promise<void> KjWebSocketSession::write_loop() {
  if (!queue_.empty()) {
    writing_ = std::move(queue_.front());
    queue_.pop_front();
    return kj::evalNow(
               [&] { return socket_->send(kj::arrayPtr(writing_.data(), writing_.size())); })
        .then([this] {
          queued_bytes_ -= std::min(queued_bytes_, writing_.size());
          return write_loop();
        });
  }
  if (closing_ && !close_sent_) {
    close_sent_ = true;
    writing_ = reason_;
    return kj::evalNow([&] { return socket_->close(code_, writing_.c_str()); }).then([this] {
      busy_ = false;
      if (peer_closed_) done_->fulfill();
    });
  }
  busy_ = false;
  return kj::READY_NOW;
}

void KjWebSocketSession::take(std::string text) {
  if (closing_) return;
  if (!is_valid_utf8(text)) return close(bad_text, "not UTF-8");
  if (!on_text) return;
  try {
    on_text(std::move(text));
  } catch (...) {
    close(fault, "internal fault");
  }
}

kj::Promise<void> KjWebSocketSession::receive_loop() {
  // KJ takes what is smaller than its argument.
  return socket_->receive(limits_.max_message + 1)
      .then([this](kj::WebSocket::Message&& message) -> kj::Promise<void> {
        if (message.is<kj::String>()) {
          const auto& text = message.get<kj::String>();
          take(std::string(text.begin(), text.size()));
          return receive_loop();
        }
        if (message.is<kj::Array<kj::byte>>()) {
          close(binary_refused, "send text, not binary");
          return receive_loop();
        }
        const auto& closed = message.get<kj::WebSocket::Close>();
        peer_closed_ = true;
        if (!closing_) {
          queue_.clear();  // nobody reads that any more
          close(closed.code, std::string(closed.reason.begin(), closed.reason.size()));
        } else if (close_sent_ && !busy_) {
          return kj::READY_NOW;
        }
        return kj::NEVER_DONE;  // until the close is written, or patience ends
      });
}

kj::Promise<void> KjWebSocketSession::run(kj::Own<kj::WebSocket> socket) {
  auto paf = kj::newPromiseAndFulfiller<void>();
  done_ = kj::mv(paf.fulfiller);
  socket_ = kj::mv(socket);
  auto self = shared_from_this();
  return receive_loop()
      .catch_([this](kj::Exception&& e) { return refuse(e); })
      .exclusiveJoin(kj::mv(paf.promise))
      .then([self] { self->finish(); })
      .attach(kj::defer([self] { self->finish(); }));
}

// KJ gave up reading: a frame over the limit, or one that breaks the protocol. It says so itself to
// nobody, so we do. What the other side still sends is not read any more.
kj::Promise<void> KjWebSocketSession::refuse(const kj::Exception& e) {
  if (e.getType() == kj::Exception::Type::DISCONNECTED || !is_open()) return kj::READY_NOW;
  const std::string what = e.getDescription().cStr();
  peer_closed_ = true;  // it will not get to answer
  queue_.clear();
  if (what.find("too large") != std::string::npos) {
    close(too_large, "a message has at most " + std::to_string(limits_.max_message) + " bytes");
  } else {
    close(protocol_error, "broken frame");
  }
  return kj::NEVER_DONE;
}

void KjWebSocketSession::finish() {
  if (!socket_) return;
  writes_ = nullptr;
  patience_ = nullptr;
  queue_.clear();
  queued_bytes_ = 0;
  socket_ = nullptr;
  const auto told = std::move(on_close);
  on_close = nullptr;
  on_text = nullptr;
  if (!told) return;
  try {
    told(code_, reason_);
  } catch (...) {
    // The session is over; there is nobody left to tell.
  }
}

}  // namespace crossfloor
