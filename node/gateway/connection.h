// One accepted connection: the stream, whose it is, and its place in the count.
#pragma once

#include <kj/async-io.h>

#include <string>

namespace crossfloor {

// Passes everything on to the inner stream. The HTTP server finds the peer's address here, because
// a TLS stream does not tell it.
class Connection final : public kj::AsyncIoStream {
 public:
  Connection(kj::Own<kj::AsyncIoStream> inner, std::string peer)
      : inner_(kj::mv(inner)), peer_(std::move(peer)) {}
  const std::string& peer() const { return peer_; }

  kj::Promise<size_t> read(void* buffer, size_t least, size_t most) override {
    return inner_->read(buffer, least, most);
  }
  kj::Promise<size_t> tryRead(void* buffer, size_t least, size_t most) override {
    return inner_->tryRead(buffer, least, most);
  }
  kj::Promise<void> write(const void* buffer, size_t size) override {
    return inner_->write(buffer, size);
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return inner_->write(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  void shutdownWrite() override { inner_->shutdownWrite(); }
  void abortRead() override { inner_->abortRead(); }

 private:
  kj::Own<kj::AsyncIoStream> inner_;
  std::string peer_;
};

// "127.0.0.1:4242", "[::1]:4242", "unix", or "" if it cannot be told.
std::string peer_of(kj::AsyncIoStream& stream);
// Sets TCP_NODELAY and keep-alive, so that a peer that is gone without a word is noticed within
// about 30 s. Does nothing to a Unix socket.
void tune(kj::AsyncIoStream& stream);
// Only this machine can reach it: "127.…", "[::1]…" or "unix:…", as KJ writes an address.
bool is_local(const std::string& address);

}  // namespace crossfloor
