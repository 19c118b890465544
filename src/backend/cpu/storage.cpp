// Weights, tensors and caches of the CPU backend: packed at upload by all threads, allocated once.
#include <algorithm>
#include <cstring>
#include <exception>
#include <mutex>
#include <string>
#include <utility>

#include "backend/cpu/cpu_backend.h"
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

// Runs body(i, thread) for 0 <= i < n on all threads; the first exception is thrown here when all have stopped.
template <typename Body>
void parallel_load(ThreadPool& pool, int64_t n, const Body& body) {
  WorkItems items(pool.size());
  items.reset(n);
  std::mutex mutex;
  std::exception_ptr failure;
  pool.run([&](int thread) {
    try {
      for (int64_t i = items.take(thread); i >= 0; i = items.take(thread)) body(i, thread);
    } catch (...) {
      while (items.take(thread) >= 0) {
      }
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
}

constexpr int64_t kChunkBytes = int64_t{1} << 20;  // of a source, in flight a thread

void require_supported(const WeightFormat& format, int64_t cols, const std::string& where) {
  const bool dense = is_float(format.dtype);
  const bool affine = format.is_affine() && is_valid(format.affine) && cols % format.affine.group == 0;
  if (!dense && !affine) throw Error(ErrorCode::kUnsupported, where, "the cpu backend has no such weight format");
}

}  // namespace

CpuBackend::CpuBackend(const CpuOptions& options)
    : kernels_(&kernels_of(options.isa)),
      pool_(options.threads),
      items_(options.threads),
      expert_passes_(std::make_unique<ExpertPasses>(*kernels_, pool_)),
      thread_scratch_(static_cast<size_t>(options.threads)) {}

// ---- weights

Matrix CpuBackend::upload(const MatrixSpec& spec, const RowSource& rows) {
  require_supported(spec.format, spec.cols, spec.name);
  auto packed = std::make_unique<PackedMatrix>();
  const int64_t block = block_bytes(spec.format, spec.cols);
  packed->bytes = block * div_up(spec.rows, kLanes);
  packed->storage = Buffer(packed->bytes);
  packed->view = view_of(spec.format, spec.rows, spec.cols, packed->storage.data());
  packed->int8 = spec.format.is_affine() && spec.activations == ActivationKind::kInt8;
  if (packed->int8) most_inputs_ = std::max(most_inputs_, spec.cols);

  const int64_t chunk_rows = std::max<int64_t>(1, kChunkBytes / block) * kLanes;
  std::vector<Packer> packers(static_cast<size_t>(pool_.size()));
  parallel_load(pool_, div_up(spec.rows, chunk_rows), [&](int64_t chunk, int thread) {
    const int64_t first = chunk * chunk_rows;
    const int64_t count = std::min(chunk_rows, spec.rows - first);
    packers[static_cast<size_t>(thread)].pack(packed->view, spec.format, rows, first, count, first);
  });
  packed_bytes_ += packed->bytes;
  matrices_.push_back(std::move(packed));
  return {static_cast<int32_t>(matrices_.size() - 1)};
}

void CpuBackend::pack_group(PackedGroup& group, const ExpertGroupSpec& spec, int64_t dim) {
  group.count = spec.count;
  group.width = spec.width;
  if (spec.count == 0) return;
  const int64_t gate_up_bytes = 2 * div_up(spec.width, kLanes) * block_bytes(spec.gate_up, dim);
  group.expert_bytes = gate_up_bytes + div_up(dim, kLanes) * block_bytes(spec.down, spec.width);
  group.storage = Buffer(group.expert_bytes * spec.count);
  const uint8_t* base = group.storage.data();
  group.gate = view_of(spec.gate_up, spec.width, dim, base, 2);
  group.up = view_of(spec.gate_up, spec.width, dim, base + block_bytes(spec.gate_up, dim), 2);
  group.down = view_of(spec.down, dim, spec.width, base + gate_up_bytes);
  group.int8_in = spec.gate_up.is_affine();
  group.int8_down = spec.down.is_affine();
  if (group.int8_in) most_inputs_ = std::max(most_inputs_, dim);

  std::vector<Packer> packers(static_cast<size_t>(pool_.size()));
  parallel_load(pool_, spec.count, [&](int64_t e, int thread) {
    Packer& packer = packers[static_cast<size_t>(thread)];
    packer.pack(group.of(group.gate, e), spec.gate_up, *spec.gate_rows, e * spec.width, spec.width, 0);
    packer.pack(group.of(group.up, e), spec.gate_up, *spec.up_rows, e * spec.width, spec.width, 0);
    packer.pack(group.of(group.down, e), spec.down, *spec.down_rows, e * dim, dim, 0);
  });
  packed_bytes_ += group.storage.bytes();
}

Experts CpuBackend::upload(const ExpertsSpec& spec) {
  for (const ExpertGroupSpec* group : {&spec.routed, &spec.shared}) {
    if (group->count == 0) continue;
    require_supported(group->gate_up, spec.dim, spec.name);
    require_supported(group->down, group->width, spec.name);
  }
  auto packed = std::make_unique<PackedExperts>();
  packed->dim = spec.dim;
  pack_group(packed->routed, spec.routed, spec.dim);
  pack_group(packed->shared, spec.shared, spec.dim);
  experts_.push_back(std::move(packed));
  return {static_cast<int32_t>(experts_.size() - 1)};
}

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
}

void CpuBackend::free_state(State handle) {
  state(handle);
  states_[static_cast<size_t>(handle.id)].reset();
}

void CpuBackend::write(Tensor out, const void* host) { std::memcpy(out.data, host, static_cast<size_t>(out.bytes())); }

void CpuBackend::read(void* host, Tensor x) { std::memcpy(host, x.data, static_cast<size_t>(x.bytes())); }

Traffic CpuBackend::take_traffic() {
  traffic_.barriers = pool_.waits() - std::exchange(waits_taken_, pool_.waits());
  return std::exchange(traffic_, Traffic{});
}

}  // namespace moebius::cpu

namespace moebius {

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) {
  return std::make_unique<cpu::CpuBackend>(options);
}

}  // namespace moebius
