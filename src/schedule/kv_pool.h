// Keys, values and recurrent states, running or cached, out of one budget of bytes. What is taken here gives its bytes
// back when its last holder lets go; when the budget is full, what the prefix cache used longest ago makes room.
// For one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/memory.h"
#include "cache/memory_budget.h"
#include "cache/prefix_tree.h"
#include "model/model.h"

namespace moebius::internal {

// Bytes of a budget, for as long as it lives.
class MemoryLease {
 public:
  MemoryLease(MemoryBudget& budget, int64_t bytes) : budget_(&budget), bytes_(bytes) {}  // reserved already
  ~MemoryLease() { budget_->release(bytes_); }
  MemoryLease(const MemoryLease&) = delete;
  MemoryLease& operator=(const MemoryLease&) = delete;

 private:
  MemoryBudget* budget_;
  int64_t bytes_;
};

// Keys and values of kPagePositions positions. Whoever shares one only reads the positions that it has in common.
class Page {
 public:
  Page(MemoryBudget& budget, Memory& memory, const StateSpec& spec);  // its bytes are reserved already
  ~Page() { memory_.free_page(handle_); }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  [[nodiscard]] KvPage handle() const { return handle_; }

 private:
  MemoryLease lease_;
  Memory& memory_;
  KvPage handle_;
};

// The recurrent state of a running sequence, and room for its drafts. Keys and values are in pages.
class RunningState {
 public:
  RunningState(MemoryBudget& budget, Memory& memory, const StateSpec& spec);  // its bytes are reserved already
  ~RunningState() { memory_.free_state(handle_); }
  RunningState(const RunningState&) = delete;
  RunningState& operator=(const RunningState&) = delete;
  [[nodiscard]] State handle() const { return handle_; }

 private:
  MemoryLease lease_;
  Memory& memory_;
  State handle_;
};

// What a snapshot is written to: a recurrent state, and a log when log_rows > 0.
class SnapshotMemory {
 public:
  // Its bytes, bytes_for(spec, log_rows), are reserved already.
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

// Where the rows of a step are logged: from this row of the log on.
struct LogPlace {
  DeltaLog log;
  int64_t row = 0;
};

// The recurrent state behind some number of tokens, and a log of what led on from there: together the state behind any
// of the tokens in [position, covered].
class Snapshot {
 public:
  // Of `state` as it stands behind `position` tokens. The memory goes back to the pool.
  Snapshot(KvPool& pool, std::unique_ptr<SnapshotMemory> memory, State state, int64_t position);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  [[nodiscard]] int64_t position() const { return position_; }
  [[nodiscard]] int64_t covered() const { return covered_; }
  [[nodiscard]] int64_t end() const { return position_ + memory_->log().capacity; }  // where the log is full
  // For `rows` rows of a step, of which the first stands behind `position` tokens.
  [[nodiscard]] LogPlace log_place(int64_t position, int64_t rows) const;
  // The log is right up to here.
  void extend_cover(int64_t position) { covered_ = position; }
  // Brings a state to behind `tokens` tokens, position() <= tokens <= covered().
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

  // Null when there is no room, even with nothing cached.
  PageRef create_page();
  PageRef copy_page(const Page& page);
  std::unique_ptr<RunningState> create_state();
  // log_rows: most tokens that the log will hold; 0: there is none.
  SnapshotRef create_snapshot(State state, int64_t position, int64_t log_rows);

  [[nodiscard]] bool has_recurrence() const { return running_spec_.delta_layers > 0; }
  // Of one request alone: its state, and pages for so many tokens.
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
  // Let go, to be used again: one with a log, and one without. Sequences make a snapshot every few dozen tokens and let
  // an old one go, and fresh memory is slow: of 35B-A3B a snapshot takes 3 ms, and 70 ms where its pages are new.
  Spares spares_;
  PrefixCache prefixes_;
};

}  // namespace moebius::internal
