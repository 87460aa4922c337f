// What each node holds of one conversation, for who reads the report of a run that broke.
#pragma once

#include <iosfwd>
#include <string>

namespace crossfloor::simulator {

class World;

// Nothing if no node knows a conversation of this name. Nodes that say the same are told once.
void write_dossier(const World& world, const std::string& conversation, std::ostream& out);

}  // namespace crossfloor::simulator
