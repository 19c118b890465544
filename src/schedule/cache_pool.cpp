// See cache_pool.h.
#include "schedule/cache_pool.h"

#include <algorithm>

#include "base/check.h"
#include "base/checked.h"

namespace moebius {
namespace {

// Pages are no part of it: they come one by one.
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

Page::Page(MemoryBudget& budget, Backend& backend, const StateSpec& spec)
    : lease_(budget, spec.page_bytes()), backend_(backend), handle_(backend.create_page(spec)) {}

RunningState::RunningState(MemoryBudget& budget, Backend& backend, const StateSpec& spec)
    : lease_(budget, spec.recurrent_bytes()), backend_(backend), handle_(backend.create_state(spec)) {}

SnapshotMemory::SnapshotMemory(MemoryBudget& budget, int64_t bytes, Model& model, Backend& backend, int64_t log_rows)
    : lease_(budget, bytes),
      model_(model),
      backend_(backend),
      snapshot_(backend.create_state(snapshot_spec(model))),
      log_(log_rows > 0 ? model.create_log(log_rows) : DeltaLog{}) {}

SnapshotMemory::~SnapshotMemory() {
  if (log_.capacity > 0) model_.free_log(log_);
  backend_.free_state(snapshot_);
}

Snapshot::Snapshot(CachePool& pool, std::unique_ptr<SnapshotMemory> memory, State state, int64_t position)
    : pool_(pool), memory_(std::move(memory)), position_(position), covered_(position) {
  pool_.backend_.copy_recurrent(memory_->snapshot(), state);
}

Snapshot::~Snapshot() { pool_.give_back(std::move(memory_)); }

LoggedRows Snapshot::log(int64_t at, int64_t first_row, int64_t rows) const {
  MOEBIUS_CHECK(at >= position_ && at + rows <= end());
  return {.log = &memory_->log(), .first_row = first_row, .rows = rows, .log_row = at - position_};
}

void Snapshot::restore(State state, int64_t tokens) const {
  MOEBIUS_CHECK(tokens >= position_ && tokens <= covered_);
  pool_.backend_.copy_recurrent(state, memory_->snapshot());
  if (tokens > position_) pool_.model_.replay(state, memory_->log(), 0, tokens - position_);
}

CachePool::CachePool(Model& model, Backend& backend, int64_t limit_bytes)
    : model_(model),
      backend_(backend),
      spec_(running_spec(model)),
      snapshot_(snapshot_spec(model)),
      budget_(limit_bytes),
      prefixes_({.page_positions = kPagePositions, .needs_snapshots = spec_.delta_layers > 0}) {}

bool CachePool::take(int64_t bytes) {
  while (!budget_.try_take(bytes)) {
    if (!make_room()) return false;
  }
  return true;
}

bool CachePool::make_room() {
  if (spares_.empty()) return prefixes_.evict_one();
  spares_.pop_back();
  return true;
}

PageRef CachePool::page() {
  return take(spec_.page_bytes()) ? std::make_shared<Page>(budget_, backend_, spec_) : nullptr;
}

PageRef CachePool::copy_of(const Page& other) {
  PageRef copy = page();
  if (copy) backend_.copy_page(copy->handle(), other.handle());
  return copy;
}

std::unique_ptr<RunningState> CachePool::state() {
  return take(spec_.recurrent_bytes()) ? std::make_unique<RunningState>(budget_, backend_, spec_) : nullptr;
}

SnapshotRef CachePool::snapshot(State state, int64_t position, int64_t log_rows) {
  std::unique_ptr<SnapshotMemory> memory = snapshot_memory(log_rows);
  return memory ? std::make_shared<Snapshot>(*this, std::move(memory), state, position) : nullptr;
}

// Where room must be made, it is mostly made by letting a snapshot of the same kind go.
std::unique_ptr<SnapshotMemory> CachePool::snapshot_memory(int64_t log_rows) {
  const int64_t bytes = snapshot_.recurrent_bytes() + (log_rows > 0 ? model_.log_bytes(log_rows) : 0);
  do {
    if (const auto spare = find_spare(log_rows); spare != spares_.end()) {
      std::unique_ptr<SnapshotMemory> memory = std::move(*spare);
      spares_.erase(spare);
      return memory;
    }
    if (budget_.try_take(bytes)) {
      return std::make_unique<SnapshotMemory>(budget_, bytes, model_, backend_, log_rows);
    }
  } while (make_room());
  return nullptr;
}

CachePool::Spares::iterator CachePool::find_spare(int64_t log_rows) {
  return std::ranges::find_if(spares_, [=](const auto& memory) { return memory->log().capacity == log_rows; });
}

void CachePool::give_back(std::unique_ptr<SnapshotMemory> memory) {
  if (find_spare(memory->log().capacity) == spares_.end()) spares_.push_back(std::move(memory));
}

int64_t CachePool::bytes_for(int64_t tokens) const {
  return spec_.recurrent_bytes() + div_up(tokens, kPagePositions) * spec_.page_bytes();
}

}  // namespace moebius
