// See random_fill.h. The generator is SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
// 2014) read at an index instead of step by step.
#include "convert/random_fill.h"

#include <cstring>

#include "base/check.h"
#include "base/fmath.h"

namespace moebius::internal {
namespace {

constexpr uint64_t kGolden = 0x9e3779b97f4a7c15u;

uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t random_word(uint64_t key, uint64_t index) { return mix(key + (index + 1) * kGolden); }

uint32_t random_half(uint64_t key, uint64_t index) {
  return static_cast<uint32_t>(random_word(key, index / 2) >> (32 * (index % 2)));
}

// Returns a number in (0, 1) of 16 bits, which is enough for weights that are stored with 8 or 11 bits.
float unit(uint32_t random) { return (static_cast<float>(random >> 16) + 0.5f) * 0x1p-16f; }

float scale(uint32_t random, float spread) {
  const float magnitude = spread * (0.75f + 0.5f * unit(random));
  return (random & 1) != 0 ? magnitude : -magnitude;
}

std::byte e8m0(const Fill& fill, uint32_t random) {
  constexpr int kBias = 127;
  return static_cast<std::byte>(kBias + static_cast<int>(fill.mean) + (unit(random) < fill.spread ? 1 : 0));
}

float time_step(float u) {
  constexpr float kLnLow = -6.9077554f, kLnRange = 4.6051702f;  // ln 0.001, ln 100
  const float dt = fmath::exp(kLnLow + u * kLnRange);
  return fmath::log(fmath::exp(dt) - 1.0f);
}

// Returns the value as it reads once it is stored. The bias must match the stored scale, or the weights have a mean.
float stored(float value, DType dtype) {
  std::byte bytes[4];
  store_f32(bytes, dtype, 0, value);
  return load_f32(bytes, dtype, 0);
}

float value(const Fill& fill, uint32_t random, DType dtype) {
  switch (fill.kind) {
    case FillKind::kUniform:
      return fill.mean + fill.spread * (2.0f * unit(random) - 1.0f);
    case FillKind::kScale:
      return scale(random, fill.spread);
    case FillKind::kBias:
      return -fill.mean * stored(scale(random, fill.spread), dtype);
    case FillKind::kDecay:
      return fmath::log(1.0f + 15.0f * unit(random));
    case FillKind::kTimeStep:
      return time_step(unit(random));
    case FillKind::kBits:
    case FillKind::kExponent:
      break;
  }
  MOEBIUS_CHECK(!"a kind of float fill");
  return 0;
}

}  // namespace

uint64_t fill_key(uint64_t seed, std::string_view tensor) {
  uint64_t key = mix(seed + kGolden);
  for (const char c : tensor) key = mix(key + static_cast<unsigned char>(c) + kGolden);
  return key;
}

void fill_random(std::span<std::byte> out, DType dtype, const Fill& fill, uint64_t key, uint64_t first) {
  MOEBIUS_CHECK(size_bytes(dtype) > 0);
  const auto count = out.size() / static_cast<size_t>(size_bytes(dtype));
  if (fill.kind == FillKind::kBits) {
    MOEBIUS_CHECK(dtype == DType::kU32);
    for (size_t i = 0; i < count; ++i) {
      const uint32_t bits = random_half(key, first + i);
      std::memcpy(out.data() + i * sizeof bits, &bits, sizeof bits);
    }
    return;
  }
  if (fill.kind == FillKind::kExponent) {
    MOEBIUS_CHECK(dtype == DType::kU8);
    for (size_t i = 0; i < count; ++i) out[i] = e8m0(fill, random_half(key, first + i));
    return;
  }
  MOEBIUS_CHECK(is_float(dtype));
  for (size_t i = 0; i < count; ++i) {
    store_f32(out.data(), dtype, static_cast<int64_t>(i), value(fill, random_half(key, first + i), dtype));
  }
}

}  // namespace moebius::internal
