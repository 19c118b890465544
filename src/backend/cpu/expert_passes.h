// The expert half of an MoE layer: tokens sorted by expert, then one of the three paths over the same packed weights,
// the same inner kernels and the same work list (docs/performance.md says what each costs):
//   fused     gate, up and SwiGLU chunk by chunk, int8 straight to down; down adds into the result.      2 passes
//   concat    gate and up in one pass into a [2F] buffer; activation; down; weighted sum.                4 passes
//   unfused   gate; up; activation; down; weighted sum.                                                  5 passes
// A barrier stands between passes. Results are bitwise the same.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/activations.h"
#include "backend/cpu/buffer.h"
#include "backend/cpu/kernels/kernel_table.h"
#include "base/thread_pool.h"
#include "base/work_items.h"

namespace moebius::cpu {

// Experts of one width. Of each: its gate and up blocks alternate, its down blocks follow.
struct PackedGroup {
  WeightMemory memory;
  int64_t count = 0, width = 0;
  int64_t expert_bytes = 0;
  MatrixView gate{}, up{}, down{};  // of expert 0
  bool int8_in = false;             // gate and up take int8
  bool int8_down = false;           // down takes int8

  [[nodiscard]] MatrixView of(MatrixView view, int64_t expert) const {
    view.data += expert * expert_bytes;
    return view;
  }
  [[nodiscard]] int64_t chunks() const { return (width + kQuantBlock - 1) / kQuantBlock; }
};

struct PackedExperts {
  int64_t dim = 0;
  PackedGroup routed, shared;
};

class ExpertPasses {
 public:
  ExpertPasses(const KernelTable& kernels, ThreadPool& pool);

  // Widest layer and most rows (tokens times slots) that run() will meet.
  void reserve(int64_t rows, int64_t experts, int64_t width, int64_t dim);

  // out [T, dim]; x: T rows, quantized already where a group takes int8.
  void run(Tensor out, const ActivationRow* x, const Routing& routing, const PackedExperts& packed, ExpertPath path);

  [[nodiscard]] int64_t distinct_routed() const { return distinct_routed_; }  // of the last run
  [[nodiscard]] int64_t weight_bytes() const { return weight_bytes_; }        // of the last run
  [[nodiscard]] int64_t int8_macs() const { return int8_macs_; }              // of the last run

 private:
  // An expert that has tokens. Rows are (token, slot) pairs, numbered expert after expert.
  struct Active {
    const PackedGroup* group;
    int64_t index;  // in its group
    int64_t first_row;
    int32_t rows;
    int64_t first_chunk;  // number of its first chunk of 64 hidden values among all chunks
  };

  void sort(const ActivationRow* x, const Routing& routing, const PackedExperts& packed);
  void place_rows(const ActivationRow* x, const Routing& routing);
  [[nodiscard]] const Active& active_of_chunk(int64_t chunk) const;
  [[nodiscard]] int64_t chunks() const;

  // Passes: what one item of each does.
  void fused_chunk(int64_t item);
  void project_chunk(int64_t item, bool gate, bool up);
  void activate_row(int64_t row);
  void down_rows(int64_t item, int64_t items_an_expert);
  static void ask_for_gate(const Active& expert);
  static void ask_for_down(const Active& expert, int64_t first_block);
  void down_and_add(Tensor out, int64_t first_output, int64_t outputs);
  void weighted_sum(Tensor out, const Routing& routing, int64_t token);

  template <typename Body>
  void pass(size_t number, int thread, const Body& body);
  void run_fused(Tensor out);
  void run_separate(Tensor out, const Routing& routing, ExpertPath path);

  const KernelTable& kernels_;
  ThreadPool& pool_;
  std::vector<WorkItems> items_;  // one a pass

  int64_t capacity_rows_ = 0, capacity_width_ = 0, capacity_dim_ = 0;
  int64_t distinct_routed_ = 0, weight_bytes_ = 0, int8_macs_ = 0;
  std::vector<Active> active_;
  std::vector<int64_t> next_row_;  // [experts + 1], while sorting
  std::vector<int32_t> token_of_row_;
  std::vector<float> weight_of_row_;
  std::vector<int64_t> row_of_slot_;  // [T * slots]
  std::vector<ActivationRow> x_of_row_;
  std::vector<ActivationRow> h_of_row_;
  std::vector<QuantizedOut> h_out_;
  std::vector<float*> h_f32_out_;
  QuantizedRows h_int8_;  // [rows, width]
  Buffer h_f32_;          // [rows, width]
  Buffer gate_up_;        // [rows, 2 * width]
  Buffer slot_out_;       // [rows, dim]
};

}  // namespace moebius::cpu
