// Tensors and scratch of the CPU backend: allocated once. Weights: weights.cpp; caches of sequences: states.cpp.
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
  Buffer memory(rows * cols * size_bytes(dtype));
  const Tensor tensor = {memory.data(), dtype, rows, cols};
  if (tensor.data != nullptr) tensors_.emplace(tensor.data, std::move(memory));
  return tensor;
}

void CpuBackend::free_tensor(Tensor tensor) {
  if (tensor.data == nullptr) return;
  const auto found = tensors_.find(tensor.data);
  MOEBIUS_CHECK(found != tensors_.end() && found->second.bytes() == tensor.bytes());
  tensors_.erase(found);
  taps_first_.erase(tensor.data);  // another may come to lie there
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
