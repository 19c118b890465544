// The GatedDeltaNet block. The backend implements N6 and N8.
#include "model/delta_net.h"

#include <initializer_list>
#include <vector>

namespace moebius::internal {
namespace {

using MatrixRows = WeightBinder::MatrixRows;
using RowRun = WeightBinder::RowRun;

// Gate projections take f32 activations, because the gates feed exp: a rounding error would change the decay for the
// whole sequence.
constexpr ActivationKind kGateActivations = ActivationKind::kF32;

void bind_flat(WeightBinder& binder, DeltaNetWeights& weights, const std::string& path, const ModelConfig& config) {
  binder.matrix(weights.in_proj_qkv, path + ".in_proj_qkv", {config.delta_shape().conv_dim(), config.dim});
  binder.matrix(weights.in_proj_z, path + ".in_proj_z", {config.delta_shape().value_dim(), config.dim});
  binder.matrix(weights.in_proj_b, path + ".in_proj_b", {config.value_heads, config.dim}, kGateActivations);
  binder.matrix(weights.in_proj_a, path + ".in_proj_a", {config.value_heads, config.dim}, kGateActivations);
}

// The runs of rows that take parts out of a projection that is interleaved by key heads. First come the runs of the
// first part, one per head, then the runs of the second part, and so on. Rows in `parts` count from the start of the
// block of a head.
std::vector<RowRun> of_each_head(int64_t heads, int64_t block_rows, std::initializer_list<RowRun> parts) {
  std::vector<RowRun> runs;
  for (const RowRun& part : parts) {
    for (int64_t head = 0; head < heads; ++head) runs.push_back({head * block_rows + part.first, part.count});
  }
  return runs;
}

// Interleaved projections have a block of rows per key head. A block of in_proj_qkvz has q and k of the head (Dk rows
// each), then v and z of its R value heads (R * Dv rows each). A block of in_proj_ba has b and a of these value heads
// (R rows each). Moving rows is exact, so the weights are bound flat and the forward pass knows only the flat form.
void bind_interleaved(WeightBinder& binder, DeltaNetWeights& weights, const std::string& path,
                      const ModelConfig& config) {
  const int64_t heads = config.key_heads;
  const int64_t gates = config.value_heads / heads;
  const int64_t keys = config.key_head_dim;
  const int64_t values = gates * config.value_head_dim;
  const int64_t block = 2 * (keys + values);
  const auto qkvz = [&](std::initializer_list<RowRun> parts) {
    return MatrixRows{path + ".in_proj_qkvz", {heads * block, config.dim}, of_each_head(heads, block, parts)};
  };
  const auto ba = [&](RowRun part) {
    return MatrixRows{path + ".in_proj_ba", {heads * 2 * gates, config.dim}, of_each_head(heads, 2 * gates, {part})};
  };
  binder.matrix(weights.in_proj_qkv, path + ".in_proj_qkv", qkvz({{0, keys}, {keys, keys}, {2 * keys, values}}));
  binder.matrix(weights.in_proj_z, path + ".in_proj_z", qkvz({{2 * keys + values, values}}));
  binder.matrix(weights.in_proj_b, path + ".in_proj_b", ba({0, gates}), kGateActivations);
  binder.matrix(weights.in_proj_a, path + ".in_proj_a", ba({gates, gates}), kGateActivations);
}

bool is_interleaved(const WeightBinder& binder, const std::string& path) {
  return binder.has(path + ".in_proj_qkvz.weight") || binder.has(path + ".in_proj_ba.weight");
}

// All arguments except the rows (qkv, z, b, a).
DeltaNetArgs arguments(const ModelConfig& config, const DeltaNetWeights& weights, int64_t index) {
  DeltaNetArgs args;
  args.shape = config.delta_shape();
  args.conv = weights.conv;
  args.a_log = weights.a_log;
  args.dt_bias = weights.dt_bias;
  args.norm = weights.norm;
  args.eps = config.eps;
  args.sigmoid_gate = config.sigmoid_output_gate;
  args.layer = index;
  return args;
}

}  // namespace

void bind_delta_net(WeightBinder& binder, DeltaNetWeights& weights, const std::string& path,
                    const ModelConfig& config) {
  is_interleaved(binder, path) ? bind_interleaved(binder, weights, path, config)
                               : bind_flat(binder, weights, path, config);
  binder.matrix(weights.out_proj, path + ".out_proj", {config.dim, config.delta_shape().value_dim()});
  binder.convolution(weights.conv, path + ".conv1d.weight", config.delta_shape().conv_dim(), config.conv_kernel);
  binder.vector(weights.a_log, path + ".A_log", config.value_heads);
  binder.vector(weights.dt_bias, path + ".dt_bias", config.value_heads);
  binder.vector(weights.norm, path + ".norm.weight", config.value_head_dim);
}

void delta_net_block(const StepContext& step, const Output& out, const Input& x, const DeltaNetWeights& weights,
                     int64_t index) {
  DeltaNetArgs args = arguments(step.config, weights, index);
  args.qkv = step.rows_of(step.workspace.q_or_qkv, args.shape.conv_dim());
  args.z = step.rows_of(step.workspace.k_or_z, args.shape.value_dim());
  args.b = step.rows_of(step.workspace.v_or_b, args.shape.value_heads);
  args.a = step.rows_of(step.workspace.a, args.shape.value_heads);
  const MixedRows mixed = step.mixed(args.shape.value_dim());
  const Projection projections[] = {{{args.qkv}, weights.in_proj_qkv},
                                    {{args.z}, weights.in_proj_z},
                                    {{args.b}, weights.in_proj_b},
                                    {{args.a}, weights.in_proj_a}};
  step.ops.linear(projections, x);
  step.ops.delta_net(mixed, args, step.batch);
  const Projection output[] = {{out, weights.out_proj}};
  step.ops.linear(output, {.x = mixed.x, .quantized = mixed.quantized});
}

void replay_delta_net(const StepContext& step, const DeltaNetWeights& weights, int64_t index) {
  step.ops.replay_delta_net(arguments(step.config, weights, index), step.batch);
}

}  // namespace moebius::internal
