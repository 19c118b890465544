// See memory.h.
#include "backend/reference/memory.h"

#include <cstring>
#include <utility>

#include "backend/tensor_memory.h"
#include "base/check.h"

namespace moebius::internal::reference {

Tensor ReferenceMemory::allocate(DType dtype, int64_t rows, int64_t cols) {
  MOEBIUS_CHECK(rows >= 0 && cols >= 0 && size_bytes(dtype) > 0);
  std::unique_ptr<std::byte[]> memory = std::make_unique<std::byte[]>(Tensor(dtype, rows, cols).bytes());  // zeroed
  const Tensor x = TensorMemory::tensor(memory.get(), dtype, rows, cols);
  tensors_[memory.get()] = std::move(memory);
  return x;
}

void ReferenceMemory::free(Tensor tensor) { MOEBIUS_CHECK(tensors_.erase(TensorMemory::of(tensor)) == 1); }

void ReferenceMemory::write(Tensor out, const void* host) {
  if (out.bytes() > 0) std::memcpy(TensorMemory::of(out), host, out.bytes());
}

void ReferenceMemory::read(void* host, Tensor x) {
  if (x.bytes() > 0) std::memcpy(host, TensorMemory::of(x), x.bytes());
}

void ReferenceMemory::copy(Tensor out, Tensor x) {
  MOEBIUS_CHECK(x.dtype == DType::kF32 || x.dtype == DType::kI32);
  MOEBIUS_CHECK(out.rows == x.rows && out.cols == x.cols && out.dtype == x.dtype);
  if (x.bytes() > 0) std::memcpy(TensorMemory::of(out), TensorMemory::of(x), x.bytes());
}

Routing ReferenceMemory::allocate_routing(int64_t rows, int64_t slots) {
  MOEBIUS_CHECK(rows >= 1 && slots >= 1);
  return {routings_.add(std::make_unique<StoredRouting>(StoredRouting{rows, slots, {}, {}}))};
}

State ReferenceMemory::create_state(const StateSpec& spec) {
  return {states_.add(std::make_unique<SequenceState>(spec))};
}

KvPage ReferenceMemory::create_page(const StateSpec& spec) {
  return {pages_.add(std::make_unique<PageBytes>(spec.page_bytes()))};
}

void ReferenceMemory::copy_page(KvPage to, KvPage from) {
  MOEBIUS_CHECK(pages_.at(to.id).size() == pages_.at(from.id).size());
  pages_.at(to.id) = pages_.at(from.id);
}

void ReferenceMemory::set_pages(State handle, std::span<const KvPage> pages) {
  SequenceState& s = state(handle);
  std::vector<std::byte*> memory;
  for (const KvPage& page : pages) {
    MOEBIUS_CHECK(static_cast<int64_t>(pages_.at(page.id).size()) == s.spec().page_bytes());
    memory.push_back(pages_.at(page.id).data());
  }
  s.set_pages(std::move(memory));
}

DeltaLog ReferenceMemory::create_log(const StateSpec& spec, int64_t capacity) {
  return {logs_.add(std::make_unique<LoggedTensors>(allocate_log(*this, spec, capacity))), capacity};
}

void ReferenceMemory::free_log(DeltaLog log) {
  moebius::internal::free_log(*this, this->log(log));
  logs_.free(log.id);
}

}  // namespace moebius::internal::reference
