// See synth.h. A plan lists the tensors with their fills. Then one pass makes and writes a few megabytes at a time.
#include "convert/synth.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/file.h"
#include "convert/config_json.h"
#include "convert/layout.h"
#include "convert/model_files.h"
#include "convert/model_tensors.h"
#include "convert/presets.h"
#include "convert/random_fill.h"
#include "convert/sharded_writer.h"
#include "moebius/error.h"
#include "quant/format.h"

namespace moebius::internal {
namespace {

constexpr int kUnquantizedBits = 16;
constexpr uint64_t kChunkBytes = 4 << 20;  // a multiple of every element size
constexpr float kSqrt3 = 1.7320508f;       // a uniform spread of sqrt(3) has variance 1

struct SynthTensor {
  SafetensorsWriter::Declaration declaration;
  Fill fill;
  std::string key;  // the scales and biases of a module share a key
};

// Returns the standard deviation of the weights of a matrix. With it, outputs are as large as inputs, and embedded
// tokens start at 1.
float weight_deviation(const ModelTensor& tensor) {
  return tensor.role == TensorRole::kEmbedding ? 1.0f : 1.0f / std::sqrt(static_cast<float>(tensor.cols));
}

// norm_mean: the number around which the file stores norms.
Fill float_fill(const ModelTensor& tensor, float norm_mean) {
  constexpr float kNormSpread = 0.2f, kConvSpread = 0.5f;
  switch (tensor.role) {
    case TensorRole::kNorm:
      return {FillKind::kUniform, norm_mean, kNormSpread};
    case TensorRole::kGatedNorm:
      return {FillKind::kUniform, 1.0f, kNormSpread};
    case TensorRole::kConv:
      return {FillKind::kUniform, 0.0f, kConvSpread};
    case TensorRole::kDecay:
      return {FillKind::kDecay};
    case TensorRole::kTimeStep:
      return {FillKind::kTimeStep};
    default:
      return {FillKind::kUniform, 0.0f, kSqrt3 * weight_deviation(tensor)};
  }
}

DType float_dtype(const ModelTensor& tensor) { return tensor.role == TensorRole::kDecay ? DType::kF32 : DType::kBF16; }

// Scales are powers of two. One lies below the scale that gives the wanted deviation, and the other is twice as large.
// The larger one is used as often as the wanted deviation needs it.
void add_mxfp4(std::vector<SynthTensor>& plan, const ModelTensor& tensor,
               const std::vector<SafetensorsWriter::Declaration>& declarations) {
  constexpr float kElementDeviation = 2.9261750f;  // the deviation of the sixteen E2M1 elements
  int exponent = 0;
  const float fraction = std::frexp(weight_deviation(tensor) / kElementDeviation, &exponent);
  const float twice = (4 * fraction * fraction - 1) / 3;  // share of 2^exponent; the other scales are half of it
  plan.push_back({declarations[0], {FillKind::kBits}, tensor.name()});
  plan.push_back(
      {declarations[1], {FillKind::kExponent, static_cast<float>(exponent - 1), twice}, tensor.module + ".scales"});
}

void add_mlx(std::vector<SynthTensor>& plan, const ModelTensor& tensor, const QuantizationChoice& choice,
             const FileForm& form) {
  const auto params = choose_quantization(tensor, choice);
  auto declarations = declare_mlx(tensor, params, float_dtype(tensor), form);
  if (!params) {
    plan.push_back({declarations[0], float_fill(tensor, 1.0f), tensor.name()});
    return;
  }
  if (params->mode == QuantMode::kMxfp4) return add_mxfp4(plan, tensor, declarations);
  const auto largest_code = static_cast<float>((1 << params->bits) - 1);
  const float code_deviation = std::sqrt(largest_code * (largest_code + 2) / 12);
  const float scale = weight_deviation(tensor) / code_deviation;
  const std::string scale_key = tensor.module + ".scales";
  plan.push_back({declarations[0], {FillKind::kBits}, tensor.name()});
  plan.push_back({declarations[1], {FillKind::kScale, 0, scale}, scale_key});
  plan.push_back({declarations[2], {FillKind::kBias, largest_code / 2, scale}, scale_key});
}

void add_hf(std::vector<SynthTensor>& plan, const ModelTensor& tensor, NormForm norms, const FileForm& form) {
  const Fill fill = float_fill(tensor, norms == NormForm::kPlain ? 1.0f : 0.0f);
  for (const auto& declaration : declare_hf(tensor, float_dtype(tensor), form)) {
    plan.push_back({declaration, fill, declaration.name});
  }
}

void write_tensors(ShardedWriter& writer, const std::vector<SynthTensor>& plan, const SynthOptions& options) {
  std::vector<std::byte> chunk(kChunkBytes);
  for (const SynthTensor& tensor : plan) {
    const uint64_t key = fill_key(options.seed, tensor.key);
    const DType dtype = tensor.declaration.dtype;
    const uint64_t bytes = data_bytes(tensor.declaration);
    for (uint64_t offset = 0; offset < bytes; offset += kChunkBytes) {
      const auto part = std::span(chunk).first(std::min(kChunkBytes, bytes - offset));
      fill_random(part, dtype, tensor.fill, key, offset / static_cast<uint64_t>(size_bytes(dtype)));
      writer.write(part);
      if (options.progress) options.progress(writer.written_bytes(), writer.total_bytes());
    }
  }
  writer.finish();
}

}  // namespace

uint64_t synthesize(const SynthOptions& options, const std::filesystem::path& out) {
  ModelConfig config = preset_config(options.preset);
  if (options.mtp && config.count(LayerKind::kFullAttention) == config.layers) {
    throw Error(ErrorCode::kUsage, "--mtp", "no draft head was published for " + options.preset, "leave it out");
  }
  if (options.layers != 0) set_layers(config, options.layers);
  const bool mxfp4 = options.mode == QuantMode::kMxfp4;
  const bool quantized = mxfp4 || options.bits != kUnquantizedBits;
  QuantizationChoice choice{{options.bits, options.group}};
  if (mxfp4) choice.matrices = {kMxfp4.bits, kMxfp4.group, kMxfp4.mode};
  if (quantized) check_choice(choice);

  const FileForm form = published_form(config);
  std::vector<ModelTensor> tensors = model_tensors(config, form.delta_net);
  for (ModelTensor& tensor : mtp_tensors(config, options.mtp ? 1 : 0)) tensors.push_back(std::move(tensor));
  std::vector<SynthTensor> plan;
  for (const ModelTensor& tensor : tensors) {
    quantized ? add_mlx(plan, tensor, choice, form) : add_hf(plan, tensor, config.norms, form);
  }
  std::vector<SafetensorsWriter::Declaration> declarations;
  for (const SynthTensor& tensor : plan) declarations.push_back(tensor.declaration);

  AtomicDirectory directory(out);
  ShardedWriter writer(directory.path(), declarations, quantized ? "mlx" : "pt");
  write_tensors(writer, plan, options);
  Json json = config_json(config);
  if (options.mtp && json.contains("text_config")) json["text_config"]["mtp_num_hidden_layers"] = 1;
  if (quantized) add_quantization(json, quantization_block(tensors, choice, form));
  write_config(directory.path(), json);
  directory.commit();
  return writer.total_bytes();
}

}  // namespace moebius::internal
