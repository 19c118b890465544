// For tests: a tiny checkpoint of every family, in the form in which that family is published. This header is not part
// of any library.
#pragma once

#include <string>
#include <vector>

#include "model/testing/tiny_checkpoint.h"

namespace moebius::internal::testing {

struct TinyFamily {
  std::string name;  // the normalised model_type
  Json config;
  TinyTensors tensors;
};

inline std::string layer_path(int layer) { return "model.layers." + std::to_string(layer); }

inline void erase_below(TinyTensors& tensors, const std::string& path) {
  std::erase_if(tensors, [&](const auto& item) { return item.first.starts_with(path + "."); });
}

// Replaces the MLP at this path by a dense MLP with 96 hidden values.
inline void make_dense(TinyTensors& tensors, const std::string& mlp) {
  const DType dtype = tensors.at("model.norm.weight").dtype;
  erase_below(tensors, mlp);
  const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
    tensors[name] = made_up(name, std::move(shape), dtype, 0.2f);
  };
  add(mlp + ".gate_proj.weight", {96, 64});
  add(mlp + ".up_proj.weight", {96, 64});
  add(mlp + ".down_proj.weight", {64, 96});
}

inline TinyFamily tiny_qwen3_5_moe(DType dtype = DType::kBF16) {
  return {"qwen3_5_moe", tiny_config(), tiny_tensors(dtype)};
}

inline TinyFamily tiny_qwen3_5(DType dtype = DType::kBF16) {
  TinyFamily tiny{"qwen3_5", tiny_config(), tiny_tensors(dtype)};
  tiny.config["model_type"] = "qwen3_5_text";
  for (const char* key :
       {"num_experts", "num_experts_per_tok", "moe_intermediate_size", "shared_expert_intermediate_size"}) {
    tiny.config.erase(key);
  }
  tiny.config["intermediate_size"] = 96;
  for (int i = 0; i < 4; ++i) make_dense(tiny.tensors, layer_path(i) + ".mlp");
  return tiny;
}

// The RoPE keys are flat, as in the published 80B. Experts have one tensor each, and projections are interleaved.
inline TinyFamily tiny_qwen3_next(DType dtype = DType::kBF16) {
  TinyFamily tiny{"qwen3_next", tiny_config(), tiny_tensors(dtype)};
  tiny.config.erase("rope_parameters");
  tiny.config.erase("attn_output_gate");
  tiny.config.update({{"model_type", "qwen3_next"},
                      {"rope_theta", 10000000},
                      {"partial_rotary_factor", 0.25},
                      {"rope_scaling", nullptr},
                      {"intermediate_size", 96},
                      {"norm_topk_prob", true},
                      {"decoder_sparse_step", 1},
                      {"mlp_only_layers", Json::array()}});
  for (int i = 0; i < 4; ++i) {
    split_experts(tiny.tensors, layer_path(i) + ".mlp");
    if (i % 2 == 0) interleave_projections(tiny.tensors, layer_path(i) + ".linear_attn");
  }
  return tiny;
}

// The four layers have full attention without a gate, and RoPE rotates whole heads. There is no shared expert. Experts
// have one tensor each.
inline TinyFamily tiny_qwen3_moe(DType dtype = DType::kBF16) {
  TinyFamily tiny{"qwen3_moe", tiny_config(), tiny_tensors(dtype)};
  for (const char* key : {"linear_num_key_heads", "linear_num_value_heads", "linear_key_head_dim",
                          "linear_value_head_dim", "linear_conv_kernel_dim", "shared_expert_intermediate_size",
                          "rope_parameters", "attn_output_gate", "full_attention_interval"}) {
    tiny.config.erase(key);
  }
  tiny.config.update({{"model_type", "qwen3_moe"},
                      {"rope_theta", 1000000.0},
                      {"rope_scaling", nullptr},
                      {"attention_bias", false},
                      {"use_sliding_window", false},
                      {"sliding_window", nullptr},
                      {"max_window_layers", 4},
                      {"intermediate_size", 96},
                      {"norm_topk_prob", true},
                      {"decoder_sparse_step", 1},
                      {"mlp_only_layers", Json::array()}});
  for (int i = 0; i < 4; ++i) {
    const std::string layer = layer_path(i);
    erase_below(tiny.tensors, layer);
    add_layer(tiny.tensors, layer + ".", LayerKind::kFullAttention, dtype);
    const std::string q_proj = layer + ".self_attn.q_proj.weight";
    tiny.tensors[q_proj] = made_up(q_proj, {64, 64}, dtype, 0.2f);
    erase_below(tiny.tensors, layer + ".mlp.shared_expert");
    tiny.tensors.erase(layer + ".mlp.shared_expert_gate.weight");
    split_experts(tiny.tensors, layer + ".mlp");
  }
  return tiny;
}

inline std::vector<TinyFamily> tiny_families(DType dtype = DType::kBF16) {
  return {tiny_qwen3_5_moe(dtype), tiny_qwen3_5(dtype), tiny_qwen3_next(dtype), tiny_qwen3_moe(dtype)};
}

}  // namespace moebius::internal::testing
