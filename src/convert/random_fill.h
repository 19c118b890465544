// Random contents of synthetic tensors. Every element is a pure function of (key, its index), so that any part can be
// made at any time, in any order, on any machine, with the same bytes. This file knows no model.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/dtype.h"

namespace moebius::internal {

enum class FillKind : uint8_t {
  kBits,      // uniform bits: packed codes of any width
  kUniform,   // mean +- spread
  kScale,     // spread x (0.75 .. 1.25), either sign
  kExponent,  // E8M0 bytes of 2^mean and, with probability spread, of twice that
  kBias,      // -mean x the scale of the same index and key
  kDecay,     // ln of uniform 1 .. 16: A_log as it is initialised for training
  kTimeStep,  // inverse softplus of log-uniform 0.001 .. 0.1: dt_bias as it is initialised for training
};

struct Fill {
  FillKind kind = FillKind::kBits;
  float mean = 0;
  float spread = 0;
};

// Returns the key of one tensor of one checkpoint.
uint64_t fill_key(uint64_t seed, std::string_view tensor);

// Makes elements [first, first + n) of a tensor, n = out.size() / size of dtype. The dtype is kU32 for kBits, kU8 for
// kExponent, and a float dtype for the other kinds.
void fill_random(std::span<std::byte> out, DType dtype, const Fill& fill, uint64_t key, uint64_t first);

}  // namespace moebius::internal
