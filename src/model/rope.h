// The one table of RoPE angles (N1): every backend rotates by these cosines and sines and computes none.
#pragma once

#include <cstdint>
#include <vector>

namespace moebius {

// Inverse frequencies theta^(-2i / rotary_dim), i < rotary_dim / 2, in f32 as transformers has them.
std::vector<float> rope_frequencies(int64_t rotary_dim, double theta);

// [positions, rotary_dim]: per position rotary_dim / 2 cosines, then as many sines.
std::vector<float> rope_table(int64_t positions, int64_t rotary_dim, double theta);

}  // namespace moebius
