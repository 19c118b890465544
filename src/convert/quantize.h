// Converts a checkpoint to MLX layout with affine weights. The rules and the bytes are those of mlx-lm's converter:
// what is quantized, what stays floating, which norms get their +1. There are two differences. `mtp.*` is kept (mlx-lm
// drops it). A matrix that is quantized already is copied when it has the wanted format; otherwise it is requantized
// from its exact values without a detour over 16 bits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace moebius::internal {

struct QuantizeOptions {
  int bits = 4;  // 2, 3, 4, 5, 6 or 8
  int group = 64;
  int router_bits = 8;  // of mlp.gate and mlp.shared_expert_gate, whose group is 64
  int threads = 2;
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)> progress = {};  // counts source bytes; may be empty
};

struct QuantizeReport {
  uint64_t source_bytes = 0;
  uint64_t written_bytes = 0;
  double bits_per_weight = 0;          // over all written weights, scales and biases included
  std::vector<std::string> left_over;  // `mtp.` tensors of the source that no MTP head has
};

// Reads a few megabytes at a time; OUT appears whole or not at all. Throws kUsage, kExists, kNonFinite naming the
// tensor, and what opening a checkpoint throws.
QuantizeReport quantize(const std::filesystem::path& source, const std::filesystem::path& out,
                        const QuantizeOptions& options);

}  // namespace moebius::internal
