#include "storage/format.h"

#include "storage/log_keys.h"

namespace crossfloor {
namespace {

Status write_version(Store& store) {
  Batch batch;
  Bytes version;
  put_le32(version, store_format);
  batch.put(keys::format(), std::move(version));
  return store.commit(batch);
}

}  // namespace

Status settle_store_format(Store& store) {
  auto held = store.get(keys::format());
  if (!held.ok()) return held.error();
  if (!held.value()) {
    bool empty = true;
    auto status = store.scan({}, {}, [&](ByteView, ByteView) { return empty = false; });
    if (!status.ok()) return status;
    if (!empty) {
      return Error{
          ErrorCode::corrupt, "the store holds data but not the version of its format", "",
          "restore it from a backup, or start with an empty one: peers send what they hold"};
    }
    return write_version(store);
  }
  if (held.value()->size() != 4) {
    return Error{ErrorCode::corrupt, "the version of the store's format cannot be read", "",
                 "restore it from a backup, or start with an empty one: peers send what they hold"};
  }
  const std::uint32_t found = get_le32(held.value()->data());
  if (found > store_format) {
    return Error{ErrorCode::conflict,
                 "the store has format " + std::to_string(found) + "; this program knows up to " +
                     std::to_string(store_format),
                 "", "run the newer version that wrote it"};
  }
  // Before anything of this version is written: an older program could not read it.
  return found < store_format ? write_version(store) : Status{};
}

}  // namespace crossfloor
