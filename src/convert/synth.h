// Makes random checkpoints of a published shape, to measure speed and to test everything that does not need meaning.
// The weights have the statistics of initialised networks (logits finite and varied, routing spread). The bytes depend
// on the seed alone. The layout is that of MLX when quantized, and that of Hugging Face at 16 bits.
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
  int bits = 4;        // 2, 3, 4, 5, 6 or 8 for affine weights, or 16: not quantized
  int group = 64;      // of affine weights
  QuantMode mode = QuantMode::kAffine;
  bool mtp = false;  // adds a draft head of one layer; not for qwen3_moe, which was published without one
  uint64_t seed = 0;
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> progress = {};  // may be empty
};

// Writes the directory whole or not at all; returns the bytes of the weights. Throws kUsage, kExists, kIo,
// kUnavailable.
uint64_t synthesize(const SynthOptions& options, const std::filesystem::path& out);

}  // namespace moebius::internal
