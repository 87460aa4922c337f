// The families of verbs; each is in the file of its name.
#pragma once

#include "tools/crossfloor/cli.h"

namespace crossfloor::cli {

void add_look_verbs(CLI::App& app, Context& context);     // status, sites, agents, queue, …
void add_history_verbs(CLI::App& app, Context& context);  // conversation, customer, explain
void add_wait_verb(CLI::App& app, Context& context);      // wait
void add_mend_verbs(CLI::App& app, Context& context);     // requeue, assign, close, drain, …
void add_agent_verbs(CLI::App& app, Context& context);    // agent list, add, set, …
void add_verify_verb(CLI::App& app, Context& context);
void add_replay_verb(CLI::App& app, Context& context);
void add_send_verb(CLI::App& app, Context& context);
void add_customers_verb(CLI::App& app, Context& context);
void add_agent_client(CLI::App& app, Context& context);  // agent --as, agent --auto
void add_mesh_verbs(CLI::App& app, Context& context);    // mesh …, node keygen

}  // namespace crossfloor::cli
