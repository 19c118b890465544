// For tests: a qwen3_5_moe checkpoint of a few kilobytes with made-up weights. It is a map of tensors. A test may
// change the map before it writes the checkpoint: drop a tensor, misshape one, take another expert form, quantize. This
// header is not part of any library.
#pragma once

#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/json.h"
#include "base/testing/temporary_directory.h"
#include "checkpoint/safetensors.h"
#include "model/config.h"
#include "quant/affine.h"

namespace moebius::internal::testing {

struct TinyTensor {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;
};
using TinyTensors = std::map<std::string, TinyTensor>;

inline Json tiny_config() {
  return Json::parse(R"({
    "model_type": "qwen3_5_moe_text", "hidden_size": 64, "num_hidden_layers": 4, "vocab_size": 40,
    "rms_norm_eps": 1e-6, "hidden_act": "silu", "max_position_embeddings": 256, "tie_word_embeddings": false,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "attn_output_gate": true,
    "full_attention_interval": 2,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25},
    "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 16,
    "linear_conv_kernel_dim": 4,
    "num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "shared_expert_intermediate_size": 64,
    "eos_token_id": 7})");
}

inline int64_t count_of(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t n : shape) count *= n;
  return count;
}

// A tensor of values in [-scale, scale) that depend on the name alone. Every tensor is different, and every run has the
// same values.
inline TinyTensor made_up(const std::string& name, std::vector<int64_t> shape, DType dtype, float scale) {
  TinyTensor tensor{dtype, std::move(shape), {}};
  const int64_t count = count_of(tensor.shape);
  tensor.bytes.resize(static_cast<size_t>(count * size_bytes(dtype)));
  if (!is_float(dtype)) return tensor;  // zeros
  uint64_t seed = std::hash<std::string>{}(name) | 1;
  for (int64_t i = 0; i < count; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const float unit = static_cast<float>(seed >> 40) * 0x1p-23f - 1.0f;
    store_f32(tensor.bytes.data(), dtype, i, unit * scale);
  }
  return tensor;
}

inline void add_layer(TinyTensors& tensors, const std::string& path, LayerKind kind, DType dtype) {
  const auto add = [&](const std::string& name, std::vector<int64_t> shape, float scale = 0.2f) {
    tensors[path + name] = made_up(path + name, std::move(shape), dtype, scale);
  };
  add("input_layernorm.weight", {64});
  add("post_attention_layernorm.weight", {64});
  if (kind == LayerKind::kFullAttention) {
    add("self_attn.q_proj.weight", {128, 64});
    add("self_attn.k_proj.weight", {32, 64});
    add("self_attn.v_proj.weight", {32, 64});
    add("self_attn.o_proj.weight", {64, 64});
    add("self_attn.q_norm.weight", {16});
    add("self_attn.k_norm.weight", {16});
  } else {
    add("linear_attn.in_proj_qkv.weight", {96, 64});
    add("linear_attn.in_proj_z.weight", {64, 64});
    add("linear_attn.in_proj_b.weight", {4, 64});
    add("linear_attn.in_proj_a.weight", {4, 64});
    add("linear_attn.out_proj.weight", {64, 64});
    add("linear_attn.conv1d.weight", {96, 1, 4}, 0.5f);
    add("linear_attn.A_log", {4}, 1.0f);
    add("linear_attn.dt_bias", {4}, 1.0f);
    add("linear_attn.norm.weight", {16}, 1.0f);
  }
  add("mlp.gate.weight", {6, 64}, 0.5f);
  add("mlp.shared_expert_gate.weight", {1, 64});
  add("mlp.shared_expert.gate_proj.weight", {64, 64});
  add("mlp.shared_expert.up_proj.weight", {64, 64});
  add("mlp.shared_expert.down_proj.weight", {64, 64});
  add("mlp.experts.gate_up_proj", {6, 64, 64});
  add("mlp.experts.down_proj", {6, 64, 32});
}

