// The tables of docs/routing.md, as a command makes them.
#pragma once

#include <string>

#include "tools/bench/routing/matrix.h"

namespace crossfloor::bench {

// One line of Markdown for a cell that is compared with the pooled queue; one for each figure of
// any other cell. Each says what limit was missed, and whether it may be chance: nearer to the
// limit than the interval is wide.
std::string doc_lines(const CellResult& result, const std::vector<Row>& rows);
bool compared_with_pooled(const CellResult& result);
std::string doc_header(bool with_pooled);

}  // namespace crossfloor::bench
