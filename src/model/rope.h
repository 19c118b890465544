// The one table of RoPE angles (N1): every backend rotates by these cosines and sines and computes none.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace moebius::internal {

// YaRN (arXiv 2309.00071) extends the context. It keeps the frequencies of pairs that turn often over the trained
// length. It divides the frequencies of pairs that turn seldom by `factor`. It blends the frequencies in between.
struct Yarn {
  double factor = 1;
  int64_t original_positions = 0;        // the trained length
  double beta_fast = 32, beta_slow = 1;  // turns over the trained length at the ends of the blend
  bool truncate = true;                  // the ends are moved outwards to whole pairs
  double attention_factor = 1;           // multiplies every cosine and sine
};

struct RopeSpec {
  int64_t dim = 0;  // rotated dimensions of a head
  double theta = 0;
  std::optional<Yarn> yarn;
};

// Inverse frequencies theta^(-2i / dim), i < dim / 2, changed by YaRN if rope.yarn is set. They are f32 and rounded as
// in transformers.
std::vector<float> rope_frequencies(const RopeSpec& rope);

// The table [positions, dim]: per position dim / 2 cosines, then as many sines.
std::vector<float> rope_table(int64_t positions, const RopeSpec& rope);

}  // namespace moebius::internal
