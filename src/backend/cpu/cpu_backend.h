// The CPU backend as a class: owns packed weights, caches, scratch and the thread pool. One file per op family
// implements it: weights.cpp, storage.cpp, states.cpp, linear.cpp, experts.cpp, attention.cpp, delta_net.cpp, rows.cpp.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/activations.h"
#include "backend/cpu/buffer.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/expert_passes.h"
#include "backend/cpu/kernels/kernel_table.h"
#include "backend/cpu/pack.h"
#include "base/thread_pool.h"
#include "base/work_items.h"

namespace moebius::cpu {

struct PackedMatrix {
  WeightMemory memory;
  MatrixView view{};
  bool int8 = false;  // N4; otherwise f32 activations
};

// What a step of draft rows leaves of one delta layer: everything that it takes to keep any number of them.
struct DraftedLayer {
  int64_t rows = 0;  // of the step; 0: none is pending
  Buffer recurrent;  // the state behind the last row
  Buffer inputs;     // [rows, conv_dim] of the convolution
  Buffer k;          // [Hk, rows, Dk], normed
  Buffer d;          // [Hv, rows, Dv rounded up to 16]
  Buffer decay;      // [Hv, rows]
};

struct SequenceState {
  StateSpec spec;
  std::vector<uint8_t*> pages;       // where each begins
  Buffer own_pages;                  // those of `context` positions, one behind the other
  std::vector<Buffer> conv;          // per delta layer [conv_kernel - 1, conv_dim]
  std::vector<Buffer> recurrent;     // per delta layer [Hv, Dv / 16 rounded up, Dk, 16]
  std::vector<DraftedLayer> drafts;  // per delta layer, when the spec asks for draft rows

