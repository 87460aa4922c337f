// The version of what a store holds. It is the first thing written to a new store. A node never
// opens a store that a newer one wrote: it could not know what it would break.
#pragma once

#include "storage/store.h"

namespace crossfloor {

// 1: rows as Cap'n Proto. 2: packed rows, beside older ones that did not change since.
inline constexpr std::uint32_t store_format = 2;

// Writes the version to an empty store and to an older one, checks it in any other. Errors:
// conflict (a newer version), corrupt (data without a version), and those of the store.
Status settle_store_format(Store& store);

}  // namespace crossfloor
