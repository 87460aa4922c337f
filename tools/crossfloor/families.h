// The families of verbs; each is in the file of its name.
#pragma once

#include "tools/crossfloor/cli.h"

namespace crossfloor::cli {

void add_mesh_verbs(CLI::App& app, Context& context);  // mesh …, node keygen
void add_replay_verb(CLI::App& app, Context& context);
void add_send_verb(CLI::App& app, Context& context);
void add_customers_verb(CLI::App& app, Context& context);
void add_agent_client(CLI::App& app, Context& context);  // agent --as, agent --auto

}  // namespace crossfloor::cli
