// What nodes say to each other about who is there: probes, their answers, and news that rides on
// them. Each message says first in which state its sender is.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "protocol/fields.h"
#include "protocol/ids.h"

namespace crossfloor {

enum class MemberState : std::uint8_t { alive, suspect, dead, left };
constexpr auto names_of(MemberState) {
  return std::array<const char*, 4>{"alive", "suspect", "dead", "left"};
}

// Which start of a node, and which of its words: later starts win over earlier ones, within one
// start higher incarnations win. Only the node itself raises its incarnation.
struct MemberMark {
  Generation generation = 0;
  std::int64_t started_ms = 0;  // wall time of the start; raised by a node whose clock went back
  std::uint32_t incarnation = 0;
  std::uint64_t load_version = 0;  // of its load record; 0: has none yet
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("generation", self.generation);
    visit("started_ms", self.started_ms);
    visit("incarnation", self.incarnation);
    visit("load_version", self.load_version);
  }
};

struct MemberNews {
  NodeId node;
  Generation generation = 0;
  std::int64_t started_ms = 0;
  std::uint32_t incarnation = 0;
  MemberState state = MemberState::alive;
  NodeId accuser;  // who could not reach it; all zero unless suspect or dead
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("node", self.node);
    visit("generation", self.generation);
    visit("started_ms", self.started_ms);
    visit("incarnation", self.incarnation);
    visit("state", self.state);
    visit("accuser", self.accuser);
  }
};

struct Ping {
  static constexpr const char* name = "ping";
  MemberMark mark;
  std::uint64_t number = 0;
  std::vector<MemberNews> news;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("mark", self.mark);
    visit("number", self.number);
    visit("news", self.news);
  }
};

// An answer to a ping; passed on by a helper it names whose answer it is, and that node's mark.
struct Ack {
  static constexpr const char* name = "ack";
  MemberMark mark;
  std::uint64_t number = 0;
  std::optional<NodeId> subject;
  std::optional<MemberMark> subject_mark;
  std::vector<MemberNews> news;
  std::int64_t wall_ms = 0;  // the sender's wall clock, so that the asker can compare; 0: not said
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("mark", self.mark);
    visit("number", self.number);
    visit("subject", self.subject);
    visit("subject_mark", self.subject_mark);
    visit("news", self.news);
    visit("wall_ms", self.wall_ms);
  }
};

// "Try to reach `target` for me."
struct PingRequest {
  static constexpr const char* name = "ping_request";
  MemberMark mark;
  std::uint64_t number = 0;
  NodeId target;
  std::vector<MemberNews> news;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("mark", self.mark);
    visit("number", self.number);
    visit("target", self.target);
    visit("news", self.news);
  }
};

// "I got your request and the target has not answered me either": proves that the asker is well.
struct Nack {
  static constexpr const char* name = "nack";
  MemberMark mark;
  std::uint64_t number = 0;
  std::vector<MemberNews> news;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("mark", self.mark);
    visit("number", self.number);
    visit("news", self.news);
  }
};

struct News {
  static constexpr const char* name = "news";
  MemberMark mark;
  std::vector<MemberNews> news;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("mark", self.mark);
    visit("news", self.news);
  }
};

using MembershipMessage = std::variant<Ping, Ack, PingRequest, Nack, News>;

// So that every message fits a pulse frame of 4 KiB.
constexpr std::size_t max_news_on_probe = 8;
constexpr std::size_t max_news_alone = 24;

}  // namespace crossfloor
