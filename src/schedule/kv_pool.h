// Provides pages, recurrent states and snapshots, for running sequences and for the prefix cache, from one budget of
// bytes. A page, state or snapshot gives its bytes back when its last holder releases it. When the budget is full, the
// prefix cache evicts the entries that were used longest ago. The pool is for one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/memory.h"
#include "cache/memory_budget.h"
#include "cache/prefix_tree.h"
#include "model/model.h"

namespace moebius::internal {

// Holds bytes of a budget, and gives them back when it is destroyed.
class MemoryLease {
 public:
  // The caller has already reserved the bytes.
  MemoryLease(MemoryBudget& budget, int64_t bytes) : budget_(&budget), bytes_(bytes) {}
  ~MemoryLease() { budget_->release(bytes_); }
  MemoryLease(const MemoryLease&) = delete;
  MemoryLease& operator=(const MemoryLease&) = delete;

 private:
  MemoryBudget* budget_;
  int64_t bytes_;
};

// The keys and values of kPagePositions positions. When sequences share a page, they only read the positions that they
// have in common.
class Page {
 public:
  Page(MemoryBudget& budget, Memory& memory, const StateSpec& spec);  // the caller has already reserved the bytes
  ~Page() { memory_.free_page(handle_); }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  [[nodiscard]] KvPage handle() const { return handle_; }

 private:
  MemoryLease lease_;
  Memory& memory_;
  KvPage handle_;
};

// The recurrent state of a running sequence, with room for its drafts. The keys and values are in pages.
class RunningState {
 public:
  RunningState(MemoryBudget& budget, Memory& memory, const StateSpec& spec);  // the caller has reserved the bytes
  ~RunningState() { memory_.free_state(handle_); }
  RunningState(const RunningState&) = delete;
  RunningState& operator=(const RunningState&) = delete;
  [[nodiscard]] State handle() const { return handle_; }

 private:
  MemoryLease lease_;
  Memory& memory_;
  State handle_;
};

// The memory of a snapshot: a recurrent state, and a log when log_rows > 0.
class SnapshotMemory {
 public:
  // The caller has already reserved bytes_for(spec, log_rows) bytes.
  SnapshotMemory(MemoryBudget& budget, Memory& memory, const StateSpec& spec, int64_t log_rows);
  ~SnapshotMemory();
  SnapshotMemory(const SnapshotMemory&) = delete;
  SnapshotMemory& operator=(const SnapshotMemory&) = delete;

  static int64_t bytes_for(const StateSpec& spec, int64_t log_rows) {
    return spec.recurrent_bytes() + spec.log_bytes(log_rows);
  }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] DeltaLog log() const { return log_; }

 private:
  MemoryLease lease_;
  Memory& memory_;
  State state_;
  DeltaLog log_;
};

class KvPool;

// The place where the rows of a step are logged. `row` is the first of these rows in the log.
struct LogPlace {
  DeltaLog log;
  int64_t row = 0;
};

// The recurrent state behind `position` tokens, and a log of the tokens after them. The two together can restore the
// state behind any number of tokens in [position, covered].
class Snapshot {
 public:
  // Copies `state`, which stands behind `position` tokens. The destructor gives the memory back to the pool.
  Snapshot(KvPool& pool, std::unique_ptr<SnapshotMemory> memory, State state, int64_t position);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  [[nodiscard]] int64_t position() const { return position_; }
  [[nodiscard]] int64_t covered() const { return covered_; }
  [[nodiscard]] int64_t end() const { return position_ + memory_->log().capacity; }  // where the log is full
  // Returns the place in the log for `rows` rows of a step. The first row stands behind `position` tokens.
  [[nodiscard]] LogPlace log_place(int64_t position, int64_t rows) const;
  // Declares that the log is valid up to `position`.
  void extend_cover(int64_t position) { covered_ = position; }
  // Sets `state` to the state behind `tokens` tokens. Requires position() <= tokens <= covered().
  void restore(State state, int64_t tokens) const;

 private:
  KvPool& pool_;
  std::unique_ptr<SnapshotMemory> memory_;
  int64_t position_;
  int64_t covered_;
};

using PageRef = std::shared_ptr<Page>;
using SnapshotRef = std::shared_ptr<Snapshot>;
using PrefixCache = PrefixTree<Page, Snapshot>;

class KvPool {
 public:
  KvPool(Model& model, Memory& memory, int64_t limit_bytes);

  // The four functions below return null when there is no room even after everything cached was evicted.
  PageRef create_page();
  PageRef copy_page(const Page& page);
  std::unique_ptr<RunningState> create_state();
  // `log_rows` is the capacity of the log in tokens; 0: no log.
  SnapshotRef create_snapshot(State state, int64_t position, int64_t log_rows);

  [[nodiscard]] bool has_recurrence() const { return running_spec_.delta_layers > 0; }
  // Returns the bytes that one request needs alone: its state, and pages for so many tokens.
  [[nodiscard]] int64_t bytes_for(int64_t tokens) const;
  [[nodiscard]] const MemoryBudget& budget() const { return budget_; }
  PrefixCache& prefixes() { return prefixes_; }

 private:
  friend Snapshot;

  using Spares = std::vector<std::unique_ptr<SnapshotMemory>>;

  bool reserve_bytes(int64_t bytes);
  bool drop_something();
  std::unique_ptr<SnapshotMemory> create_snapshot_memory(int64_t log_rows);
  Spares::iterator find_spare(int64_t log_rows);
  void keep_spare(std::unique_ptr<SnapshotMemory> memory);

  Model& model_;
  Memory& memory_;
  StateSpec running_spec_;
  StateSpec snapshot_spec_;
  MemoryBudget budget_;
  // Memory of released snapshots, for reuse: at most one with a log, and one without. Sequences make a snapshot every
  // few dozen tokens and release an old one, and fresh memory is slow: a snapshot of 35B-A3B takes 3 ms in reused
  // memory, and 70 ms in fresh memory pages.
  Spares spares_;
  PrefixCache prefixes_;
};

}  // namespace moebius::internal