  // That keys and values have room for.
  [[nodiscard]] int64_t positions() const {
    return spec.context > 0 ? spec.context : static_cast<int64_t>(pages.size()) * kPagePositions;
  }
};

// A page: [layers][keys, then values][kv_heads][kPagePositions, head_dim], so that a head reads a block of N7 in one
// stream. From the page's begin to the block of one head's keys; those of its values are kv_heads blocks on.
inline int64_t key_block(const StateSpec& spec, int64_t layer, int64_t head) {
  return (2 * layer * spec.kv_heads + head) * spec.block_bytes();
}
inline int64_t value_block(const StateSpec& spec, int64_t layer, int64_t head) {
  return key_block(spec, layer, head) + spec.kv_heads * spec.block_bytes();
}

// Rows of one sequence that attend together, so that each block of keys and values is read once for all of them.
struct AttentionItem {
  State state;
  int64_t first_row, rows;
  int64_t position;  // of the first row
  int64_t kv_head;
};

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const CpuOptions& options);

  Matrix upload(const MatrixSpec& spec, const RowSource& rows) override;
  Experts upload(const ExpertsSpec& spec) override;
  Tensor upload(std::span<const float> values, int64_t rows, int64_t cols) override;
  Tensor allocate(DType dtype, int64_t rows, int64_t cols) override;
  void free_tensor(Tensor tensor) override;
  void reserve(int64_t max_rows) override;
  [[nodiscard]] int64_t packed_bytes() const override { return packed_bytes_; }
  State create_state(const StateSpec& spec) override;
  void reset_state(State state) override;
  void repeat_context(State state, int64_t seen, int64_t positions) override;
  void keep_rows(State state, int64_t rows) override;
  void copy_recurrent(State to, State from) override;
  void free_state(State state) override;
  KvPage create_page(const StateSpec& spec) override;
  void copy_page(KvPage to, KvPage from) override;
  void free_page(KvPage page) override;
  void set_pages(State state, std::span<const KvPage> pages) override;

  void write(Tensor out, const void* host) override;
  void read(void* host, Tensor x) override;
  void embed(Tensor out, Tensor ids, Matrix table) override;
  void rms_norm(Tensor out, Tensor x, Tensor w, float eps) override;
  void add_rms_norm(Tensor out, Tensor residual, Tensor x, Tensor w, float eps) override;
  void linear(std::span<const Projection> projections, Tensor x) override;
  void attention(Tensor out, const AttentionArgs& args, std::span<const SequenceRows> sequences) override;
  void delta_net(Tensor out, const DeltaNetArgs& args, std::span<const SequenceRows> sequences) override;
  void router(const Routing& out, Tensor x, const RouterArgs& args) override;
  void experts(Tensor out, Tensor x, const Routing& routing, Experts experts, ExpertPath path) override;
  void gather_rows(Tensor out, Tensor x, Tensor ids) override;
  void concat(Tensor out, Tensor a, Tensor b) override;
  void copy(Tensor out, Tensor x) override;
  void argmax(Tensor out, Tensor logits) override;
  Traffic take_traffic() override;
  double measure_int8_macs() override;

 private:
  const PackedMatrix& matrix(Matrix handle) const;
  SequenceState& state(State handle);
  const Buffer& page(KvPage handle) const;
  WeightMemory weight_memory(const std::string& name, int64_t bytes);
  void upload_group(PackedGroup& group, const ExpertGroupSpec& spec, int64_t dim, const std::string& name);
  void pack_experts(const PackedGroup& group, const ExpertGroupSpec& spec, int64_t dim);
  // Points x_rows_ at the rows of x and, when int8, quantizes them.
  void prepare_rows(Tensor x, bool int8);
  // Room that grows when an operation first asks for more, so in the first step and never again.
  float* scratch(int64_t floats);
  float* thread_scratch(int thread, int64_t floats);
  void replay_head(SequenceState& s, size_t layer, int64_t head, int64_t rows) const;
  void convolve(Tensor out, const DeltaNetArgs& args, std::span<const SequenceRows> sequences);
  // conv [conv_dim, conv_kernel] with its axes exchanged, so that lanes are channels; made at its first use.
  const float* taps_first(Tensor conv);
  void append_row(const AttentionArgs& args, int64_t row, State handle, int64_t position, float* queries);
  void list_attention_items(const AttentionArgs& args, int64_t all_rows, std::span<const SequenceRows> sequences);
  void attend(Tensor out, const AttentionArgs& args, Tensor queries, const AttentionItem& item, int thread);
  // body(i, thread) for 0 <= i < n, handed out to all threads; on the calling thread alone when n is 1.
  template <typename Body>
  void for_each(int64_t n, const Body& body);

  const KernelTable* kernels_;
  WeightStore* store_;
  ThreadPool pool_;
  WorkItems items_;

  std::vector<std::unique_ptr<PackedMatrix>> matrices_;
  std::vector<std::unique_ptr<PackedExperts>> experts_;
  std::map<const void*, Buffer> tensors_;  // by where they lie
  std::map<const void*, Buffer> taps_first_;
  std::vector<std::unique_ptr<SequenceState>> states_;
  std::vector<std::unique_ptr<Buffer>> pages_;
  int64_t packed_bytes_ = 0;
  Traffic traffic_;
  int64_t waits_taken_ = 0;  // of the pool, when traffic was last taken

  // Scratch of a step.
  int64_t max_rows_ = 0;
  int64_t most_inputs_ = 0;            // of any int8 matrix
  QuantizedRows quantized_x_;          // [max_rows]
  std::vector<ActivationRow> x_rows_;  // [max_rows]
  std::unique_ptr<ExpertPasses> expert_passes_;
  std::vector<AttentionItem> attention_items_;
  Buffer scratch_;  // rotated queries, convolved rows, router logits: one operation at a time
  std::vector<Buffer> thread_scratch_;
};

template <typename Body>
void CpuBackend::for_each(int64_t n, const Body& body) {
  if (n == 1) {
    body(int64_t{0}, 0);
    return;
  }
  items_.reset(n);
  pool_.run([&](int thread) {
    for (int64_t i = items_.take(thread); i >= 0; i = items_.take(thread)) body(i, thread);
  });
}

}  // namespace moebius::cpu