// The tensors in the form of a Hugging Face checkpoint: raw norms, fused experts. Layers 1 and 3 are full attention.
inline TinyTensors tiny_tensors(DType dtype = DType::kBF16) {
  TinyTensors tensors;
  const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
    tensors[name] = made_up(name, std::move(shape), dtype, 0.3f);
  };
  add("model.embed_tokens.weight", {40, 64});
  add("model.norm.weight", {64});
  add("lm_head.weight", {40, 64});
  for (int i = 0; i < 4; ++i) {
    const LayerKind kind = i % 2 == 1 ? LayerKind::kFullAttention : LayerKind::kLinearAttention;
    add_layer(tensors, "model.layers." + std::to_string(i) + ".", kind, dtype);
  }
  return tensors;
}

// Rows [first, first + count) of matrix `index` of a stack. The matrices are the last two dimensions of the stack.
inline TinyTensor rows_of(const TinyTensor& stack, int64_t index, int64_t first, int64_t count) {
  const int64_t rows = stack.shape[stack.shape.size() - 2];
  const int64_t row_bytes = stack.shape.back() * size_bytes(stack.dtype);
  const auto begin = stack.bytes.begin() + (index * rows + first) * row_bytes;
  return {stack.dtype, {count, stack.shape.back()}, {begin, begin + count * row_bytes}};
}

inline TinyTensor stack_of(const std::vector<TinyTensor>& parts) {
  TinyTensor stack{parts[0].dtype, parts[0].shape, {}};
  stack.shape.insert(stack.shape.begin(), static_cast<int64_t>(parts.size()));
  for (const TinyTensor& part : parts) stack.bytes.insert(stack.bytes.end(), part.bytes.begin(), part.bytes.end());
  return stack;
}

// Replaces the fused experts of one layer by one tensor per expert and projection: experts.<e>.<projection>.weight.
inline void split_experts(TinyTensors& tensors, const std::string& mlp) {
  const TinyTensor gate_up = tensors.at(mlp + ".experts.gate_up_proj");
  const TinyTensor down = tensors.at(mlp + ".experts.down_proj");
  tensors.erase(mlp + ".experts.gate_up_proj");
  tensors.erase(mlp + ".experts.down_proj");
  for (int64_t e = 0; e < gate_up.shape[0]; ++e) {
    const std::string path = mlp + ".experts." + std::to_string(e);
    const int64_t width = gate_up.shape[1] / 2;
    tensors[path + ".gate_proj.weight"] = rows_of(gate_up, e, 0, width);
    tensors[path + ".up_proj.weight"] = rows_of(gate_up, e, width, width);
    tensors[path + ".down_proj.weight"] = rows_of(down, e, 0, down.shape[1]);
  }
}

// Stacks the tensors of single experts in switch_mlp.<projection>.<part>. Every part that is present is stacked:
// weight, scales, biases.
inline void stack_experts(TinyTensors& tensors, const std::string& mlp) {
  for (const char* projection : {"gate_proj", "up_proj", "down_proj"}) {
    for (const char* part : {".weight", ".scales", ".biases"}) {
      std::vector<TinyTensor> parts;
      for (int e = 0;; ++e) {
        const auto found = tensors.find(mlp + ".experts." + std::to_string(e) + "." + projection + part);
        if (found == tensors.end()) break;
        parts.push_back(found->second);
        tensors.erase(found);
      }
      if (!parts.empty()) tensors[mlp + ".switch_mlp." + projection + part] = stack_of(parts);
    }
  }
}

// The rows of several matrices, one after another.
inline TinyTensor rows_together(const std::vector<TinyTensor>& parts) {
  TinyTensor together{parts[0].dtype, {0, parts[0].shape[1]}, {}};
  for (const TinyTensor& part : parts) {
    together.shape[0] += part.shape[0];
    together.bytes.insert(together.bytes.end(), part.bytes.begin(), part.bytes.end());
  }
  return together;
}

