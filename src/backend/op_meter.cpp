// See op_meter.h.
#include "backend/op_meter.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <utility>

namespace moebius {
namespace {

void add(Traffic& sum, const Traffic& part) {
  sum.weight_bytes += part.weight_bytes;
  sum.state_bytes += part.state_bytes;
  sum.kv_bytes += part.kv_bytes;
  sum.expert_layers += part.expert_layers;
  sum.distinct_experts += part.distinct_experts;
  sum.barriers += part.barriers;
  sum.int8_macs += part.int8_macs;
}

// "model.layers.12.self_attn.q_proj" -> "self_attn.q_proj"; names without a layer number stay.
std::string without_layer(const std::string& module) {
  for (size_t dot = module.find('.'); dot != std::string::npos; dot = module.find('.', dot + 1)) {
    size_t end = dot + 1;
    while (end < module.size() && std::isdigit(static_cast<unsigned char>(module[end]))) ++end;
    if (end > dot + 1 && end < module.size() && module[end] == '.') return module.substr(end + 1);
  }
  return module;
}

}  // namespace

template <typename Run>
void OpMeter::measure(const std::string& op, Tensor out, const Run& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  uint32_t word = 0;  // every element type of a result has four bytes
  backend_->read(&word, {out.data, out.dtype, 1, 1});
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  auto totals = std::ranges::find(ops_, op, &OpTotals::op);
  if (totals == ops_.end()) totals = ops_.insert(ops_.end(), OpTotals{.op = op, .traffic = {}});
  totals->calls += 1;
  totals->seconds += elapsed.count();
  const Traffic traffic = backend_->take_traffic();
  add(totals->traffic, traffic);
  add(traffic_, traffic);
}

std::vector<OpTotals> OpMeter::take_ops() { return std::exchange(ops_, {}); }

Traffic OpMeter::take_traffic() {
  add(traffic_, backend_->take_traffic());
  return std::exchange(traffic_, {});
}

Matrix OpMeter::upload(const MatrixSpec& spec, const RowSource& rows) {
  const Matrix matrix = backend_->upload(spec, rows);
  matrix_names_[matrix.id] = without_layer(spec.name);
  return matrix;
}

void OpMeter::embed(Tensor out, Tensor ids, Matrix table) {
  measure("embed", out, [&] { backend_->embed(out, ids, table); });
}

void OpMeter::rms_norm(Tensor out, Tensor x, Tensor w, float eps) {
  measure("rms_norm", out, [&] { backend_->rms_norm(out, x, w, eps); });
}

void OpMeter::add_rms_norm(Tensor out, Tensor residual, Tensor x, Tensor w, float eps) {
  measure("add_rms_norm", out, [&] { backend_->add_rms_norm(out, residual, x, w, eps); });
}

void OpMeter::linear(std::span<const Projection> projections, Tensor x) {
  std::string op = "linear " + matrix_names_[projections[0].weight.id];
  if (projections.size() > 1) op += " + " + std::to_string(projections.size() - 1);
  measure(op, projections[0].out, [&] { backend_->linear(projections, x); });
}

void OpMeter::attention(Tensor out, const AttentionArgs& args, std::span<const SequenceRows> sequences) {
  measure("attention", out, [&] { backend_->attention(out, args, sequences); });
}

void OpMeter::delta_net(Tensor out, const DeltaNetArgs& args, std::span<const SequenceRows> sequences) {
  measure("delta_net", out, [&] { backend_->delta_net(out, args, sequences); });
}

void OpMeter::router(const Routing& out, Tensor x, const RouterArgs& args) {
  measure("router", out.ids, [&] { backend_->router(out, x, args); });
}

void OpMeter::experts(Tensor out, Tensor x, const Routing& routing, Experts experts, ExpertPath path) {
  measure("experts", out, [&] { backend_->experts(out, x, routing, experts, path); });
}

void OpMeter::gather_rows(Tensor out, Tensor x, Tensor ids) {
  measure("gather_rows", out, [&] { backend_->gather_rows(out, x, ids); });
}

void OpMeter::concat(Tensor out, Tensor a, Tensor b) {
  measure("concat", out, [&] { backend_->concat(out, a, b); });
}

void OpMeter::copy(Tensor out, Tensor x) {
  measure("copy", out, [&] { backend_->copy(out, x); });
}

void OpMeter::argmax(Tensor out, Tensor logits) {
  measure("argmax", out, [&] { backend_->argmax(out, logits); });
}

}  // namespace moebius
