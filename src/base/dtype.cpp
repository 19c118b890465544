// Converts between 16-bit floats and f32 by their bits. Widening is exact, narrowing rounds half to even, and neither
// depends on the instruction set. Vector code has its own conversions, which must agree with these.
#include "base/dtype.h"

#include <cstring>

#include "base/check.h"

namespace moebius::internal {
namespace {

constexpr uint32_t kF32Infinity = 0x7f800000;
constexpr int kMantissaShift = 23 - 10;         // f32 mantissa bits that f16 does not have
constexpr uint32_t kRebias = (127 - 15) << 23;  // difference of the exponent biases

template <typename T>
T load(const void* data, int64_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(data) + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <typename T>
void store(void* data, int64_t i, T value) {
  std::memcpy(static_cast<char*>(data) + i * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

}  // namespace

std::string_view name(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "F32";
    case DType::kF16:
      return "F16";
    case DType::kBF16:
      return "BF16";
    case DType::kU32:
      return "U32";
    case DType::kI32:
      return "I32";
    case DType::kI8:
      return "I8";
    case DType::kU8:
      return "U8";
    case DType::kOther:
      return "other";
  }
  return "other";
}

float f16_to_f32(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1f;
  const uint32_t mantissa = bits & 0x3ff;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24, exact in f32
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  if (exponent == 0x1f) return std::bit_cast<float>(sign | kF32Infinity | mantissa << kMantissaShift);
  return std::bit_cast<float>(sign | ((exponent << 23) + kRebias) | mantissa << kMantissaShift);
}

uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > kF32Infinity) return static_cast<uint16_t>(bits >> 16 | 0x40);  // a quiet NaN
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

uint16_t f32_to_f16(float value) {
  constexpr uint32_t kOverflow = 0x477ff000;        // 65520: half way between the largest f16 and the next
  constexpr uint32_t kSmallestNormal = 0x38800000;  // 2^-14
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > kF32Infinity) return static_cast<uint16_t>(sign | 0x7e00 | (magnitude >> kMantissaShift & 0x1ff));
  if (magnitude >= kOverflow) return static_cast<uint16_t>(sign | 0x7c00);
  if (magnitude < kSmallestNormal) {
    // Floats in [0.5, 1) are 2^-24 apart, as f16 subnormals are. Adding 0.5 therefore rounds to an f16 subnormal, half
    // to even in the default rounding mode.
    const float rounded = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(rounded) - std::bit_cast<uint32_t>(0.5f)));
  }
  const uint32_t half_to_even = (1u << (kMantissaShift - 1)) - 1 + (magnitude >> kMantissaShift & 1);
  return static_cast<uint16_t>(sign | (magnitude - kRebias + half_to_even) >> kMantissaShift);
}

float load_f32(const void* data, DType dtype, int64_t i) {
  MOEBIUS_CHECK(is_float(dtype));
  switch (dtype) {
    case DType::kF16:
      return f16_to_f32(load<uint16_t>(data, i));
    case DType::kBF16:
      return bf16_to_f32(load<uint16_t>(data, i));
    default:
      return load<float>(data, i);
  }
}

void store_f32(void* data, DType dtype, int64_t i, float value) {
  MOEBIUS_CHECK(is_float(dtype));
  switch (dtype) {
    case DType::kF16:
      return store(data, i, f32_to_f16(value));
    case DType::kBF16:
      return store(data, i, f32_to_bf16(value));
    default:
      return store(data, i, value);
  }
}

}  // namespace moebius::internal
