// Marks of rare branches: which seeds reach what hardly ever happens. A branch that no campaign
// reaches is one that nobody has tried.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace crossfloor::simulator {

class World;
struct Node;

using Marks = std::map<std::string, std::uint64_t>;

// What can be seen only while it lasts; to be called each virtual second.
void mark_passing(const World& world, Marks& marks);
// What is over within one call: a lease that ran out while something that its conversation wrote
// was being synced. To be told of every call.
class LeaseMarks {
 public:
  void called(const Node& node, Marks& marks);

 private:
  // By node, after it was called last.
  struct Known {
    std::uint64_t expired = 0;
    const void* committing = nullptr;
  };
  std::vector<Known> known_;
};
// What is still to be seen when the run is over. After both, marks that were never reached count 0.
void mark_lasting(const World& world, Marks& marks);

}  // namespace crossfloor::simulator
