// Memory of the reference backend: plain host memory, one object a handle.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "backend/delta_log.h"
#include "backend/handles.h"
#include "backend/memory.h"
#include "backend/reference/sequence_state.h"

namespace moebius::internal::reference {

// The decision of a router: the experts of each row and their weights, [rows, slots].
struct StoredRouting {
  int64_t max_rows = 0;
  int64_t slots = 0;
  std::vector<int32_t> ids;  // ascending in a row, the shared expert (id E) last
  std::vector<float> weights;

  [[nodiscard]] int64_t rows() const { return static_cast<int64_t>(ids.size()) / slots; }
};

class ReferenceMemory final : public Memory {
 public:
  Tensor allocate(DType dtype, int64_t rows, int64_t cols) override;
  void free(Tensor tensor) override;
  void write(Tensor out, const void* host) override;
  void read(void* host, Tensor x) override;
  void copy(Tensor out, Tensor x) override;
  // Makes no place. This backend quantizes rows inside each matmul.
  QuantizedRows allocate_quantized(int64_t /*rows*/, int64_t /*cols*/) override { return {}; }
  Routing allocate_routing(int64_t rows, int64_t slots) override;

  State create_state(const StateSpec& spec) override;
  void reset_state(State state) override { this->state(state).reset(); }
  void copy_recurrent(State to, State from) override { state(to).copy_recurrent(state(from)); }
  void free_state(State state) override { states_.free(state.id); }
  KvPage create_page(const StateSpec& spec) override;
  void copy_page(KvPage to, KvPage from) override;
  void free_page(KvPage page) override { pages_.free(page.id); }
  void set_pages(State state, std::span<const KvPage> pages) override;
  DeltaLog create_log(const StateSpec& spec, int64_t capacity) override;
  void free_log(DeltaLog log) override;

  [[nodiscard]] SequenceState& state(State handle) const { return states_.at(handle.id); }
  [[nodiscard]] StoredRouting& routing(Routing handle) const { return routings_.at(handle.id); }
  [[nodiscard]] const LoggedTensors& log(DeltaLog handle) const { return logs_.at(handle.id); }

 private:
  using PageBytes = std::vector<std::byte>;

  std::map<const void*, std::unique_ptr<std::byte[]>> tensors_;  // by address
  Handles<SequenceState> states_;
  Handles<PageBytes> pages_;
  Handles<LoggedTensors> logs_;
  Handles<StoredRouting> routings_;
};

}  // namespace moebius::internal::reference
