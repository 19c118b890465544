// See op_meter.h.
#include "backend/op_meter.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <utility>

namespace moebius::internal {
namespace {

// "model.layers.12.self_attn.q_proj" -> "self_attn.q_proj". A name without a layer number stays as it is.
std::string without_layer(const std::string& module) {
  for (size_t dot = module.find('.'); dot != std::string::npos; dot = module.find('.', dot + 1)) {
    size_t end = dot + 1;
    while (end < module.size() && std::isdigit(static_cast<unsigned char>(module[end]))) ++end;
    if (end > dot + 1 && end < module.size() && module[end] == '.') return module.substr(end + 1);
  }
  return module;
}

}  // namespace

Matrix NamedWeights::upload_matrix(const MatrixSpec& spec, const RowSource& rows) {
  const Matrix matrix = loader_.upload_matrix(spec, rows);
  names_[matrix.id] = without_layer(spec.name);
  return matrix;
}

template <typename Run>
void MeteredOperations::measure(const std::string& op, const Run& run) {
  const Traffic before = probes_.traffic();
  const auto start = std::chrono::steady_clock::now();
  run();
  operations_.wait();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  auto totals = std::ranges::find(totals_, op, &OpTotals::op);
  if (totals == totals_.end()) totals = totals_.insert(totals_.end(), OpTotals{.op = op, .traffic = {}});
  totals->calls += 1;
  totals->seconds += elapsed.count();
  totals->traffic += probes_.traffic() - before;
}

std::vector<OpTotals> MeteredOperations::drain_totals() { return std::exchange(totals_, {}); }

void MeteredOperations::embed(Tensor out, Batch batch, Matrix table) {
  measure("embed", [&] { operations_.embed(out, batch, table); });
}

void MeteredOperations::rms_norm(Tensor out, Tensor x, const Norm& norm) {
  measure("rms_norm", [&] { operations_.rms_norm(out, x, norm); });
}

void MeteredOperations::linear(std::span<const Projection> projections, const Input& x) {
  std::string op = "linear " + weights_.name(projections[0].weight);
  if (projections.size() > 1) op += " + " + std::to_string(projections.size() - 1);
  measure(op, [&] { operations_.linear(projections, x); });
}

void MeteredOperations::attention(const MixedRows& out, const AttentionArgs& args, Batch batch) {
  measure("attention", [&] { operations_.attention(out, args, batch); });
}

void MeteredOperations::delta_net(const MixedRows& out, const DeltaNetArgs& args, Batch batch) {
  measure("delta_net", [&] { operations_.delta_net(out, args, batch); });
}

void MeteredOperations::replay_delta_net(const DeltaNetArgs& args, Batch batch) {
  measure("replay_delta_net", [&] { operations_.replay_delta_net(args, batch); });
}

void MeteredOperations::router(Routing out, const Input& x, const RouterArgs& args) {
  measure("router", [&] { operations_.router(out, x, args); });
}

void MeteredOperations::experts(const Output& out, const Input& x, Routing routing, Experts experts, ExpertPath path) {
  measure("experts", [&] { operations_.experts(out, x, routing, experts, path); });
}

void MeteredOperations::expert_slots(Tensor out, const Input& x, Routing routing, Experts experts, ExpertRange range) {
  measure("expert_slots", [&] { operations_.expert_slots(out, x, routing, experts, range); });
}

void MeteredOperations::combine(const Output& out, Tensor slots, Routing routing) {
  measure("combine", [&] { operations_.combine(out, slots, routing); });
}

void MeteredOperations::gather_logit_rows(Tensor out, Tensor x, Batch batch) {
  measure("gather_logit_rows", [&] { operations_.gather_logit_rows(out, x, batch); });
}

void MeteredOperations::concat(Tensor out, const Input& a, const Input& b) {
  measure("concat", [&] { operations_.concat(out, a, b); });
}

void MeteredOperations::sample(Tensor kept, Tensor logits, Batch batch, std::span<const SequenceSampling> sequences,
                               std::span<SequenceDraws> draws) {
  measure("sample", [&] { operations_.sample(kept, logits, batch, sequences, draws); });
}

void MeteredOperations::keep(Batch batch, Tensor kept) {
  measure("keep", [&] { operations_.keep(batch, kept); });
}

}  // namespace moebius::internal
