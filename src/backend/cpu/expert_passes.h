// The expert half of an MoE layer. Tokens are sorted by expert; then one of three paths runs. All paths share the
// packed weights, the inner kernels and the work list, and give the same bits. docs/performance.md has their costs.
//   fused     gate, up and SwiGLU chunk by chunk, int8 straight to down; down adds into the result.      2 passes
//   concat    gate and up in one pass into a [2F] buffer; activation; down; weighted sum.                4 passes
//   unfused   gate; up; activation; down; weighted sum.                                                  5 passes
// A barrier stands between passes.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/buffer.h"
#include "backend/cpu/kernels/kernel_table.h"
#include "backend/cpu/memory.h"
#include "backend/cpu/quantized_rows.h"
#include "backend/cpu/weights.h"
#include "backend/operations.h"
#include "backend/probes.h"
#include "base/thread_pool.h"
#include "base/work_items.h"

namespace moebius::internal::cpu {

// The largest layer and step that the passes have to serve.
struct ExpertLimits {
  int64_t rows = 0;   // tokens
  int64_t slots = 0;  // experts of a token
  int64_t experts = 0, width = 0, dim = 0;
};

// Computes the sum of weights[s] * rows[s] over slots ascending, from +0 (N9). Row t of out becomes the sum (kReplace)
// or grows by it (kAdd).
void write_weighted_sum(const Output& out, int64_t t, std::span<const float> weights,
                        std::span<const float* const> rows, const KernelTable& kernels);

class ExpertPasses {
 public:
  ExpertPasses(const KernelTable& kernels, ThreadPool& pool);

  void reserve(const ExpertLimits& limits);

  // Sorts the T rows of x by the experts in `range` that they meet; to be called first. Where a group of experts takes
  // int8, x is already quantized. routed: null for a dense MLP, whose only entry every row takes with weight 1.
  void sort(std::span<const ActivationRow> x, const RoutedRows* routed, const PackedExperts& packed, ExpertRange range);
  // After sort(), the caller calls run() or run_slots(). run() gives the sum over slots [T, dim]; run_slots() gives
  // each slot by itself [T * slots, dim].
  void run(const Output& out, ExpertPath path);
  void run_slots(Tensor out);

  // Adds what the last run had to move.
  void add_traffic(Traffic& traffic) const;

 private:
  // An expert that has tokens. Rows are (token, slot) pairs, numbered expert after expert.
  struct Active {
    const PackedGroup* group;
    int64_t index;  // of the expert in its group
    int64_t first_row;
    int32_t rows;
    int64_t first_chunk;  // number of the expert's first chunk (64 hidden values) among all chunks
  };
  enum class Half : uint8_t { kGate, kUp };

  void list_active(ExpertRange range);
  void place_rows(std::span<const ActivationRow> x, ExpertRange range);
  [[nodiscard]] const Active& active_of_chunk(int64_t chunk) const;
  [[nodiscard]] int64_t chunks() const;
  [[nodiscard]] int64_t tokens() const { return routed_->rows; }

  // These functions do one item of a pass.
  void fused_chunk(int64_t item);
  void project_chunk(int64_t item, Half half);
  void activate_row(int64_t row);
  void down_rows(int64_t item, int64_t items_an_expert);
  static void ask_for_gate(const Active& expert);
  static void ask_for_down(const Active& expert, int64_t first_block);
  void down_and_add(const Output& out, int64_t first_output, int64_t outputs);
  void weighted_sum(const Output& out, int64_t token);
  void copy_slot(Tensor out, int64_t entry);

  template <typename Body>
  void pass(size_t number, int thread, const Body& body);
  void run_fused(const Output& out);
  void run_separate(const Output& out, ExpertPath path);

  const KernelTable& kernels_;
  ThreadPool& pool_;
  std::vector<WorkItems> items_;  // one work list a pass

  ExpertLimits limits_;
  RoutedRows whole_{0, 1};  // the routing of a dense MLP: every row takes entry 0

  // The last sort() has set these.
  const RoutedRows* routed_ = nullptr;
  const PackedExperts* packed_ = nullptr;
  std::vector<Active> active_;
  std::vector<int64_t> next_row_;      // [experts + 1], used while sorting
  std::vector<int64_t> row_of_entry_;  // [T * slots]; -1: its expert is out of range
  std::vector<int32_t> token_of_row_;
  std::vector<float> weight_of_row_;
  std::vector<ActivationRow> x_of_row_;
  std::vector<ActivationRow> h_of_row_;
  std::vector<QuantizedOut> h_out_;
  std::vector<float*> h_f32_out_;

  QuantizedStorage h_int8_;  // [rows, width]
  Buffer h_f32_;             // [rows, width]
  Buffer gate_up_;           // [rows, 2 * width]
  Buffer slot_out_;          // [rows, dim]
  Buffer sums_;              // [T, dim]: for kAdd, the complete sums before they are added to the result
};

}  // namespace moebius::internal::cpu
