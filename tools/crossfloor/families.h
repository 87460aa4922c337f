// The families of verbs; each is in the file of its name.
#pragma once

#include "tools/crossfloor/cli.h"

namespace crossfloor::cli {

void add_mesh_verbs(CLI::App& app, Context& context);  // mesh …, node keygen

}  // namespace crossfloor::cli
