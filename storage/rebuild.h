// Makes all rows of the projections anew from the log (`crossfloord --rebuild`): when they were
// damaged, or when a newer version folds otherwise.
//
// Works in slices of bounded size, each one commit. A mark stands in the store from the first to
// the last of them, so that a node which was stopped in between does not serve half-made rows: at
// its start it asks rebuild_is_due() and begins again. Entries are folded in the order that all
// nodes agree on, in which no row has to be folded twice.
#pragma once

#include <deque>
#include <map>

#include "storage/projections.h"
#include "storage/store.h"

namespace crossfloor {

// A rebuild was begun and not ended. Errors: corrupt, io.
Result<bool> rebuild_is_due(const Reader& reader);

class Rebuild {
 public:
  struct Options {
    std::size_t slice_bytes = 1024 * 1024;  // of writes: about the size of one commit
    std::size_t page_entries = 256;         // of one stream, read at once
    std::size_t page_bytes = 256 * 1024;
  };
  struct Progress {
    std::uint64_t rows_dropped = 0;
    std::uint64_t entries_folded = 0;
    bool done = false;
  };

  // Nobody else may write to the store meanwhile.
  Rebuild(Store& store, const Projections& projections, Options options);
  Rebuild(Store& store, const Projections& projections) : Rebuild(store, projections, Options{}) {}

  // One slice. After an error the store is to be opened again; errors: corrupt, io.
  Result<Progress> step();

 private:
  // Where one stream stands. Only streams whose entries are next have a page in memory.
  struct Cursor {
    Stream stream;
    std::uint32_t number = 0;
    Sequence next = 1;
    std::deque<Entry> page;
    Sequence last = UINT64_MAX;  // that counts: of a forked stream what both histories share
  };
  enum class Phase { mark, drop, list, fold, done };

  Status begin();
  Status drop();
  Status list();
  Status fold();
  Status finish();
  // Reads on, and puts the cursor where its next entry sorts; forgets it at its stream's end.
  Status queue(Cursor cursor, std::size_t entries);
  Status read_page(Cursor& cursor, std::size_t entries) const;

  Store& store_;
  const Projections& projections_;
  Options options_;
  Phase phase_ = Phase::mark;
  std::size_t kind_ = 0;  // of row_kinds: which rows are dropped now
  Bytes dropped_to_;
  std::multimap<Position, Cursor> cursors_;
  Progress progress_;
};

// All slices at once.
Result<Rebuild::Progress> rebuild_rows(Store& store, const Projections& projections);

}  // namespace crossfloor
