// A backend that hands every operation on to another one and keeps the time it took and the bytes it moved, by kind of
// operation: what `moebius bench --ops` shows. It waits for each operation, so on a device it costs what that costs.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "backend/backend.h"

namespace moebius {

struct OpTotals {
  std::string op;  // "linear self_attn.q_proj", "experts": layers are added up
  int64_t calls = 0;
  double seconds = 0;
  Traffic traffic;
};

class OpMeter final : public Backend {
 public:
  explicit OpMeter(std::unique_ptr<Backend> backend) : backend_(std::move(backend)) {}

  // Since the last call, in the order in which the kinds first ran.
  std::vector<OpTotals> take_ops();

  Matrix upload(const MatrixSpec& spec, const RowSource& rows) override;
  Experts upload(const ExpertsSpec& spec) override { return backend_->upload(spec); }
  Tensor upload(std::span<const float> values, int64_t rows, int64_t cols) override {
    return backend_->upload(values, rows, cols);
  }
  Tensor allocate(DType dtype, int64_t rows, int64_t cols) override { return backend_->allocate(dtype, rows, cols); }
  void free_tensor(Tensor tensor) override { backend_->free_tensor(tensor); }
  void reserve(int64_t max_rows) override { backend_->reserve(max_rows); }
  [[nodiscard]] int64_t packed_bytes() const override { return backend_->packed_bytes(); }
  State create_state(const StateSpec& spec) override { return backend_->create_state(spec); }
  void reset_state(State state) override { backend_->reset_state(state); }
  void repeat_context(State state, int64_t seen, int64_t positions) override {
    backend_->repeat_context(state, seen, positions);
  }
  void keep_rows(State state, int64_t rows) override { backend_->keep_rows(state, rows); }
  void copy_recurrent(State to, State from) override { backend_->copy_recurrent(to, from); }
  void free_state(State state) override { backend_->free_state(state); }
  KvPage create_page(const StateSpec& spec) override { return backend_->create_page(spec); }
  void copy_page(KvPage to, KvPage from) override { backend_->copy_page(to, from); }
  void free_page(KvPage page) override { backend_->free_page(page); }
  void set_pages(State state, std::span<const KvPage> pages) override { backend_->set_pages(state, pages); }
  void write(Tensor out, const void* host) override { backend_->write(out, host); }
  void read(void* host, Tensor x) override { backend_->read(host, x); }

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
  double measure_int8_macs() override { return backend_->measure_int8_macs(); }

 private:
  template <typename Run>
  void measure(const std::string& op, Tensor out, const Run& run);

  std::unique_ptr<Backend> backend_;
  std::unordered_map<int32_t, std::string> matrix_names_;  // without "model.layers.3."
  std::vector<OpTotals> ops_;
  Traffic traffic_;
};

}  // namespace moebius
