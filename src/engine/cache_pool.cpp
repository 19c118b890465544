// See cache_pool.h.
#include "engine/cache_pool.h"

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

Checkpoint::Checkpoint(MemoryBudget& budget, int64_t bytes, Model& model, Backend& backend, State state,
                       int64_t position, int64_t log_rows)
    : lease_(budget, bytes),
      model_(model),
      backend_(backend),
      snapshot_(backend.create_state(snapshot_spec(model))),
      log_(log_rows > 0 ? model.create_log(log_rows) : DeltaLog{}),
      position_(position),
      covered_(position) {
  backend_.copy_recurrent(snapshot_, state);
}

Checkpoint::~Checkpoint() {
  model_.free_log(log_);
  backend_.free_state(snapshot_);
}

LoggedRows Checkpoint::log(int64_t at, int64_t first_row, int64_t rows) const {
  MOEBIUS_CHECK(at >= position_ && at + rows <= end());
  return {.log = &log_, .first_row = first_row, .rows = rows, .log_row = at - position_};
}

void Checkpoint::restore(State state, int64_t tokens) const {
  MOEBIUS_CHECK(tokens >= position_ && tokens <= covered_);
  backend_.copy_recurrent(state, snapshot_);
  if (tokens > position_) model_.replay(state, log_, 0, tokens - position_);
}

CachePool::CachePool(Model& model, Backend& backend, int64_t limit_bytes)
    : model_(model),
      backend_(backend),
      spec_(running_spec(model)),
      snapshot_(snapshot_spec(model)),
      budget_(limit_bytes),
      prefixes_({.page_positions = kPagePositions, .needs_checkpoints = spec_.delta_layers > 0}) {}

bool CachePool::take(int64_t bytes) {
  while (!budget_.try_take(bytes)) {
    if (!prefixes_.evict_one()) return false;
  }
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

CheckpointRef CachePool::checkpoint(State state, int64_t position, int64_t log_rows) {
  const int64_t bytes = snapshot_.recurrent_bytes() + model_.log_bytes(log_rows);
  if (!take(bytes)) return nullptr;
  return std::make_shared<Checkpoint>(budget_, bytes, model_, backend_, state, position, log_rows);
}

int64_t CachePool::bytes_for(int64_t tokens) const {
  return spec_.recurrent_bytes() + div_up(tokens, kPagePositions) * spec_.page_bytes();
}

}  // namespace moebius
