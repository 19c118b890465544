// Random checkpoints of a published shape: to measure speed and to test everything that does not need meaning. Weights
// have the statistics of initialised networks (logits finite and varied, routing spread), the bytes depend on the seed
// alone. MLX layout when quantized, Hugging Face layout at 16 bits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/quant_mode.h"

namespace moebius::internal {

struct SynthOptions {
  std::string preset = {};
  int64_t layers = 0;  // 0: as published
  int bits = 4;        // 2, 3, 4, 5, 6, 8 or 16; affine
  int group = 64;      // affine
  QuantMode mode = QuantMode::kAffine;
  bool mtp = false;  // with a draft head of one layer; not for qwen3_moe, of which none was published
  uint64_t seed = 0;
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> progress = {};  // may be empty
};

// Writes the directory whole or not at all; returns the bytes of the weights. Throws kUsage, kExists, kIo,
// kUnavailable.
uint64_t synthesize(const SynthOptions& options, const std::filesystem::path& out);

}  // namespace moebius::internal
