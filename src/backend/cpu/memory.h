// Memory of the CPU backend: buffers, caches of sequences, and places where one operation leaves data for the next.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "backend/cpu/buffer.h"
#include "backend/cpu/quantized_rows.h"
#include "backend/cpu/sequence_state.h"
#include "backend/cpu/workers.h"
#include "backend/delta_log.h"
#include "backend/handles.h"
#include "backend/memory.h"

namespace moebius::internal::cpu {

constexpr int64_t kMaxSlots = 65;  // the most experts of a row, the shared one included

// The decision of a router: the experts of each row and their weights, [rows, slots].
struct RoutedRows {
  RoutedRows(int64_t row_count, int64_t slot_count)
      : max_rows(row_count),
        slots(slot_count),
        ids(static_cast<size_t>(max_rows * slots)),
        weights(static_cast<size_t>(max_rows * slots)) {}

  int64_t max_rows;
  int64_t slots;
  int64_t rows = 0;
  std::vector<int32_t> ids;  // ascending in a row, the shared expert (id E) last
  std::vector<float> weights;
};

// Rows that an operation quantized for the next one.
struct HandedRows {
  QuantizedStorage storage;
  int64_t max_rows = 0, max_cols = 0;
  const float* of = nullptr;  // the same rows in f32; null: no rows were quantized
};

class CpuMemory final : public Memory {
 public:
  explicit CpuMemory(Workers& workers) : workers_(workers) {}

  Tensor allocate(DType dtype, int64_t rows, int64_t cols) override;
  void free(Tensor tensor) override;
  void write(Tensor out, const void* host) override;
  void read(void* host, Tensor x) override;
  void copy(Tensor out, Tensor x) override;
  QuantizedRows allocate_quantized(int64_t rows, int64_t cols) override;
  Routing allocate_routing(int64_t rows, int64_t slots) override;

  State create_state(const StateSpec& spec) override;
  void reset_state(State state) override { this->state(state).reset(); }
  void copy_recurrent(State to, State from) override;
  void free_state(State state) override { states_.free(state.id); }
  KvPage create_page(const StateSpec& spec) override;
  void copy_page(KvPage to, KvPage from) override;
  void free_page(KvPage page) override { pages_.free(page.id); }
  void set_pages(State state, std::span<const KvPage> pages) override;
  DeltaLog create_log(const StateSpec& spec, int64_t capacity) override;
  void free_log(DeltaLog log) override;

  [[nodiscard]] SequenceState& state(State handle) const { return states_.at(handle.id); }
  [[nodiscard]] RoutedRows& routing(Routing handle) const { return routings_.at(handle.id); }
  [[nodiscard]] const LoggedTensors& log(DeltaLog handle) const { return logs_.at(handle.id); }
  // Null if the id of the handle is -1.
  [[nodiscard]] HandedRows* handed(QuantizedRows handle) const {
    return handle.id < 0 ? nullptr : &handed_.at(handle.id);
  }

 private:
  Workers& workers_;
  std::map<const void*, Buffer> tensors_;  // by address
  Handles<SequenceState> states_;
  Handles<Buffer> pages_;
  Handles<LoggedTensors> logs_;
  Handles<RoutedRows> routings_;
  Handles<HandedRows> handed_;
};

}  // namespace moebius::internal::cpu
