// Tensors, scratch and caches of the CPU backend: allocated once. Weights: weights.cpp.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>

#include "backend/cpu/delta_net.h"
#include "base/check.h"
#include "base/checked.h"
#include "moebius/error.h"

namespace moebius::cpu {
namespace {

const KernelTable& kernels_of(Isa isa) {
  const std::vector<Isa> available = available_isas();
  if (std::find(available.begin(), available.end(), isa) == available.end()) {
    throw Error(ErrorCode::kUnavailable, "--isa " + std::string(name(isa)), "this machine lacks the instruction set",
                "leave --isa out to use the best there is");
  }
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) return avx512_kernels();
  if (isa == Isa::kAvx2) return avx2_kernels();
#endif
  return portable_kernels();
}

}  // namespace

CpuBackend::CpuBackend(const CpuOptions& options)
    : kernels_(&kernels_of(options.isa)),
      store_(options.store),
      pool_(options.threads),
      items_(options.threads),
      expert_passes_(std::make_unique<ExpertPasses>(*kernels_, pool_)),
      thread_scratch_(static_cast<size_t>(options.threads)) {}

// ---- tensors

Tensor CpuBackend::upload(std::span<const float> values, int64_t rows, int64_t cols) {
  MOEBIUS_CHECK(static_cast<int64_t>(values.size()) == rows * cols);
  const Tensor tensor = allocate(DType::kF32, rows, cols);
  write(tensor, values.data());
  return tensor;
}

Tensor CpuBackend::allocate(DType dtype, int64_t rows, int64_t cols) {
  tensors_.emplace_back(rows * cols * size_bytes(dtype));
  return {tensors_.back().data(), dtype, rows, cols};
}

void CpuBackend::reserve(int64_t max_rows) {
  max_rows_ = max_rows;
  x_rows_.resize(static_cast<size_t>(max_rows));
  if (most_inputs_ > 0) quantized_x_.reserve(max_rows, most_inputs_);
}

const PackedMatrix& CpuBackend::matrix(Matrix handle) const {
  MOEBIUS_CHECK(handle.id >= 0 && handle.id < static_cast<int32_t>(matrices_.size()));
  return *matrices_[static_cast<size_t>(handle.id)];
}

// ---- scratch

float* CpuBackend::scratch(int64_t floats) {
  if (scratch_.bytes() < floats * 4) scratch_ = Buffer(floats * 4);
  return scratch_.as<float>();
}

float* CpuBackend::thread_scratch(int thread, int64_t floats) {
  Buffer& buffer = thread_scratch_[static_cast<size_t>(thread)];
  if (buffer.bytes() < floats * 4) buffer = Buffer(floats * 4);
  return buffer.as<float>();
}

// ---- caches of sequences

State CpuBackend::create_state(const StateSpec& spec) {
  auto state = std::make_unique<SequenceState>();
  state->spec = spec;
  const int64_t kv_bytes = spec.context * spec.kv_heads * spec.head_dim * size_bytes(spec.kv_dtype);
  for (int64_t i = 0; i < spec.attention_layers; ++i) {
    state->keys.emplace_back(kv_bytes);
    state->values.emplace_back(kv_bytes);
  }
  const int64_t stride = round_up(spec.value_head_dim, kLanes);
  for (int64_t i = 0; i < spec.delta_layers; ++i) {
    state->conv.emplace_back((spec.conv_kernel - 1) * spec.conv_dim * 4);
    state->recurrent.emplace_back(spec.value_heads * spec.key_head_dim * stride * 4);
    if (spec.draft_rows > 0) state->drafts.push_back(make_drafted_layer(spec));
  }
  for (size_t i = 0; i < states_.size(); ++i) {
    if (states_[i] != nullptr) continue;
    states_[i] = std::move(state);
    return {static_cast<int32_t>(i)};
  }
  states_.push_back(std::move(state));
  return {static_cast<int32_t>(states_.size() - 1)};
}

SequenceState& CpuBackend::state(State handle) {
  MOEBIUS_CHECK(handle.id >= 0 && handle.id < static_cast<int32_t>(states_.size()));
  MOEBIUS_CHECK(states_[static_cast<size_t>(handle.id)] != nullptr);
  return *states_[static_cast<size_t>(handle.id)];
}

void CpuBackend::reset_state(State handle) {
  SequenceState& s = state(handle);
  for (std::vector<Buffer>* buffers : {&s.keys, &s.values, &s.conv, &s.recurrent}) {
    for (Buffer& buffer : *buffers) buffer.clear();
  }
  for (DraftedLayer& draft : s.drafts) draft.rows = 0;
}

void CpuBackend::repeat_context(State handle, int64_t seen, int64_t positions) {
  SequenceState& s = state(handle);
  const StateSpec& spec = s.spec;
  MOEBIUS_CHECK(seen >= 1 && seen <= positions && positions <= spec.context);
  const int64_t row_bytes = spec.head_dim * size_bytes(spec.kv_dtype);
  for (std::vector<Buffer>* caches : {&s.keys, &s.values}) {
    for (const Buffer& cache : *caches) {
      for (int64_t head = 0; head < spec.kv_heads; ++head) {
        uint8_t* first = cache.data() + head * spec.context * row_bytes;
        for (int64_t at = seen; at < positions; at += seen) {
          std::memcpy(first + at * row_bytes, first, static_cast<size_t>(std::min(seen, positions - at) * row_bytes));
        }
      }
    }
  }
}

void CpuBackend::copy_recurrent(State to, State from) {
  SequenceState& target = state(to);
  const SequenceState& source = state(from);
  MOEBIUS_CHECK(target.recurrent.size() == source.recurrent.size());
  const auto layers = static_cast<int64_t>(source.recurrent.size());
  for_each(2 * layers, [&](int64_t item, int) {
    const auto layer = static_cast<size_t>(item / 2);
    const Buffer& out = item % 2 == 0 ? target.recurrent[layer] : target.conv[layer];
    const Buffer& in = item % 2 == 0 ? source.recurrent[layer] : source.conv[layer];
    MOEBIUS_CHECK(out.bytes() == in.bytes());
    if (in.bytes() > 0) std::memcpy(out.data(), in.data(), static_cast<size_t>(in.bytes()));
  });
}

void CpuBackend::free_state(State handle) {
  state(handle);
  states_[static_cast<size_t>(handle.id)].reset();
}

void CpuBackend::write(Tensor out, const void* host) { std::memcpy(out.data, host, static_cast<size_t>(out.bytes())); }

void CpuBackend::read(void* host, Tensor x) { std::memcpy(host, x.data, static_cast<size_t>(x.bytes())); }

double CpuBackend::measure_int8_macs() {
  constexpr int64_t kRounds = 200'000;  // about four milliseconds: waking the threads may not count
  std::atomic<int64_t> macs{0};
  const auto start = std::chrono::steady_clock::now();
  pool_.run([&](int) {
    int32_t sum = 0;
    macs += kernels_->dot_probe(&sum, kRounds);
  });
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return static_cast<double>(macs) / elapsed.count();
}

Traffic CpuBackend::take_traffic() {
  traffic_.barriers = pool_.waits() - std::exchange(waits_taken_, pool_.waits());
  return std::exchange(traffic_, Traffic{});
}

}  // namespace moebius::cpu

namespace moebius {

std::string_view cpu_layout_name() { return cpu::kLayoutName; }

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) {
  return std::make_unique<cpu::CpuBackend>(options);
}

}  // namespace moebius
