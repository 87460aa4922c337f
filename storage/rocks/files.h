// The few file operations whose order and syncs decide what survives a power cut.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace crossfloor::files {

Status sync_path(const std::string& path);  // a file or a folder
Status sync_folder_and_files(const std::string& folder);
// Readers see the old content or the new, also after a power cut.
Status replace(const std::string& path, ByteView content);
// Free for this user on the file system that holds `path`. Errors: not_found, io.
Result<std::uint64_t> free_bytes(const std::string& path);
// Errors: not_found, too_large, io.
Result<Bytes> read(const std::string& path, std::size_t max_bytes);

}  // namespace crossfloor::files
