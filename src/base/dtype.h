// Element types of checkpoints and tensors, and exact scalar conversions to f32. No arithmetic lives here.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace moebius::internal {

enum class DType : uint8_t { kF32, kF16, kBF16, kU32, kI32, kI8, kU8, kOther };

// Bytes of one element; 0 for kOther.
constexpr int64_t size_bytes(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kU32:
    case DType::kI32:
      return 4;
    case DType::kF16:
    case DType::kBF16:
      return 2;
    case DType::kI8:
    case DType::kU8:
      return 1;
    case DType::kOther:
      return 0;
  }
  return 0;
}

std::string_view name(DType dtype);  // "F32", "BF16", ... as safetensors spells them

constexpr bool is_float(DType dtype) { return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16; }

inline float bf16_to_f32(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
float f16_to_f32(uint16_t bits);    // exact, subnormals and NaN included
uint16_t f32_to_bf16(float value);  // round half to even; NaN stays NaN
uint16_t f32_to_f16(float value);   // round half to even; overflow to infinity

// Reads element i of a float array in its storage dtype (kF32, kF16 or kBF16), widened exactly.
float load_f32(const void* data, DType dtype, int64_t i);
// Writes element i of such a float array, rounded half to even.
void store_f32(void* data, DType dtype, int64_t i, float value);

}  // namespace moebius::internal
