// The GatedDeltaNet block (N6, N8 are the backend's).
#include "model/delta_net.h"

namespace moebius {

void bind_delta_net(WeightBinder& binder, DeltaNetWeights& weights, const std::string& path,
                    const ModelConfig& config) {
  binder.matrix(weights.in_proj_qkv, path + ".in_proj_qkv", {config.conv_dim(), config.dim});
  binder.matrix(weights.in_proj_z, path + ".in_proj_z", {config.value_dim(), config.dim});
  // The gates feed exp: a rounded activation there moves the decay of a whole sequence.
  binder.matrix(weights.in_proj_b, path + ".in_proj_b", {config.value_heads, config.dim}, ActivationKind::kF32);
  binder.matrix(weights.in_proj_a, path + ".in_proj_a", {config.value_heads, config.dim}, ActivationKind::kF32);
  binder.matrix(weights.out_proj, path + ".out_proj", {config.dim, config.value_dim()});
  binder.convolution(weights.conv, path + ".conv1d.weight", config.conv_dim(), config.conv_kernel);
  binder.vector(weights.a_log, path + ".A_log", config.value_heads);
  binder.vector(weights.dt_bias, path + ".dt_bias", config.value_heads);
  binder.vector(weights.norm, path + ".norm.weight", config.value_head_dim);
}

void delta_net_block(const StepContext& step, Tensor out, Tensor x, const DeltaNetWeights& weights, int64_t index) {
  const ModelConfig& config = step.config;
  const Tensor qkv = shaped(step.workspace.q_or_qkv, x.rows, config.conv_dim());
  const Tensor z = shaped(step.workspace.k_or_z, x.rows, config.value_dim());
  const Tensor b = shaped(step.workspace.v_or_b, x.rows, config.value_heads);
  const Tensor a = shaped(step.workspace.a, x.rows, config.value_heads);
  const Tensor mixed = shaped(step.workspace.mixed, x.rows, config.value_dim());
  const Projection inputs[] = {
      {qkv, weights.in_proj_qkv}, {z, weights.in_proj_z}, {b, weights.in_proj_b}, {a, weights.in_proj_a}};
  step.backend.linear(inputs, x);
  const DeltaNetArgs args{.qkv = qkv,
                          .z = z,
                          .b = b,
                          .a = a,
                          .conv = weights.conv,
                          .a_log = weights.a_log,
                          .dt_bias = weights.dt_bias,
                          .norm = weights.norm,
                          .key_heads = config.key_heads,
                          .value_heads = config.value_heads,
                          .key_head_dim = config.key_head_dim,
                          .value_head_dim = config.value_head_dim,
                          .conv_kernel = config.conv_kernel,
                          .eps = config.eps,
                          .sigmoid_gate = config.sigmoid_output_gate,
                          .layer = index};
  step.backend.delta_net(mixed, args, step.sequences);
  const Projection output[] = {{out, weights.out_proj}};
  step.backend.linear(output, mixed);
}

}  // namespace moebius