// Interleaves the flat input projections of a linear layer, as in qwen3_next. Each of the two key heads gets a block of
// rows in in_proj_qkvz (q 8, k 8, v 2 * 16, z 2 * 16) and in in_proj_ba (b 2, a 2). Every part that is present is
// interleaved: weight, scales, biases.
inline void interleave_projections(TinyTensors& tensors, const std::string& path) {
  for (const char* part : {".weight", ".scales", ".biases"}) {
    if (!tensors.contains(path + ".in_proj_qkv" + part)) continue;
    const auto take = [&](const char* module) { return tensors.extract(path + module + part).mapped(); };
    const TinyTensor qkv = take(".in_proj_qkv"), z = take(".in_proj_z"), b = take(".in_proj_b"), a = take(".in_proj_a");
    std::vector<TinyTensor> qkvz, ba;
    for (int64_t head = 0; head < 2; ++head) {
      for (const auto& [first, rows] : {std::pair{head * 8, 8}, {16 + head * 8, 8}, {32 + head * 32, 32}}) {
        qkvz.push_back(rows_of(qkv, 0, first, rows));
      }
      qkvz.push_back(rows_of(z, 0, head * 32, 32));
      ba.push_back(rows_of(b, 0, head * 2, 2));
      ba.push_back(rows_of(a, 0, head * 2, 2));
    }
    tensors[path + ".in_proj_qkvz" + part] = rows_together(qkvz);
    tensors[path + ".in_proj_ba" + part] = rows_together(ba);
  }
}

// Quantizes <module>.weight to affine codes with scales and biases.
inline void quantize_module(TinyTensors& tensors, const std::string& module, const QuantFormat& format) {
  const TinyTensor dense = tensors.at(module + ".weight");
  const int64_t cols = dense.shape.back();
  const int64_t rows = count_of(dense.shape) / cols;
  const auto part = [&](DType dtype, int64_t part_cols, int64_t row_bytes) {
    TinyTensor tensor{dtype, dense.shape, std::vector<std::byte>(static_cast<size_t>(rows * row_bytes))};
    tensor.shape.back() = part_cols;
    return tensor;
  };
  const int64_t code_bytes = code_row_bytes(format, cols);
  const int64_t scale_bytes = scale_row_bytes(format, cols);
  TinyTensor codes = part(DType::kU32, code_bytes / 4, code_bytes);
  TinyTensor scales = part(format.scale_dtype, cols / format.group, scale_bytes);
  TinyTensor biases = scales;
  std::vector<float> row(static_cast<size_t>(cols));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < cols; ++i) {
      row[static_cast<size_t>(i)] = load_f32(dense.bytes.data(), dense.dtype, r * cols + i);
    }
    quantize_row(codes.bytes.data() + r * code_bytes, scales.bytes.data() + r * scale_bytes,
                 biases.bytes.data() + r * scale_bytes, row, format);
  }
  tensors[module + ".weight"] = std::move(codes);
  tensors[module + ".scales"] = std::move(scales);
  tensors[module + ".biases"] = std::move(biases);
}

// Replaces <module>.weight by mxfp4 codes and scales. Their values depend on the name alone.
inline void make_mxfp4(TinyTensors& tensors, const std::string& module) {
  std::vector<int64_t> codes_shape = tensors.at(module + ".weight").shape;
  std::vector<int64_t> scales_shape = codes_shape;
  codes_shape.back() /= 8;  // a U32 has 8 codes of 4 bits
  scales_shape.back() /= kMxfp4.group;
  TinyTensor codes = made_up(module, codes_shape, DType::kU32, 0);
  TinyTensor scales = made_up(module, scales_shape, DType::kU8, 0);
  uint64_t seed = std::hash<std::string>{}(module) | 1;
  const auto draw = [&seed] { return (seed = seed * 6364136223846793005u + 1442695040888963407u) >> 40; };
  for (std::byte& byte : codes.bytes) byte = static_cast<std::byte>(draw());
  for (std::byte& scale : scales.bytes) scale = static_cast<std::byte>(120 + draw() % 4);
  tensors[module + ".weight"] = std::move(codes);
  tensors[module + ".scales"] = std::move(scales);
}

inline void write_checkpoint(const TemporaryDirectory& directory, const Json& config, const TinyTensors& tensors) {
  directory.write("config.json", config.dump());
  std::vector<SafetensorsWriter::Declaration> declarations;
  for (const auto& [name, tensor] : tensors) declarations.push_back({name, tensor.dtype, tensor.shape});
  SafetensorsWriter writer(directory.path() / "model.safetensors", declarations);
  for (const auto& [name, tensor] : tensors) writer.write(tensor.bytes);
  writer.finish();
}

}  // namespace moebius::internal::testing
