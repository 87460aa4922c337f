#include "node/channels/timestamps.h"

#include <array>
#include <chrono>

namespace crossfloor {
namespace {

// Reads a text of fixed shape from left to right; after the first misfit all reads fail.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  bool sound() const { return sound_; }
  bool at_end() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }

  int digits(std::size_t count) {
    int value = 0;
    if (rest_.size() < count) return fail();
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return fail();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  void literal(std::string_view expected) {
    if (rest_.substr(0, expected.size()) != expected) {
      fail();
      return;
    }
    rest_.remove_prefix(expected.size());
  }
  char any() {
    if (rest_.empty()) return static_cast<char>(fail());
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  int fail() {
    sound_ = false;
    return 0;
  }

 private:
  std::string_view rest_;
  bool sound_ = true;
};

std::optional<WallTime> assemble(int year, int month, int day, int hour, int minute, int second) {
  using namespace std::chrono;
  const year_month_day date{std::chrono::year{year},
                            std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || year < 1970 || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const auto since_epoch =
      sys_days{date}.time_since_epoch() + hours{hour} + minutes{minute} + seconds{second};
  return WallTime{duration_cast<Duration>(since_epoch)};
}

}  // namespace

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  Reader in(text);
  const int year = in.digits(4);
  in.literal("-");
  const int month = in.digits(2);
  in.literal("-");
  const int day = in.digits(2);
  const char divider = in.any();
  if (divider != 'T' && divider != 't') return std::nullopt;
  const int hour = in.digits(2);
  in.literal(":");
  const int minute = in.digits(2);
  in.literal(":");
  const int second = in.digits(2);
  Duration fraction{0};
  if (in.peek() == '.') {
    in.any();
    int place = 100;
    do {
      fraction += Duration{in.digits(1) * place};
      place /= 10;
    } while (in.sound() && in.peek() >= '0' && in.peek() <= '9');
  }
  const char zone = in.any();
  Duration offset{0};
  if (zone == '+' || zone == '-') {
    const int hours = in.digits(2);
    in.literal(":");
    const int minutes = in.digits(2);
    if (hours > 23 || minutes > 59) return std::nullopt;
    offset = std::chrono::hours{hours} + std::chrono::minutes{minutes};
    if (zone == '-') offset = -offset;
  } else if (zone != 'Z' && zone != 'z') {
    return std::nullopt;
  }
  if (!in.sound() || !in.at_end()) return std::nullopt;
  const auto local = assemble(year, month, day, hour, minute, second);
  if (!local || *local + fraction - offset < WallTime{}) return std::nullopt;
  return *local + fraction - offset;
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  static constexpr std::array<std::string_view, 12> months{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29) return std::nullopt;
  Reader in(text.substr(3));
  in.literal(", ");
  const int day = in.digits(2);
  int month = 0;
  for (std::size_t i = 0; i < months.size(); ++i) {
    if (text.substr(8, 3) == months[i]) month = static_cast<int>(i) + 1;
  }
  in.literal(" ");
  for (int i = 0; i < 3; ++i) in.any();
  in.literal(" ");
  const int year = in.digits(4);
  in.literal(" ");
  const int hour = in.digits(2);
  in.literal(":");
  const int minute = in.digits(2);
  in.literal(":");
  const int second = in.digits(2);
  in.literal(" GMT");
  if (!in.sound() || !in.at_end() || month == 0) return std::nullopt;
  return assemble(year, month, day, hour, minute, second);
}

}  // namespace crossfloor
