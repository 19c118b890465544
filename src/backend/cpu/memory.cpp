// See memory.h.
#include "backend/cpu/memory.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "backend/tensor_memory.h"
#include "base/check.h"
#include "base/checked.h"

namespace moebius::internal::cpu {

// ---- buffers

Tensor CpuMemory::allocate(DType dtype, int64_t rows, int64_t cols) {
  Buffer memory(rows * cols * size_bytes(dtype));
  const Tensor tensor = TensorMemory::tensor(memory.data(), dtype, rows, cols);
  if (tensor.has_memory()) tensors_.emplace(memory.data(), std::move(memory));
  return tensor;
}

void CpuMemory::free(Tensor tensor) {
  if (!tensor.has_memory()) return;
  const auto found = tensors_.find(TensorMemory::of(tensor));
  MOEBIUS_CHECK(found != tensors_.end() && found->second.bytes() == tensor.bytes());
  tensors_.erase(found);
}

void CpuMemory::write(Tensor out, const void* host) {
  if (out.bytes() > 0) std::memcpy(TensorMemory::of(out), host, static_cast<size_t>(out.bytes()));
}

void CpuMemory::read(void* host, Tensor x) {
  if (x.bytes() > 0) std::memcpy(host, TensorMemory::of(x), static_cast<size_t>(x.bytes()));
}

void CpuMemory::copy(Tensor out, Tensor x) {
  constexpr int64_t kPieceBytes = 256 << 10;  // for smaller pieces, waking a thread costs more than it saves
  MOEBIUS_CHECK(out.rows == x.rows && out.cols == x.cols && out.dtype == x.dtype);
  const int64_t bytes = x.bytes();
  char* to = static_cast<char*>(TensorMemory::of(out));
  const char* from = static_cast<const char*>(TensorMemory::of(x));
  workers_.for_each(div_up(bytes, kPieceBytes), [&](int64_t piece, int) {
    const int64_t first = piece * kPieceBytes;
    std::memcpy(to + first, from + first, static_cast<size_t>(std::min(kPieceBytes, bytes - first)));
  });
}

QuantizedRows CpuMemory::allocate_quantized(int64_t rows, int64_t cols) {
  auto handed = std::make_unique<HandedRows>();
  handed->storage.reserve(rows, cols);
  handed->max_rows = rows;
  handed->max_cols = cols;
  return {handed_.add(std::move(handed))};
}

Routing CpuMemory::allocate_routing(int64_t rows, int64_t slots) {
  MOEBIUS_CHECK(rows >= 1 && slots >= 1 && slots <= kMaxSlots);
  return {routings_.add(std::make_unique<RoutedRows>(rows, slots))};
}

// ---- caches of sequences

State CpuMemory::create_state(const StateSpec& spec) { return {states_.add(std::make_unique<SequenceState>(spec))}; }

void CpuMemory::copy_recurrent(State to, State from) {
  const SequenceState& target = state(to);
  const SequenceState& source = state(from);
  const auto layers = source.recurrent.size();
  MOEBIUS_CHECK(target.recurrent.size() == layers);
  for (size_t i = 0; i < layers; ++i) {
    MOEBIUS_CHECK(target.recurrent[i].bytes() == source.recurrent[i].bytes());
    MOEBIUS_CHECK(target.conv[i].bytes() == source.conv[i].bytes());
  }
  workers_.for_each(2 * static_cast<int64_t>(layers), [&](int64_t item, int) {
    const auto layer = static_cast<size_t>(item / 2);
    const Buffer& out = item % 2 == 0 ? target.recurrent[layer] : target.conv[layer];
    const Buffer& in = item % 2 == 0 ? source.recurrent[layer] : source.conv[layer];
    if (in.bytes() > 0) std::memcpy(out.data(), in.data(), static_cast<size_t>(in.bytes()));
  });
}

KvPage CpuMemory::create_page(const StateSpec& spec) {
  return {pages_.add(std::make_unique<Buffer>(spec.page_bytes()))};
}

void CpuMemory::copy_page(KvPage to, KvPage from) {
  const Buffer& target = pages_.at(to.id);
  const Buffer& source = pages_.at(from.id);
  MOEBIUS_CHECK(target.bytes() == source.bytes() && to.id != from.id);
  if (source.bytes() > 0) std::memcpy(target.data(), source.data(), static_cast<size_t>(source.bytes()));
}

void CpuMemory::set_pages(State handle, std::span<const KvPage> pages) {
  SequenceState& s = state(handle);
  MOEBIUS_CHECK(s.spec.context == 0);
  s.pages.clear();
  for (const KvPage& page : pages) {
    const Buffer& memory = pages_.at(page.id);
    MOEBIUS_CHECK(memory.bytes() == s.spec.page_bytes());
    s.pages.push_back(memory.data());
  }
}

DeltaLog CpuMemory::create_log(const StateSpec& spec, int64_t capacity) {
  return {logs_.add(std::make_unique<LoggedTensors>(allocate_log(*this, spec, capacity))), capacity};
}

void CpuMemory::free_log(DeltaLog log) {
  moebius::internal::free_log(*this, this->log(log));
  logs_.free(log.id);
}

}  // namespace moebius::internal::cpu
