// Marks of rare branches: which seeds reach what hardly ever happens. A branch that no campaign
// reaches is one that nobody has tried.
#pragma once

#include <map>
#include <string>

namespace crossfloor::simulator {

class World;

using Marks = std::map<std::string, std::uint64_t>;

// What can be seen only while it lasts; to be called each virtual second.
void mark_passing(const World& world, Marks& marks);
// What is still to be seen when the run is over. After both, marks that were never reached count 0.
void mark_lasting(const World& world, Marks& marks);

}  // namespace crossfloor::simulator
