// The operations of the CPU backend. Each family has a file: linear.cpp, router.cpp, experts.cpp, attention.cpp,
// delta_net.cpp, rows.cpp, rollback.cpp. kernels/ has the inner loops.
#pragma once

#include <vector>

#include "backend/cpu/expert_passes.h"
#include "backend/cpu/input_rows.h"
#include "backend/cpu/memory.h"
#include "backend/cpu/weights.h"
#include "backend/cpu/workers.h"
#include "backend/operations.h"
#include "backend/probes.h"
#include "backend/staged_batch.h"

namespace moebius::internal::cpu {

// Rows of one sequence that attend together, so that each block of keys and values is read once for all of them.
struct AttentionItem {
  State state;
  int64_t first_row, rows;
  int64_t position;  // of the first row
  int64_t kv_head;
};

// How many floats of a thread's scratch attention and the delta rule need.
int64_t attention_floats(const AttentionShape& shape);
int64_t delta_net_floats(const DeltaShape& shape, int64_t rows);

// Memory for intermediate results. One operation at a time uses it.
struct Scratch {
  Buffer shared;                // shared by all threads: rotated queries, convolved rows, router logits
  std::vector<Buffer> threads;  // one a thread: scores of attention, rows of a key head
};

class CpuOperations final : public Operations {
 public:
  CpuOperations(Workers& workers, CpuMemory& memory, CpuWeights& weights);

  void reserve(const StepLimits& limits) override;
  Batch stage(const BatchSpec& spec) override { return batch_.stage(spec); }

  void embed(Tensor out, Batch batch, Matrix table) override;
  void rms_norm(Tensor out, Tensor x, const Norm& norm) override;
  void linear(std::span<const Projection> projections, const Input& x) override;
  void attention(const MixedRows& out, const AttentionArgs& args, Batch batch) override;
  void delta_net(const MixedRows& out, const DeltaNetArgs& args, Batch batch) override;
  void replay_delta_net(const DeltaNetArgs& args, Batch batch) override;
  void router(Routing out, const Input& x, const RouterArgs& args) override;
  void experts(const Output& out, const Input& x, Routing routing, Experts experts, ExpertPath path) override;
  void expert_slots(Tensor out, const Input& x, Routing routing, Experts experts, ExpertRange range) override;
  void combine(const Output& out, Tensor slots, Routing routing) override;
  void gather_logit_rows(Tensor out, Tensor x, Batch batch) override;
  void concat(Tensor out, const Input& a, const Input& b) override;

  void sample(Tensor kept, Tensor logits, Batch batch, std::span<const SequenceSampling> sequences,
              std::span<SequenceDraws> draws) override;
  void keep(Batch batch, Tensor kept) override;
  void wait() override {}  // every operation is done when it returns

  [[nodiscard]] Traffic traffic() const;

 private:
  // The scratch that all threads share, as [rows, cols].
  [[nodiscard]] Tensor scratch(int64_t rows, int64_t cols) const;
  [[nodiscard]] float* thread_scratch(int thread) const;
  // The place for the rows of `out`, quantized. Null if `out` has no place, or if blocks of N3 would cross the borders
  // of heads of this width.
  [[nodiscard]] const QuantizedStorage* place_beside(const MixedRows& out, int64_t head_cols) const;

  void multiply(std::span<const Projection> projections, std::span<const ActivationRow> rows);
  void check_attention(const Tensor& out, const AttentionArgs& args, const StagedBatch& batch) const;
  void append_row(const AttentionArgs& args, int64_t row, const SequenceRows& sequence, float* queries, int thread);
  void list_attention_items(const AttentionShape& shape, const StagedBatch& batch);
  void attend(const Tensor& out, const AttentionArgs& args, const Tensor& queries, const AttentionItem& item,
              int thread);
  struct DeltaStep;
  void check_delta_net(const DeltaStep& step);
  void run_delta_net(const DeltaStep& step);
  void convolve(const DeltaStep& step);
  void run_key_head(const DeltaStep& step, const SequenceRows& sequence, int64_t key_head, int thread);
  void keep_rows(SequenceState& state, int64_t rows);
  void replay_head(const SequenceState& state, size_t layer, int64_t head, int64_t rows) const;

  Workers& workers_;
  CpuMemory& memory_;
  CpuWeights& weights_;
  StepLimits limits_;
  StagedBatch batch_;
  InputRows input_;
  ExpertPasses expert_passes_;
  Scratch scratch_;
  std::vector<AttentionItem> attention_items_;
  Traffic traffic_;
};

}  // namespace moebius::internal::cpu
