#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace crossfloor {

// Writes lines to a descriptor in a thread of its own, in their order, so that nobody who logs ever
// waits for a disk, a pipe or a journal that stands still. What waits is bounded: lines that find
// it full are left out and counted, and a line that says so takes their place.
class LineWriter {
 public:
  struct Options {
    std::size_t most_bytes = 1 << 20;  // that wait
    // The line, with its end, that tells how many were left out; may be empty.
    std::function<std::string(std::uint64_t)> loss = nullptr;
    // The destructor gives what waits this long; then it leaves the rest to the thread, which may
    // be stuck.
    std::chrono::milliseconds last_lines{500};
  };

  // The descriptor stays the caller's and open.
  LineWriter(int fd, Options options);
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // With its end. From any thread.
  void write(std::string line);

  // Waits until all lines written so far have left; false when that takes longer. From any thread.
  bool drain(std::chrono::milliseconds within);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace crossfloor
