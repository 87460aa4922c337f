// The heads of all streams in a small file beside the store, so that a store that came back
// shorter is noticed whatever the reason: a disk that lied about a sync, a log file that vanished,
// an old copy put in its place.
//
// Written at a clean stop and every so often; then only with heads that are durable
// (stored_heads() of a snapshot), or the next start would miss what never was.
#pragma once

#include <string>

#include "storage/log_read.h"

namespace crossfloor {

Status write_head_file(const std::string& path, const Crypto& crypto, const Heads& heads);

// No heads if there is no such file. Errors: corrupt, io.
Result<Heads> read_head_file(const std::string& path, const Crypto& crypto);

// What the store once held and holds no more, or otherwise: `held` is 0 if nothing, and the old
// sequence if its hash is another now. The caller asks peers for these streams (Log::heard).
struct LostTail {
  Stream stream;
  Head once;
  Sequence held = 0;
};
Result<std::vector<LostTail>> lost_since(const Heads& once, const Reader& reader,
                                         const Crypto& crypto);

// For people: error corrupt that lists what is lost. `lost` is not empty.
Error error_of(const std::vector<LostTail>& lost);

}  // namespace crossfloor
