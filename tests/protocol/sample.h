// Structs with every kind of field, for the tests of all codecs. Schema: sample.capnp.
#pragma once

#include "protocol/fields.h"

namespace crossfloor::sample {

enum class Mood : std::uint8_t { calm, very_angry };
constexpr auto names_of(Mood) {
  return std::array{"calm", "very_angry"};
}

enum class Colour { unknown, red };
constexpr auto names_of(Colour) {
  return std::array{"unknown", "red"};
}

struct Point {
  std::int32_t x = 0;
  std::int16_t y = 0;
  bool operator==(const Point&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("x", self.x);
    visit("y", self.y, Rule{.min = -100, .max = 100, .doc = "height"});
  }
};

struct Everything {
  bool flag = false;
  std::uint8_t tiny = 0;
  std::int16_t small = 0;
  std::uint32_t medium = 0;
  std::uint64_t big = 0;
  std::int64_t signed_big = 0;
  double ratio = 0;
  std::string text;
  Bytes raw;
  NodeId node;
  HybridTime time;
  Duration wait_ms{};
  Mood mood = Mood::calm;
  Colour colour = Colour::unknown;
  Point point;
  std::optional<Point> maybe_point;
  std::optional<std::string> maybe_text;
  std::optional<NodeId> maybe_node;
  std::vector<std::uint32_t> numbers;
  std::vector<bool> flags;
  std::vector<std::string> words;
  std::vector<NodeId> nodes;
  std::vector<Mood> moods;
  std::vector<Point> points;
  std::vector<std::vector<std::int16_t>> grid;
  FreeJson extra;
  bool operator==(const Everything&) const = default;

  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("flag", self.flag);
    visit("tiny", self.tiny);
    visit("small", self.small);
    visit("medium", self.medium);
    visit("big", self.big);
    visit("signed_big", self.signed_big);
    visit("ratio", self.ratio);
    visit("text", self.text, Rule{.max_bytes = 64});
    visit("raw", self.raw, Rule{.binary = true, .max_bytes = 64});
    visit("node", self.node);
    visit("time", self.time);
    visit("wait_ms", self.wait_ms);
    visit("mood", self.mood);
    visit("colour", self.colour);
    visit("point", self.point);
    visit("maybe_point", self.maybe_point);
    visit("maybe_text", self.maybe_text);
    visit("maybe_node", self.maybe_node);
    visit("numbers", self.numbers, Rule{.max_items = 8});
    visit("flags", self.flags);
    visit("words", self.words);
    visit("nodes", self.nodes);
    visit("moods", self.moods);
    visit("points", self.points);
    visit("grid", self.grid);
    visit("extra", self.extra, Rule{.max_bytes = 128});
  }
};

struct Ping {
  static constexpr const char* name = "ping";
  std::uint64_t number = 0;
  Bytes payload;
  bool operator==(const Ping&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("number", self.number);
    visit("payload", self.payload, Rule{.binary = true});
  }
};

struct TookHome {
  static constexpr const char* name = "took_home";
  NodeId who;
  std::vector<Point> where;
  bool operator==(const TookHome&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("who", self.who);
    visit("where", self.where);
  }
};

struct Bye {
  static constexpr const char* name = "bye";
  bool operator==(const Bye&) const = default;
  template <class Self, class Visit>
  static void fields(Self&, Visit&&) {}
};

using Body = std::variant<Ping, TookHome, Bye>;

struct Packet {
  std::uint16_t version = 0;
  Body body;
  bool operator==(const Packet&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("version", self.version);
    visit("body", self.body);
  }
};

struct Envelope {
  Body body;
  std::vector<Packet> others;
  bool operator==(const Envelope&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("body", self.body);
    visit("others", self.others);
  }
};

struct Tree {
  std::uint8_t value = 0;
  std::vector<Tree> children;
  bool operator==(const Tree&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("value", self.value);
    visit("children", self.children);
  }
};

struct OlderPoint {
  Mood mood = Mood::calm;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("mood", self.mood);
  }
};

}  // namespace crossfloor::sample
