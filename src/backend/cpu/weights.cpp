// See weights.h.
#include "backend/cpu/weights.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <string>

#include "backend/cpu/memory.h"
#include "backend/cpu/pack.h"
#include "base/check.h"
#include "base/checked.h"
#include "moebius/error.h"

namespace moebius::internal::cpu {
namespace {

// Runs body(i, thread) for 0 <= i < n on all threads. If a body throws, the first exception is thrown again here, when
// all threads have stopped.
template <typename Body>
void parallel_load(ThreadPool& pool, int64_t n, const Body& body) {
  WorkItems items(pool.size());
  items.reset(n);
  std::mutex mutex;
  std::exception_ptr failure;
  pool.run([&](int thread) {
    try {
      for (int64_t i = items.claim(thread); i >= 0; i = items.claim(thread)) body(i, thread);
    } catch (...) {
      while (items.claim(thread) >= 0) {
      }
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
}

// The number of rows that a thread reads and packs at once: about a megabyte, in whole blocks.
int64_t chunk_rows(int64_t block_bytes) {
  constexpr int64_t kChunkBytes = int64_t{1} << 20;
  return std::max<int64_t>(1, kChunkBytes / block_bytes) * kLanes;
}

void require_supported(const WeightFormat& format, int64_t cols, const std::string& where) {
  const bool dense = is_float(format.dtype);
  const bool quantized = format.is_quantized() && is_valid(format.quant) && cols % format.quant.group == 0;
  if (!dense && !quantized) throw Error(ErrorCode::kUnsupported, where, "the cpu backend has no such weight format");
}

template <typename T>
const T& uploaded(const std::vector<std::unique_ptr<T>>& all, int32_t id) {
  MOEBIUS_CHECK(id >= 0 && id < static_cast<int32_t>(all.size()));
  return *all[static_cast<size_t>(id)];
}

}  // namespace

WeightMemory CpuWeights::weight_memory(const std::string& name, int64_t bytes) {
  WeightMemory memory;
  memory.bytes = bytes;
  packed_bytes_ += bytes;
  const WeightStore::Place place = store_ != nullptr ? store_->place(name, bytes) : WeightStore::Place{};
  memory.filled = place.filled;
  if (place.data == nullptr) memory.own = Buffer(bytes);
  memory.data = place.data != nullptr ? place.data : memory.own.data();
  return memory;
}

Matrix CpuWeights::upload_matrix(const MatrixSpec& spec, const RowSource& rows) {
  require_supported(spec.format, spec.cols, spec.name);
  auto packed = std::make_unique<PackedMatrix>();
  const int64_t block = block_bytes(spec.format, spec.cols);
  packed->memory = weight_memory(spec.name, block * div_up(spec.rows, kLanes));
  packed->view = view_of(spec.format, spec.rows, spec.cols, packed->memory.data);
  packed->int8 = spec.format.is_quantized() && spec.activations == ActivationKind::kInt8;
  widest_.inputs = std::max(widest_.inputs, spec.cols);

  const int64_t chunk_size = chunk_rows(block);
  const int64_t chunks = packed->memory.filled ? 0 : div_up(spec.rows, chunk_size);
  std::vector<Packer> packers(static_cast<size_t>(workers_.pool.size()));
  parallel_load(workers_.pool, chunks, [&](int64_t chunk, int thread) {
    const int64_t first = chunk * chunk_size;
    const int64_t count = std::min(chunk_size, spec.rows - first);
    packers[static_cast<size_t>(thread)].pack(packed->view, spec.format, rows, first, count, first);
  });
  matrices_.push_back(std::move(packed));
  return {static_cast<int32_t>(matrices_.size() - 1)};
}

Experts CpuWeights::upload_experts(const ExpertsSpec& spec) {
  for (const ExpertGroupSpec* group : {&spec.routed, &spec.shared}) {
    if (group->count == 0) continue;
    require_supported(group->gate_up, spec.dim, spec.name);
    require_supported(group->down, group->width, spec.name);
  }
  auto packed = std::make_unique<PackedExperts>();
  packed->dim = spec.dim;
  upload_group(packed->routed, spec.routed, spec.dim, spec.name + ".routed");
  upload_group(packed->shared, spec.shared, spec.dim, spec.name + ".shared");
  widest_.inputs = std::max(widest_.inputs, spec.dim);
  widest_.experts = std::max(widest_.experts, packed->entries());
  widest_.expert_width = std::max({widest_.expert_width, spec.routed.width, spec.shared.width});
  widest_.expert_dim = std::max(widest_.expert_dim, spec.dim);
  experts_.push_back(std::move(packed));
  return {static_cast<int32_t>(experts_.size() - 1)};
}

void CpuWeights::upload_group(PackedGroup& group, const ExpertGroupSpec& spec, int64_t dim, const std::string& name) {
  group.count = spec.count;
  group.width = spec.width;
  if (spec.count == 0) return;
  const int64_t gate_up_bytes = 2 * div_up(spec.width, kLanes) * block_bytes(spec.gate_up, dim);
  group.expert_bytes = gate_up_bytes + div_up(dim, kLanes) * block_bytes(spec.down, spec.width);
  group.memory = weight_memory(name, group.expert_bytes * spec.count);
  const uint8_t* base = group.memory.data;
  group.gate = view_of(spec.gate_up, spec.width, dim, base, 2);
  group.up = view_of(spec.gate_up, spec.width, dim, base + block_bytes(spec.gate_up, dim), 2);
  group.down = view_of(spec.down, dim, spec.width, base + gate_up_bytes);
  group.int8_in = spec.gate_up.is_quantized();
  group.int8_down = spec.down.is_quantized();
  if (!group.memory.filled) pack_experts(group, spec, dim);
}

// Packs all experts of a group. An item of work is a piece of a projection, not an expert, because a dense MLP is a
// single expert, with 178 MB a projection in Qwen3.5-27B.
void CpuWeights::pack_experts(const PackedGroup& group, const ExpertGroupSpec& spec, int64_t dim) {
  struct Part {
    const MatrixView& view;
    const WeightFormat& format;
    const RowSource& rows;
    int64_t height, chunk_rows, first_piece;
  };
  std::vector<Part> parts;
  int64_t pieces = 0;  // of one expert
  const auto add = [&](const MatrixView& view, const WeightFormat& format, const RowSource& rows, int64_t height) {
    const int64_t chunk = chunk_rows(block_bytes(format, view.cols));
    parts.push_back({view, format, rows, height, chunk, pieces});
    pieces += div_up(height, chunk);
  };
  add(group.gate, spec.gate_up, *spec.gate_rows, spec.width);
  add(group.up, spec.gate_up, *spec.up_rows, spec.width);
  add(group.down, spec.down, *spec.down_rows, dim);
  std::vector<Packer> packers(static_cast<size_t>(workers_.pool.size()));
  parallel_load(workers_.pool, spec.count * pieces, [&](int64_t item, int thread) {
    const int64_t expert = item / pieces;
    size_t p = parts.size() - 1;
    while (item % pieces < parts[p].first_piece) --p;
    const Part& part = parts[p];
    const int64_t first = (item % pieces - part.first_piece) * part.chunk_rows;
    const int64_t count = std::min(part.chunk_rows, part.height - first);
    packers[static_cast<size_t>(thread)].pack(group.of(part.view, expert), part.format, part.rows,
                                              expert * part.height + first, count, first);
  });
}

Convolution CpuWeights::upload_convolution(const ConvolutionSpec& spec, std::span<const float> taps) {
  MOEBIUS_CHECK(spec.kernel >= 1 && std::ssize(taps) == spec.channels * spec.kernel);
  auto packed = std::make_unique<PackedConvolution>();
  packed->spec = spec;
  packed->taps = Buffer(std::ssize(taps) * 4);
  float* transposed = packed->taps.as<float>();
  for (int64_t channel = 0; channel < spec.channels; ++channel) {
    for (int64_t tap = 0; tap < spec.kernel; ++tap) {
      transposed[tap * spec.channels + channel] = taps[static_cast<size_t>(channel * spec.kernel + tap)];
    }
  }
  convolutions_.push_back(std::move(packed));
  return {static_cast<int32_t>(convolutions_.size() - 1)};
}

Tensor CpuWeights::upload_table(std::span<const float> values, int64_t rows, int64_t cols) {
  MOEBIUS_CHECK(std::ssize(values) == rows * cols);
  const Tensor tensor = memory_.allocate(DType::kF32, rows, cols);
  memory_.write(tensor, values.data());
  return tensor;
}

const PackedMatrix& CpuWeights::matrix(Matrix handle) const { return uploaded(matrices_, handle.id); }

const PackedExperts& CpuWeights::experts(Experts handle) const { return uploaded(experts_, handle.id); }

const PackedConvolution& CpuWeights::convolution(Convolution handle) const {
  return uploaded(convolutions_, handle.id);
}

}  // namespace moebius::internal::cpu
