// See fake_backend.h.
#include "schedule/testing/fake_backend.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace moebius::testing {
namespace {

[[noreturn]] void no_layers() { check_failed("a fake backend has no layers", __FILE__, __LINE__); }

template <typename Map>
auto& look_up(Map& map, int32_t id) {
  const auto found = map.find(id);
  MOEBIUS_CHECK(found != map.end());
  return found->second;
}

}  // namespace

// ---- for the model

FakeState& FakeBackend::state(State handle) { return look_up(states_, handle.id); }

FakePage& FakeBackend::page_of(State handle, int64_t position) {
  const auto& pages = state(handle).pages;
  MOEBIUS_CHECK(position >= 0 && position < std::ssize(pages) * kPagePositions);
  return *look_up(pages_, pages[position / kPagePositions].id);
}

bool FakeBackend::is_shared(KvPage page) const {
  const auto sees = [page](const auto& entry) {
    return std::ranges::find(entry.second.pages, page.id, &KvPage::id) != entry.second.pages.end();
  };
  return std::ranges::count_if(states_, sees) > 1;
}

const FakeEntry& FakeBackend::entry(State handle, int64_t position) {
  return page_of(handle, position).entries[position % kPagePositions];
}

const FakePair& FakeBackend::pair(State handle, int64_t position) {
  return page_of(handle, position).pairs[position % kPagePositions];
}

void FakeBackend::write_entry(State handle, int64_t position, const FakeEntry& entry) {
  FakeEntry& slot = page_of(handle, position).entries[position % kPagePositions];
  MOEBIUS_CHECK(slot == entry || !is_shared(state(handle).pages[position / kPagePositions]));
  slot = entry;
}

void FakeBackend::write_pair(State handle, int64_t position, const FakePair& pair) {
  FakePair& slot = page_of(handle, position).pairs[position % kPagePositions];
  MOEBIUS_CHECK(slot == pair || !is_shared(state(handle).pages[position / kPagePositions]));
  slot = pair;
}

int64_t FakeBackend::cache_bytes() const {
  int64_t bytes = 0;
  for (const auto& [id, state] : states_) bytes += state.spec.recurrent_bytes();
  for (const auto& [id, page] : pages_) bytes += page->bytes;
  return bytes;
}

// ---- memory

Tensor FakeBackend::allocate(DType dtype, int64_t rows, int64_t cols) {
  Tensor tensor{.data = nullptr, .dtype = dtype, .rows = rows, .cols = cols};
  MOEBIUS_CHECK(tensor.bytes() > 0);
  auto memory = std::make_unique<std::vector<std::byte>>(tensor.bytes());
  tensor.data = memory->data();
  tensors_[tensor.data] = std::move(memory);
  return tensor;
}

void FakeBackend::free_tensor(Tensor tensor) {
  const auto found = tensors_.find(tensor.data);
  MOEBIUS_CHECK(found != tensors_.end() && std::ssize(*found->second) == tensor.bytes());
  tensors_.erase(found);
}

void FakeBackend::write(Tensor out, const void* host) { std::memcpy(out.data, host, out.bytes()); }

void FakeBackend::read(void* host, Tensor x) { std::memcpy(host, x.data, x.bytes()); }

void FakeBackend::copy(Tensor out, Tensor x) {
  MOEBIUS_CHECK(out.dtype == x.dtype && out.rows == x.rows && out.cols == x.cols);
  MOEBIUS_CHECK(out.data != x.data);
  std::memcpy(out.data, x.data, x.bytes());
}

// ---- states

State FakeBackend::create_state(const StateSpec& spec) {
  MOEBIUS_CHECK(spec.context == 0);  // pages come by set_pages()
  states_[next_id_] = {.spec = spec, .now = {}};
  return {next_id_++};
}

void FakeBackend::reset_state(State handle) {
  state(handle).now = {};
  state(handle).draft.clear();
}

void FakeBackend::keep_rows(State handle, int64_t rows) {
  FakeState& of = state(handle);
  MOEBIUS_CHECK(rows >= 0 && rows < std::ssize(of.draft));
  of.now = of.draft[rows];
  of.draft.clear();
}

void FakeBackend::copy_recurrent(State to, State from) {
  MOEBIUS_CHECK(state(to).draft.empty() && state(from).draft.empty());
  state(to).now = state(from).now;
}

void FakeBackend::free_state(State handle) { MOEBIUS_CHECK(states_.erase(handle.id) == 1); }

// ---- pages

KvPage FakeBackend::create_page(const StateSpec& spec) {
  pages_[next_id_] = std::make_unique<FakePage>(FakePage{.bytes = spec.page_bytes()});
  return {next_id_++};
}

void FakeBackend::copy_page(KvPage to, KvPage from) { *look_up(pages_, to.id) = *look_up(pages_, from.id); }

void FakeBackend::free_page(KvPage page) { MOEBIUS_CHECK(pages_.erase(page.id) == 1); }

void FakeBackend::set_pages(State handle, std::span<const KvPage> pages) {
  for (const KvPage page : pages) look_up(pages_, page.id);
  state(handle).pages.assign(pages.begin(), pages.end());
}

// ---- layers

Matrix FakeBackend::upload(const MatrixSpec&, const RowSource&) { no_layers(); }
Experts FakeBackend::upload(const ExpertsSpec&) { no_layers(); }
Tensor FakeBackend::upload(std::span<const float>, int64_t, int64_t) { no_layers(); }
void FakeBackend::repeat_context(State, int64_t, int64_t) { no_layers(); }
void FakeBackend::embed(Tensor, Tensor, Matrix) { no_layers(); }
void FakeBackend::rms_norm(Tensor, Tensor, Tensor, float) { no_layers(); }
void FakeBackend::add_rms_norm(Tensor, Tensor, Tensor, Tensor, float) { no_layers(); }
void FakeBackend::linear(std::span<const Projection>, Tensor) { no_layers(); }
void FakeBackend::attention(Tensor, const AttentionArgs&, std::span<const SequenceRows>) { no_layers(); }
void FakeBackend::delta_net(Tensor, const DeltaNetArgs&, std::span<const SequenceRows>) { no_layers(); }
void FakeBackend::router(const Routing&, Tensor, const RouterArgs&) { no_layers(); }
void FakeBackend::experts(Tensor, Tensor, const Routing&, Experts, ExpertPath) { no_layers(); }
void FakeBackend::gather_rows(Tensor, Tensor, Tensor) { no_layers(); }
void FakeBackend::concat(Tensor, Tensor, Tensor) { no_layers(); }
void FakeBackend::argmax(Tensor, Tensor) { no_layers(); }

}  // namespace moebius::testing
