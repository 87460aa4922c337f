// What happens, whoever routes it: who works where, who asks when, and how long each answer takes.
//
// All models of a cell are given the same workload (common random numbers): the handling time
// belongs to the conversation, not to the agent, so that two models differ by their routing alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/agent_record.h"
#include "protocol/crypto.h"
#include "protocol/service_class.h"
#include "protocol/time.h"

namespace crossfloor::bench {

enum class Handling { exponential, lognormal };

struct Span {  // of something that one site suffers
  int site = 0;
  Duration from{0};
  Duration to{0};
};

struct Cell {
  std::string name;
  int sites = 3;
  int agents = 10;     // of each site
  double load = 0.85;  // of the whole floor
  double hot = 1.3;    // site 0 is asked for so much of its own capacity; 0: all sites alike
  Handling handling = Handling::exponential;
  Duration mean_handling{300'000};
  double handling_cv = 1.3;  // of the lognormal
  int skills = 0;            // each agent has a random subset, each conversation needs one
  bool languages = false;    // all speak en, half fi, two in five sv
  int capacity = 1;          // chats at once
  Duration patience{0};      // then the customer leaves; 0: never
  double remote_slower = 0;  // handling time of another site's conversation: times 1 + this
  double returning = 0;      // share of conversations of customers who were served before
  bool last_agent = true;    // rule 6 is followed for them
  bool priorities = false;   // one in four of each priority, one in three of each mood
  std::optional<Span> cut;   // the site hears nobody and is heard by nobody
  std::optional<Span> drain;
  double gossip_loss = 0;
  Duration link{50};           // one way
  Duration gossip_delay{0};    // more, for gossip alone: staleness
  Duration lease{30'000};      // of what another site's agent has
  Duration write_time{2};      // of a decision, until it is durable
  Duration length{3'600'000};  // of arrivals
  Duration warm_up{600'000};   // whoever comes earlier is not counted
};

struct Worker {
  int site = 0;
  std::vector<std::string> skills;  // sorted
  std::vector<std::string> languages;
  std::uint64_t serves = 0;  // one bit for each class
};

struct Arrival {
  Duration at{0};
  int site = 0;
  int service = 0;
  Duration handling{0};
  int returns_of = -1;  // an earlier arrival of the same customer
  std::uint32_t priority = 0;
  std::uint32_t mood = 0;
};

struct Workload {
  std::vector<ServiceClass> services;
  std::vector<Worker> workers;    // by site
  std::vector<Arrival> arrivals;  // by time
};

Workload make_workload(const Cell& cell, std::uint64_t seed);

// How the floor's agents look to the node of their site.
AgentRecord record_of(const Cell& cell, const Workload& workload, int worker);

}  // namespace crossfloor::bench
