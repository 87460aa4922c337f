// What a process owes its surroundings: signals, clocks, log lines, figures, systemd.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>
#include <vector>

#include "node/runtime/clock.h"
#include "node/runtime/files.h"
#include "node/runtime/line_writer.h"
#include "node/runtime/log.h"
#include "node/runtime/metrics.h"
#include "node/runtime/service_manager.h"
#include "node/runtime/signals.h"
#include "node/runtime/watchdog.h"
#include "tests/runtime/loop_for_tests.h"
#include "tests/runtime/temporary_folder.h"

using namespace crossfloor;
using namespace std::chrono_literals;

TEST_SUITE("signals") {
  TEST_CASE("captured signals arrive on the loop, each time, also one that came early") {
    capture_signals();
    ::kill(::getpid(), SIGHUP);
    LoopForTests loop;
    std::vector<int> seen;
    const Signals signals(loop.port(), [&](int signal) { seen.push_back(signal); });
    REQUIRE(loop.until([&] { return seen.size() == 1; }));
    ::kill(::getpid(), SIGTERM);
    REQUIRE(loop.until([&] { return seen.size() == 2; }));
    ::kill(::getpid(), SIGHUP);
    REQUIRE(loop.until([&] { return seen.size() == 3; }));
    CHECK(seen == std::vector{SIGHUP, SIGTERM, SIGHUP});
  }
}

TEST_SUITE("clock") {
  TEST_CASE("steady time does not go back, wall time is after this was written") {
    const Now first = machine_now();
    const Now second = machine_now();
    CHECK(second.steady >= first.steady);
    CHECK(first.steady > Instant{});
    CHECK(ms_of(first.wall) > 1'700'000'000'000);
  }
}

