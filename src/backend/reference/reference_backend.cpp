// Loading, tensors, states and their handles. The operations of a step are on their own pages.
#include "backend/reference/reference_backend.h"

#include <cstring>
#include <utility>

#include "backend/reference/reference.h"
#include "base/check.h"

namespace moebius {

std::unique_ptr<Backend> make_reference_backend(bool f32_activations) {
  return std::make_unique<reference::ReferenceBackend>(f32_activations);
}

namespace reference {

StoredMatrix ReferenceBackend::store(MatrixSpec spec, const RowSource& rows) {
  MOEBIUS_CHECK(max_rows_ == 0);  // uploads come before reserve()
  if (f32_activations_) spec.activations = ActivationKind::kF32;
  StoredMatrix stored(spec, rows);
  packed_bytes_ += stored.bytes();
  return stored;
}

StoredExpertGroup ReferenceBackend::store(const ExpertsSpec& spec, const ExpertGroupSpec& group) {
  if (group.count == 0) return {};
  MOEBIUS_CHECK(group.gate_rows != nullptr && group.up_rows != nullptr && group.down_rows != nullptr);
  const int64_t hidden_rows = group.count * group.width;
  return {
      .count = group.count,
      .width = group.width,
      .gate = store({spec.name + ".gate", hidden_rows, spec.dim, group.gate_up}, *group.gate_rows),
      .up = store({spec.name + ".up", hidden_rows, spec.dim, group.gate_up}, *group.up_rows),
      .down = store({spec.name + ".down", group.count * spec.dim, group.width, group.down}, *group.down_rows),
  };
}

Matrix ReferenceBackend::upload(const MatrixSpec& spec, const RowSource& rows) {
  matrices_.push_back(store(spec, rows));
  return {static_cast<int32_t>(matrices_.size()) - 1};
}

Experts ReferenceBackend::upload(const ExpertsSpec& spec) {
  MOEBIUS_CHECK(spec.routed.count > 0 && spec.shared.count <= 1);
  experts_.push_back({spec.dim, store(spec, spec.routed), store(spec, spec.shared)});
  return {static_cast<int32_t>(experts_.size()) - 1};
}

Tensor ReferenceBackend::upload(std::span<const float> values, int64_t rows, int64_t cols) {
  MOEBIUS_CHECK(static_cast<int64_t>(values.size()) == rows * cols);
  const Tensor x = allocate(DType::kF32, rows, cols);
  write(x, values.data());
  return x;
}

Tensor ReferenceBackend::allocate(DType dtype, int64_t rows, int64_t cols) {
  MOEBIUS_CHECK(rows >= 0 && cols >= 0 && size_bytes(dtype) > 0);
  Tensor x{nullptr, dtype, rows, cols};
  std::unique_ptr<std::byte[]> memory = std::make_unique<std::byte[]>(x.bytes());  // zeroed
  x.data = memory.get();
  tensors_[x.data] = std::move(memory);
  return x;
}

void ReferenceBackend::free_tensor(Tensor tensor) { MOEBIUS_CHECK(tensors_.erase(tensor.data) == 1); }

void ReferenceBackend::reserve(int64_t max_rows) {
  MOEBIUS_CHECK(max_rows > 0);
  max_rows_ = max_rows;
}

State ReferenceBackend::create_state(const StateSpec& spec) {
  states_.push_back(std::make_unique<SequenceState>(spec));
  return {static_cast<int32_t>(states_.size()) - 1};
}

void ReferenceBackend::reset_state(State state) { sequence(state).reset(); }

void ReferenceBackend::repeat_context(State state, int64_t seen, int64_t positions) {
  sequence(state).repeat(seen, positions);
}

void ReferenceBackend::keep_rows(State state, int64_t rows) { sequence(state).keep(rows); }

void ReferenceBackend::copy_recurrent(State to, State from) { sequence(to).copy_recurrent(sequence(from)); }

void ReferenceBackend::free_state(State state) {
  sequence(state);  // must be alive
  states_[state.id].reset();
}

KvPage ReferenceBackend::create_page(const StateSpec& spec) {
  pages_.push_back(std::make_unique<std::vector<std::byte>>(spec.page_bytes()));
  return {static_cast<int32_t>(pages_.size()) - 1};
}

void ReferenceBackend::copy_page(KvPage to, KvPage from) {
  MOEBIUS_CHECK(page(to).size() == page(from).size());
  page(to) = page(from);
}

void ReferenceBackend::free_page(KvPage handle) {
  page(handle);  // must be alive
  pages_[handle.id].reset();
}

void ReferenceBackend::set_pages(State state, std::span<const KvPage> pages) {
  SequenceState& s = sequence(state);
  std::vector<std::byte*> memory;
  for (const KvPage& handle : pages) {
    MOEBIUS_CHECK(static_cast<int64_t>(page(handle).size()) == s.spec().page_bytes());
    memory.push_back(page(handle).data());
  }
  s.set_pages(std::move(memory));
}

void ReferenceBackend::write(Tensor out, const void* host) {
  if (out.bytes() > 0) std::memcpy(out.data, host, out.bytes());
}

void ReferenceBackend::read(void* host, Tensor x) {
  if (x.bytes() > 0) std::memcpy(host, x.data, x.bytes());
}

Traffic ReferenceBackend::take_traffic() { return traffic_.take(); }

const StoredMatrix& ReferenceBackend::matrix(Matrix handle) const {
  MOEBIUS_CHECK(handle.id >= 0 && handle.id < static_cast<int32_t>(matrices_.size()));
  return matrices_[handle.id];
}

const StoredExperts& ReferenceBackend::expert_table(Experts handle) const {
  MOEBIUS_CHECK(handle.id >= 0 && handle.id < static_cast<int32_t>(experts_.size()));
  return experts_[handle.id];
}

SequenceState& ReferenceBackend::sequence(State handle) {
  MOEBIUS_CHECK(handle.id >= 0 && handle.id < static_cast<int32_t>(states_.size()));
  MOEBIUS_CHECK(states_[handle.id] != nullptr);
  return *states_[handle.id];
}

std::vector<std::byte>& ReferenceBackend::page(KvPage handle) {
  MOEBIUS_CHECK(handle.id >= 0 && handle.id < static_cast<int32_t>(pages_.size()));
  MOEBIUS_CHECK(pages_[handle.id] != nullptr);
  return *pages_[handle.id];
}

void ReferenceBackend::check_shape(const Tensor& x, int64_t rows, int64_t cols, DType dtype) const {
  MOEBIUS_CHECK(x.dtype == dtype && x.rows == rows && x.cols == cols);
  MOEBIUS_CHECK(rows <= max_rows_);
}

}  // namespace reference
}  // namespace moebius
