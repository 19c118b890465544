// The class behind make_reference_backend: handles, tensors and states. Each family of operations has its page: matmul,
// rows, norm, attention, delta_net, router, experts (.cpp). Private to this folder.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "backend/reference/matrix.h"
#include "backend/reference/state.h"
#include "backend/reference/traffic.h"

namespace moebius::reference {

struct StoredExpertGroup {
  int64_t count = 0;
  int64_t width = 0;      // F
  StoredMatrix gate, up;  // [count * F, D]
  StoredMatrix down;      // [count * D, F]

  // Of one expert, as packed in the checkpoint.
  [[nodiscard]] int64_t expert_bytes() const {
    return count == 0 ? 0 : (gate.bytes() + up.bytes() + down.bytes()) / count;
  }
};

struct StoredExperts {
  int64_t dim = 0;  // D
  StoredExpertGroup routed;
  StoredExpertGroup shared;  // count 0 or 1
};

class ReferenceBackend final : public Backend {
 public:
  explicit ReferenceBackend(bool f32_activations) : f32_activations_(f32_activations) {}

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
  double measure_int8_macs() override { return 0; }  // plain loops

 private:
  StoredMatrix store(MatrixSpec spec, const RowSource& rows);
  StoredExpertGroup store(const ExpertsSpec& spec, const ExpertGroupSpec& group);
  [[nodiscard]] const StoredMatrix& matrix(Matrix handle) const;
  [[nodiscard]] const StoredExperts& expert_table(Experts handle) const;
  SequenceState& sequence(State handle);
  std::vector<std::byte>& page(KvPage handle);
  // A tensor of a step: f32 unless said otherwise, and not longer than reserve() promised.
  void check_shape(const Tensor& x, int64_t rows, int64_t cols, DType dtype = DType::kF32) const;

  bool f32_activations_;
  int64_t max_rows_ = 0;  // 0: still loading
  int64_t packed_bytes_ = 0;
  TrafficMeter traffic_;
  std::vector<StoredMatrix> matrices_;
  std::vector<StoredExperts> experts_;
  std::vector<std::unique_ptr<SequenceState>> states_;          // freed ones stay empty, so a stale handle is found out
  std::vector<std::unique_ptr<std::vector<std::byte>>> pages_;  // likewise
  std::map<const void*, std::unique_ptr<std::byte[]>> tensors_;  // by where they lie
};

}  // namespace moebius::reference