TEST_SUITE("log") {
  TEST_CASE("a line is the event and its values") {
    CHECK(log_line("ready", {}) == "ready");
    CHECK(log_line("link_up", {{"peer", "warsaw"},
                               {"after", Duration{90'000}},
                               {"links", 3},
                               {"share", 0.25},
                               {"own", true},
                               {"seen", std::uint64_t{18'446'744'073'709'551'615U}}}) ==
          "link_up peer=warsaw after=90s links=3 share=0.25 own=true seen=18446744073709551615");
  }

  TEST_CASE("what came from outside cannot forge a line or a key") {
    CHECK(log_line("x", {{"a", ""}}) == "x a=\"\"");
    CHECK(log_line("x", {{"a", "b c=d"}}) == "x a=\"b c=d\"");
    CHECK(log_line("x", {{"a", "1\n2 \"q\" \\"}}) == "x a=\"1\\x0a2 \\\"q\\\" \\\\\"");
    CHECK(log_line("x", {{"a", "\x1b[31m"}}) == "x a=\"\\x1b[31m\"");
    CHECK(log_line("x", {{"a", "\xff"}}) == "x a=\"\\xff\"");
    CHECK(log_line("x", {{"a", "grün"}}) == "x a=\"grün\"");
  }

  TEST_CASE("long values are cut between characters") {
    std::string value(999, 'a');
    const std::string cut = log_line("x", {{"a", value + "üü"}});
    CHECK(cut == "x a=\"" + value + "…\"");
  }

  TEST_CASE("levels below the least are not written") {
    const TemporaryFolder temporary;
    const OwnFd kept(::dup(2));
    const int file = ::open((temporary / "log").c_str(), O_WRONLY | O_CREAT, 0600);
    ::dup2(file, 2);
    log_setup(LogLevel::warning);
    log_info("quiet");
    log_warning("loud", {{"a", 1}});
    log_error("failed", Error{ErrorCode::io, "disk full", "store", "make room"});
    log_setup(LogLevel::info);
    ::dup2(kept.get(), 2);
    ::close(file);
    const auto text = read_file(temporary / "log", 10'000).value();
    CHECK(text.find("quiet") == std::string::npos);
    CHECK(text.find("Z warning loud a=1\n") != std::string::npos);
    CHECK(text.find("Z error failed what=\"disk full\" where=store mend=\"make room\"\n") !=
          std::string::npos);
  }
}

TEST_SUITE("line writer") {
  struct Pipe {
    Pipe() {
      REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
      in = OwnFd(ends[1]);
      out = OwnFd(ends[0]);
    }
    // All until `last` came; the writer is held to it by the test's own time limit.
    std::string read_to(const std::string& last) const {
      std::string text;
      char buffer[4096];
      while (!text.ends_with(last)) {
        const ssize_t got = ::read(out.get(), buffer, sizeof buffer);
        if (got <= 0) break;
        text.append(buffer, static_cast<std::size_t>(got));
      }
      return text;
    }
    int ends[2];
    OwnFd in, out;
  };

  TEST_CASE("who writes does not wait for a reader that reads nothing, and losses are told") {
    const Pipe pipe;
    constexpr std::size_t line_bytes = 1000;
    LineWriter writer(pipe.in.get(), {.most_bytes = 100 * line_bytes, .loss = [](auto lines) {
                                        return "lost " + std::to_string(lines) + "\n";
                                      }});
    // More than the pipe (64 KiB) and the writer together take, and then some.
    constexpr int count = 1000;
    for (int i = 0; i < count; ++i) {
      std::string line = std::to_string(i);
      line.resize(line_bytes - 1, '.');
      writer.write(line + "\n");
    }
    CHECK_FALSE(writer.drain(1ms));
    std::thread reader_ends([&] { CHECK(writer.drain(60s)); });
    std::string text;
    int kept = 0, lost = 0, last = -1;
    while (kept + lost < count) {
      text += pipe.read_to("\n");
      for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
        const std::string line = text.substr(0, end);
        text.erase(0, end + 1);
        if (line.starts_with("lost ")) {
          lost += std::stoi(line.substr(5));
        } else {
          const int number = std::stoi(line);
          CHECK(number > last);
          last = number;
          ++kept;
        }
      }
    }
    CHECK(kept + lost == count);
    CHECK(lost > 0);
    writer.write("after\n");
    CHECK(pipe.read_to("after\n") == "after\n");
    reader_ends.join();
  }

  TEST_CASE("a descriptor that somebody made non-blocking loses nothing") {
    const Pipe pipe;
    REQUIRE(::fcntl(pipe.in.get(), F_SETFL, O_NONBLOCK) == 0);
    LineWriter writer(pipe.in.get(), {});
    writer.write(std::string(200'000, '.') + "\n");
    CHECK(pipe.read_to("\n").size() == 200'001);
  }

  TEST_CASE("its end writes what waits, and leaves a stuck descriptor alone") {
    const Pipe pipe;
    { LineWriter(pipe.in.get(), {}).write("last words\n"); }
    CHECK(pipe.read_to("\n") == "last words\n");
    LineWriter(pipe.in.get(), {.last_lines = 1ms}).write(std::string(200'000, '.') + "\n");
    CHECK(pipe.read_to("\n").size() == 200'001);  // the thread goes on where it can
  }

  TEST_CASE("a log thread writes what was logged before it ends") {
    const TemporaryFolder temporary;
    const OwnFd kept(::dup(2));
    const int file = ::open((temporary / "log").c_str(), O_WRONLY | O_CREAT, 0600);
    ::dup2(file, 2);
    {
      const LogThread writing;
      for (int i = 0; i < 3; ++i) log_info("line", {{"number", i}});
    }
    log_info("afterwards");
    ::dup2(kept.get(), 2);
    ::close(file);
    const auto text = read_file(temporary / "log", 10'000).value();
    const auto at = [&](const char* what) { return text.find(what); };
    CHECK(at("Z info line number=0\n") < at("Z info line number=1\n"));
    CHECK(at("Z info line number=1\n") < at("Z info line number=2\n"));
    CHECK(at("Z info line number=2\n") < at("Z info afterwards\n"));
    CHECK(at("Z info afterwards\n") != std::string::npos);
  }
}

TEST_SUITE("watchdog") {
  TEST_CASE("only what took longer than the limit is counted, by name") {
    std::chrono::nanoseconds now{};
    std::vector<std::string> told;
    Watchdog dog(
        [&] { return now; },
        {.limit = 5ms, .tell_every = 10s, .on_offence = [&](const Watchdog::Offence& offence) {
           told.push_back(std::string(offence.name) + " " + std::to_string(offence.times));
         }});
    const auto spend = [&](const char* name, std::chrono::nanoseconds span) {
      const auto watched = dog.watch(name);
      now += span;
    };
    spend("gossip", 5ms);
    CHECK(dog.offences().empty());
    spend("gossip", 6ms);
    spend("http", 20ms);
    spend("gossip", 8ms);
    CHECK(dog.total() == 3);
    CHECK(dog.offences().at("gossip").times == 2);
    CHECK(dog.offences().at("gossip").longest == 8ms);
    CHECK(dog.offences().at("gossip").total == 14ms);
    CHECK(told == std::vector<std::string>{"gossip 1", "http 1"});  // the third came too soon
    now += 10s;
    spend("gossip", 6ms);
    CHECK(told.back() == "gossip 2");
    spend("gossip", 3s);  // soon, but nothing like the one before
    CHECK(told.back() == "gossip 1");
    CHECK(told.size() == 4);
  }
}

TEST_SUITE("metrics") {
  TEST_CASE("figures are printed as Prometheus reads them") {
    Metrics metrics;
    metrics.counter("crossfloor_in_total", "Messages taken in", {{"kind", "chat"}}).add();
    metrics.counter("crossfloor_in_total", "Messages taken in", {{"kind", "chat"}}).add(2);
    metrics.counter("crossfloor_in_total", "Messages taken in", {{"kind", "email"}}).add();
    metrics.gauge("crossfloor_waiting", "Customers who wait").set(7);
    metrics.histogram("crossfloor_commit_seconds", "Commits", {0.001, 0.1}).observe(0.05);
    const std::string text = metrics.text();
    for (const char* line :
         {"# HELP crossfloor_in_total Messages taken in\n", "# TYPE crossfloor_in_total counter\n",
          "crossfloor_in_total{kind=\"chat\"} 3\n", "crossfloor_in_total{kind=\"email\"} 1\n",
          "crossfloor_waiting 7\n", "crossfloor_commit_seconds_bucket{le=\"0.001\"} 0\n",
          "crossfloor_commit_seconds_bucket{le=\"0.1\"} 1\n",
          "crossfloor_commit_seconds_count 1\n"}) {
      CAPTURE(line);
      CAPTURE(text);
      CHECK(text.find(line) != std::string::npos);
    }
  }

  TEST_CASE("label sets of one name are bounded") {
    Metrics metrics;
    for (int i = 0; i < 1'500; ++i) {
      metrics.counter("crossfloor_x_total", "X", {{"i", std::to_string(i)}}).add();
    }
    CHECK(metrics.counter("crossfloor_x_total", "X", {{"i", "9999"}}).value() == 500);
    CHECK(metrics.counter("crossfloor_x_total", "X", {{"i", "1"}}).value() == 1);
  }
}

TEST_SUITE("service manager") {
  TEST_CASE("it hears on the socket it named, and without one nothing happens") {
    ::unsetenv("NOTIFY_SOCKET");
    CHECK(notify_service_manager("READY=1").ok());
    const TemporaryFolder temporary;
    const std::string path = temporary / "notify";
    const OwnFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    CHECK(notify_service_manager("READY=1\nSTATUS=serving").ok());
    char heard[100];
    const auto size = ::recv(fd.get(), heard, sizeof heard, MSG_DONTWAIT);
    REQUIRE(size > 0);
    CHECK(std::string(heard, static_cast<std::size_t>(size)) == "READY=1\nSTATUS=serving");
    ::setenv("NOTIFY_SOCKET", "relative", 1);
    CHECK(notify_service_manager("READY=1").error().code == ErrorCode::malformed);
    ::unsetenv("NOTIFY_SOCKET");
  }
}
