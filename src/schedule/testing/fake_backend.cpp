// Implements the fake backend of fake_backend.h.
#include "schedule/testing/fake_backend.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "backend/tensor_memory.h"
#include "base/check.h"

namespace moebius::internal::testing {
namespace {

template <typename Map>
auto& look_up(Map& map, int32_t id) {
  const auto found = map.find(id);
  MOEBIUS_CHECK(found != map.end());
  return found->second;
}

}  // namespace

// ---- access for the model

FakeState& FakeMemory::state(State handle) { return look_up(states_, handle.id); }

FakeLog& FakeMemory::log(DeltaLog handle) {
  FakeLog& log = look_up(logs_, handle.id);
  MOEBIUS_CHECK(std::ssize(log.rows) == handle.capacity);
  return log;
}

FakePage& FakeMemory::page_of(State handle, int64_t position) {
  const auto& pages = state(handle).pages;
  MOEBIUS_CHECK(position >= 0 && position < std::ssize(pages) * kPagePositions);
  return *look_up(pages_, pages[position / kPagePositions].id);
}

bool FakeMemory::is_shared(KvPage page) const {
  const auto sees = [page](const auto& entry) {
    return std::ranges::find(entry.second.pages, page.id, &KvPage::id) != entry.second.pages.end();
  };
  return std::ranges::count_if(states_, sees) > 1;
}

const FakeEntry& FakeMemory::entry(State handle, int64_t position) {
  return page_of(handle, position).entries[position % kPagePositions];
}

const FakePair& FakeMemory::pair(State handle, int64_t position) {
  return page_of(handle, position).pairs[position % kPagePositions];
}

void FakeMemory::write_entry(State handle, int64_t position, const FakeEntry& entry) {
  FakeEntry& slot = page_of(handle, position).entries[position % kPagePositions];
  MOEBIUS_CHECK(slot == entry || !is_shared(state(handle).pages[position / kPagePositions]));
  slot = entry;
}

void FakeMemory::write_pair(State handle, int64_t position, const FakePair& pair) {
  FakePair& slot = page_of(handle, position).pairs[position % kPagePositions];
  MOEBIUS_CHECK(slot == pair || !is_shared(state(handle).pages[position / kPagePositions]));
  slot = pair;
}

bool FakeMemory::has_drafts() const {
  return std::ranges::any_of(states_, [](const auto& entry) { return !entry.second.draft.empty(); });
}

void FakeMemory::keep_rows(State handle, int64_t rows) {
  FakeState& of = state(handle);
  MOEBIUS_CHECK(rows >= 0 && rows < std::ssize(of.draft));
  of.now = of.draft[rows];
  of.draft.clear();
}

int64_t FakeMemory::cache_bytes() const {
  int64_t bytes = 0;
  for (const auto& [id, state] : states_) bytes += state.spec.recurrent_bytes();
  for (const auto& [id, page] : pages_) bytes += page->bytes;
  for (const auto& [id, log] : logs_) bytes += log.bytes;
  return bytes;
}

// ---- buffers

Tensor FakeMemory::allocate(DType dtype, int64_t rows, int64_t cols) {
  const int64_t bytes = Tensor(dtype, rows, cols).bytes();
  MOEBIUS_CHECK(bytes > 0);
  auto memory = std::make_unique<std::vector<std::byte>>(bytes);
  const Tensor tensor = TensorMemory::tensor(memory->data(), dtype, rows, cols);
  tensors_[memory->data()] = std::move(memory);
  return tensor;
}

void FakeMemory::free(Tensor tensor) {
  const auto found = tensors_.find(TensorMemory::of(tensor));
  MOEBIUS_CHECK(found != tensors_.end() && std::ssize(*found->second) == tensor.bytes());
  tensors_.erase(found);
}

void FakeMemory::write(Tensor out, const void* host) { std::memcpy(TensorMemory::of(out), host, out.bytes()); }

void FakeMemory::read(void* host, Tensor x) { std::memcpy(host, TensorMemory::of(x), x.bytes()); }

void FakeMemory::copy(Tensor out, Tensor x) {
  MOEBIUS_CHECK(out.dtype == x.dtype && out.rows == x.rows && out.cols == x.cols);
  auto* to = static_cast<std::byte*>(TensorMemory::of(out));
  const auto* from = static_cast<const std::byte*>(TensorMemory::of(x));
  MOEBIUS_CHECK(to + x.bytes() <= from || from + x.bytes() <= to);
  std::memcpy(to, from, x.bytes());
}

// ---- states

State FakeMemory::create_state(const StateSpec& spec) {
  MOEBIUS_CHECK(spec.context == 0);  // a state gets its pages from set_pages()
  states_[next_id_] = {.spec = spec, .now = {}};
  return {next_id_++};
}

void FakeMemory::reset_state(State handle) {
  state(handle).now = {};
  state(handle).draft.clear();
}

void FakeMemory::copy_recurrent(State to, State from) {
  MOEBIUS_CHECK(state(to).draft.empty() && state(from).draft.empty());
  state(to).now = state(from).now;
}

void FakeMemory::free_state(State handle) { MOEBIUS_CHECK(states_.erase(handle.id) == 1); }

// ---- pages

KvPage FakeMemory::create_page(const StateSpec& spec) {
  pages_[next_id_] = std::make_unique<FakePage>(FakePage{.bytes = spec.page_bytes()});
  return {next_id_++};
}

void FakeMemory::copy_page(KvPage to, KvPage from) { *look_up(pages_, to.id) = *look_up(pages_, from.id); }

void FakeMemory::free_page(KvPage page) { MOEBIUS_CHECK(pages_.erase(page.id) == 1); }

void FakeMemory::set_pages(State handle, std::span<const KvPage> pages) {
  FakeState& of = state(handle);
  for (const KvPage page : pages) MOEBIUS_CHECK(look_up(pages_, page.id)->bytes == of.spec.page_bytes());
  of.pages.assign(pages.begin(), pages.end());
}

// ---- logs

DeltaLog FakeMemory::create_log(const StateSpec& spec, int64_t capacity) {
  MOEBIUS_CHECK(capacity >= 1 && spec.delta_layers >= 1);
  logs_[next_id_] = {.bytes = spec.log_bytes(capacity), .rows = std::vector<FakeLogRow>(capacity)};
  return {next_id_++, capacity};
}

void FakeMemory::free_log(DeltaLog log) { MOEBIUS_CHECK(logs_.erase(log.id) == 1); }

// ---- a step

Batch FakeOperations::stage(const BatchSpec& spec) {
  MOEBIUS_CHECK(!memory_.has_drafts());  // keep() must come first: it needs the handle that stage() invalidates
  MOEBIUS_CHECK(pending_.empty());       // wait() must come first: it delivers the draws of the last step
  for (const SequenceRows& sequence : spec.sequences) {
    MOEBIUS_CHECK(!sequence.draft || sequence.rows <= memory_.state(sequence.state).spec.draft_rows);
    MOEBIUS_CHECK(std::ranges::count(spec.sequences, sequence.state.id,
                                     [](const SequenceRows& other) { return other.state.id; }) == 1);
    if (sequence.log.id >= 0) memory_.log(sequence.log);
  }
  if (!spec.tokens.empty()) ++steps_;  // a replay reads no weight
  return batch_.stage(spec);
}

// Checks that the wanted rows are the last rows of their sequence, and that all of them but the first are rows of its
// drafts. Otherwise kept_rows() would count rows that nothing was drawn from.
void FakeOperations::check_sampling(const SequenceSampling& sampling) const {
  const int64_t wanted = std::ssize(batch_.logit_rows());
  MOEBIUS_CHECK(sampling.sequence >= 0 && sampling.sequence < std::ssize(batch_.sequences()));
  MOEBIUS_CHECK(sampling.rows >= 1 && sampling.first_logit >= 0 && sampling.first_logit + sampling.rows <= wanted);
  const SequenceRows& sequence = batch_.sequences()[sampling.sequence];
  const int64_t verified = sampling.rows - 1;
  MOEBIUS_CHECK(sampling.rows <= sequence.rows && verified <= std::ssize(sampling.drafts));
  MOEBIUS_CHECK(verified == 0 || sequence.draft);
  const int64_t first = sequence.first_row + sequence.rows - sampling.rows;
  for (int64_t i = 0; i < sampling.rows; ++i) {
    MOEBIUS_CHECK(batch_.logit_rows()[sampling.first_logit + i] == first + i);
  }
  MOEBIUS_CHECK(std::ranges::equal(batch_.tokens().subspan(first + 1, verified), sampling.drafts.last(verified)));
}

void FakeOperations::sample(Tensor kept, Tensor logits, Batch batch, std::span<const SequenceSampling> sequences,
                            std::span<SequenceDraws> draws) {
  const std::span<const SequenceRows> all = batch_.at(batch).sequences();
  MOEBIUS_CHECK(kept.dtype == DType::kI32 && kept.rows == batch.sequences && kept.cols == 1);
  MOEBIUS_CHECK(logits.dtype == DType::kF32 && logits.rows == batch.logit_rows && draws.size() == sequences.size());
  PendingDraws pending = {.drawn = std::vector<SequenceDraws>(draws.size()), .out = draws};
  for (size_t i = 0; i < sequences.size(); ++i) {
    const SequenceSampling& sampling = sequences[i];
    check_sampling(sampling);
    MOEBIUS_CHECK(std::ranges::count(sequences, sampling.sequence, &SequenceSampling::sequence) == 1);
    const Tensor rows = logits.slice(sampling.first_logit, sampling.rows);
    draw_sequence(pending.drawn[i], {f32(rows), static_cast<size_t>(rows.rows * rows.cols)}, sampling);
    const int64_t stay = kept_rows(all[sampling.sequence].rows, sampling, pending.drawn[i]);
    i32(kept)[sampling.sequence] = static_cast<int32_t>(stay);
    draws[i] = {.draws = {}, .accepted = -1, .is_finite = false};
  }
  pending_.push_back(std::move(pending));
}

void FakeOperations::keep(Batch batch, Tensor kept) {
  const std::span<const SequenceRows> sequences = batch_.at(batch).sequences();
  MOEBIUS_CHECK(kept.dtype == DType::kI32 && kept.rows == batch.sequences && kept.cols == 1);
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (sequences[i].draft) memory_.keep_rows(sequences[i].state, i32(kept)[i]);
  }
}

void FakeOperations::wait() {
  for (PendingDraws& pending : pending_) std::ranges::move(pending.drawn, pending.out.begin());
  pending_.clear();
}

}  // namespace moebius::internal::testing
