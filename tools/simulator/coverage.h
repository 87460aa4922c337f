// Marks of rare branches: which seeds reach what hardly ever happens. A branch that no campaign
// reaches is one that nobody has tried.
#pragma once

#include <map>
#include <string>

namespace crossfloor::simulator {

class World;

using Marks = std::map<std::string, std::uint64_t>;

// All marks that there are, with how often this run reached each; those never reached count 0.
Marks marks_of(const World& world);

}  // namespace crossfloor::simulator
