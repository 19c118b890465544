// Implements the pool of kv_pool.h, and the pages, states and snapshots that it provides.
#include "schedule/kv_pool.h"

#include <algorithm>

#include "base/check.h"
#include "base/checked.h"

namespace moebius::internal {
namespace {

// A running state has no context of its own: its pages are created one by one.
StateSpec running_spec(const Model& model) {
  StateSpec spec = model.state_spec();
  spec.context = 0;
  return spec;
}

StateSpec snapshot_spec(const Model& model) {
  StateSpec spec = running_spec(model);
  spec.draft_rows = 0;
  return spec;
}

}  // namespace

Page::Page(MemoryBudget& budget, Memory& memory, const StateSpec& spec)
    : lease_(budget, spec.page_bytes()), memory_(memory), handle_(memory.create_page(spec)) {}

RunningState::RunningState(MemoryBudget& budget, Memory& memory, const StateSpec& spec)
    : lease_(budget, spec.recurrent_bytes()), memory_(memory), handle_(memory.create_state(spec)) {}

SnapshotMemory::SnapshotMemory(MemoryBudget& budget, Memory& memory, const StateSpec& spec, int64_t log_rows)
    : lease_(budget, bytes_for(spec, log_rows)),
      memory_(memory),
      state_(memory.create_state(spec)),
      log_(log_rows > 0 ? memory.create_log(spec, log_rows) : DeltaLog{}) {}

SnapshotMemory::~SnapshotMemory() {
  if (log_.capacity > 0) memory_.free_log(log_);
  memory_.free_state(state_);
}

Snapshot::Snapshot(KvPool& pool, std::unique_ptr<SnapshotMemory> memory, State state, int64_t position)
    : pool_(pool), memory_(std::move(memory)), position_(position), covered_(position) {
  pool_.memory_.copy_recurrent(memory_->state(), state);
}

Snapshot::~Snapshot() { pool_.keep_spare(std::move(memory_)); }

LogPlace Snapshot::log_place(int64_t position, int64_t rows) const {
  MOEBIUS_CHECK(position >= position_ && position + rows <= end());
  return {.log = memory_->log(), .row = position - position_};
}

void Snapshot::restore(State state, int64_t tokens) const {
  MOEBIUS_CHECK(tokens >= position_ && tokens <= covered_);
  pool_.memory_.copy_recurrent(state, memory_->state());
  if (tokens > position_) pool_.model_.replay(state, memory_->log(), 0, tokens - position_);
}

KvPool::KvPool(Model& model, Memory& memory, int64_t limit_bytes)
    : model_(model),
      memory_(memory),
      running_spec_(running_spec(model)),
      snapshot_spec_(snapshot_spec(model)),
      budget_(limit_bytes),
      prefixes_({.page_positions = kPagePositions, .needs_snapshots = running_spec_.delta_layers > 0}) {}

bool KvPool::reserve_bytes(int64_t bytes) {
  while (!budget_.try_reserve(bytes)) {
    if (!drop_something()) return false;
  }
  return true;
}

bool KvPool::drop_something() {
  if (spares_.empty()) return prefixes_.evict_one();
  spares_.pop_back();
  return true;
}

PageRef KvPool::create_page() {
  if (!reserve_bytes(running_spec_.page_bytes())) return nullptr;
  return std::make_shared<Page>(budget_, memory_, running_spec_);
}

PageRef KvPool::copy_page(const Page& page) {
  PageRef copy = create_page();
  if (copy) memory_.copy_page(copy->handle(), page.handle());
  return copy;
}

std::unique_ptr<RunningState> KvPool::create_state() {
  if (!reserve_bytes(running_spec_.recurrent_bytes())) return nullptr;
  return std::make_unique<RunningState>(budget_, memory_, running_spec_);
}

SnapshotRef KvPool::create_snapshot(State state, int64_t position, int64_t log_rows) {
  std::unique_ptr<SnapshotMemory> memory = create_snapshot_memory(log_rows);
  return memory ? std::make_shared<Snapshot>(*this, std::move(memory), state, position) : nullptr;
}

// Looks for a spare after every eviction, because an eviction mostly releases a snapshot of the same kind, whose memory
// then is a spare.
std::unique_ptr<SnapshotMemory> KvPool::create_snapshot_memory(int64_t log_rows) {
  do {
    if (const auto spare = find_spare(log_rows); spare != spares_.end()) {
      std::unique_ptr<SnapshotMemory> memory = std::move(*spare);
      spares_.erase(spare);
      return memory;
    }
    if (budget_.try_reserve(SnapshotMemory::bytes_for(snapshot_spec_, log_rows))) {
      return std::make_unique<SnapshotMemory>(budget_, memory_, snapshot_spec_, log_rows);
    }
  } while (drop_something());
  return nullptr;
}

KvPool::Spares::iterator KvPool::find_spare(int64_t log_rows) {
  return std::ranges::find_if(spares_, [=](const auto& memory) { return memory->log().capacity == log_rows; });
}

void KvPool::keep_spare(std::unique_ptr<SnapshotMemory> memory) {
  if (find_spare(memory->log().capacity) == spares_.end()) spares_.push_back(std::move(memory));
}

int64_t KvPool::bytes_for(int64_t tokens) const {
  return running_spec_.recurrent_bytes() + div_up(tokens, kPagePositions) * running_spec_.page_bytes();
}

}  // namespace moebius::internal
