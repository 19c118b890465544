// Keys, values and recurrent states, running or cached, out of one budget of bytes. What is taken here gives its bytes
// back when its last holder lets go; when the budget is full, what the prefix cache used longest ago makes room.
// For one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "backend/backend.h"
#include "cache/memory_budget.h"
#include "cache/prefix_tree.h"
#include "model/model.h"

namespace moebius {

// Bytes of a budget, for as long as it lives.
class MemoryLease {
 public:
  MemoryLease(MemoryBudget& budget, int64_t bytes) : budget_(&budget), bytes_(bytes) {}  // taken already
  ~MemoryLease() { budget_->give(bytes_); }
  MemoryLease(const MemoryLease&) = delete;
  MemoryLease& operator=(const MemoryLease&) = delete;

 private:
  MemoryBudget* budget_;
  int64_t bytes_;
};

// Keys and values of kPagePositions positions. Whoever shares one only reads the positions that it has in common.
class Page {
 public:
  Page(MemoryBudget& budget, Backend& backend, const StateSpec& spec);  // its bytes are taken already
  ~Page() { backend_.free_page(handle_); }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  [[nodiscard]] KvPage handle() const { return handle_; }

 private:
  MemoryLease lease_;
  Backend& backend_;
  KvPage handle_;
};

// The recurrent state of a running stream, and room for its drafts. Keys and values are in pages.
class RunningState {
 public:
  RunningState(MemoryBudget& budget, Backend& backend, const StateSpec& spec);
  ~RunningState() { backend_.free_state(handle_); }
  RunningState(const RunningState&) = delete;
  RunningState& operator=(const RunningState&) = delete;
  [[nodiscard]] State handle() const { return handle_; }

 private:
  MemoryLease lease_;
  Backend& backend_;
  State handle_;
};

class CachePool;

// What a snapshot is written to: a recurrent state, and a log when log_rows > 0.
class SnapshotMemory {
 public:
  SnapshotMemory(MemoryBudget& budget, int64_t bytes, Model& model, Backend& backend, int64_t log_rows);
  ~SnapshotMemory();
  SnapshotMemory(const SnapshotMemory&) = delete;
  SnapshotMemory& operator=(const SnapshotMemory&) = delete;

  [[nodiscard]] State snapshot() const { return snapshot_; }
  [[nodiscard]] const DeltaLog& log() const { return log_; }

 private:
  MemoryLease lease_;
  Model& model_;
  Backend& backend_;
  State snapshot_;
  DeltaLog log_;
};

// The recurrent state behind some number of tokens, and a log of what led on from there: together the state behind any
// of the tokens in [position, covered].
class Snapshot {
 public:
  // Snapshot of `state` as it stands behind `position` tokens. The memory goes back to the pool.
  Snapshot(CachePool& pool, std::unique_ptr<SnapshotMemory> memory, State state, int64_t position);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  [[nodiscard]] int64_t position() const { return position_; }
  [[nodiscard]] int64_t covered() const { return covered_; }
  [[nodiscard]] int64_t end() const { return position_ + memory_->log().capacity; }  // where the log is full
  // `rows` rows of a step, of which the first stands behind `at` tokens: where they are logged.
  [[nodiscard]] LoggedRows log(int64_t at, int64_t first_row, int64_t rows) const;
  // The log is right up to here.
  void cover(int64_t tokens) { covered_ = tokens; }
  // Brings a state to behind `tokens` tokens, position() <= tokens <= covered().
  void restore(State state, int64_t tokens) const;

 private:
  CachePool& pool_;
  std::unique_ptr<SnapshotMemory> memory_;
  int64_t position_;
  int64_t covered_;
};

using PageRef = std::shared_ptr<Page>;
using SnapshotRef = std::shared_ptr<Snapshot>;
using PrefixCache = PrefixTree<Page, Snapshot>;

class CachePool {
 public:
  CachePool(Model& model, Backend& backend, int64_t limit_bytes);

  // Null when there is no room, even with nothing cached.
  PageRef page();
  PageRef copy_of(const Page& page);
  std::unique_ptr<RunningState> state();
  // log_rows: most tokens that the log will hold; 0: there is none.
  SnapshotRef snapshot(State state, int64_t position, int64_t log_rows);

  [[nodiscard]] bool has_recurrence() const { return spec_.delta_layers > 0; }
  // Of one request alone: its state, and pages for so many tokens.
  [[nodiscard]] int64_t bytes_for(int64_t tokens) const;
  [[nodiscard]] const MemoryBudget& budget() const { return budget_; }
  PrefixCache& prefixes() { return prefixes_; }

 private:
  friend Snapshot;

  using Spares = std::vector<std::unique_ptr<SnapshotMemory>>;

  bool take(int64_t bytes);
  bool make_room();
  std::unique_ptr<SnapshotMemory> snapshot_memory(int64_t log_rows);
  Spares::iterator find_spare(int64_t log_rows);
  void give_back(std::unique_ptr<SnapshotMemory> memory);

  Model& model_;
  Backend& backend_;
  StateSpec spec_;      // of a running stream
  StateSpec snapshot_;  // of what a snapshot keeps
  MemoryBudget budget_;
  // Let go, to be used again: one with a log, and one without. Streams make a snapshot every few dozen tokens and let
  // an old one go, and fresh memory is slow: of 35B-A3B a snapshot takes 3 ms, and 70 ms where its pages are new.
  Spares spares_;
  PrefixCache prefixes_;
};

}  // namespace moebius
