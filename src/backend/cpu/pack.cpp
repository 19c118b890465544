#include "backend/cpu/pack.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/layout.h"
#include "base/check.h"
#include "base/checked.h"
#include "base/fmath.h"
#include "quant/codes.h"

namespace moebius::cpu {
namespace {

Element element_of(DType dtype) {
  return dtype == DType::kBF16 ? Element::kBF16 : dtype == DType::kF16 ? Element::kF16 : Element::kF32;
}

DType dtype_of(Element element) {
  return element == Element::kBF16 ? DType::kBF16 : element == Element::kF16 ? DType::kF16 : DType::kF32;
}

int unit_of(int group) { return std::min(group, 64); }

// Bits [From, From + Width) of the codes of the sets that share a byte: the word of a row in the line of those sets, a
// byte an input. position(set): where a set's bits go. codes: four an input set, one byte each.
template <int Width, int From, typename Position>
uint32_t plane_word(const uint8_t* codes, const Position& position) {
  constexpr uint32_t kMask = ((1u << Width) - 1) * 0x01010101u;
  uint32_t word = 0;
  for (int set = 0; set < 8 / Width; ++set) {
    uint32_t four = 0;
    std::memcpy(&four, codes + 4 * set, 4);
    word |= ((four >> From) & kMask) << position(set);
  }
  return word;
}

// One plane of one row of a unit. out: the row's word in the first line.
template <int Width, int From, typename Position>
void pack_plane(uint8_t* out, const uint8_t* codes, int unit, const Position& position) {
  constexpr int kInputsALine = 4 * (8 / Width);
  for (int input = 0; input < unit; input += kInputsALine, out += 64) {
    const uint32_t word = plane_word<Width, From>(codes + input, position);
    std::memcpy(out, &word, 4);
  }
}

// codes: 16 rows, `stride` apart, of one unit.
template <int Bits>
void pack_unit(uint8_t* out, const uint8_t* codes, int64_t stride, int unit) {
  constexpr int kLow = low_bits(Bits);
  constexpr int kHigh = high_bits(Bits);
  uint8_t* high_plane = out + int64_t{unit} * kLow * 2;
  for (int row = 0; row < kLanes; ++row, codes += stride) {
    pack_plane<kLow, 0>(out + 4 * row, codes, unit, [](int set) { return low_position(Bits, set); });
    if constexpr (kHigh > 0) {
      pack_plane<kHigh, kLow>(high_plane + 4 * row, codes, unit, [](int set) { return high_position(Bits, set); });
    }
  }
}

void pack_unit(uint8_t* out, const uint8_t* codes, int64_t stride, int unit, int bits) {
  switch (bits) {
    case 2:
      return pack_unit<2>(out, codes, stride, unit);
    case 3:
      return pack_unit<3>(out, codes, stride, unit);
    case 4:
      return pack_unit<4>(out, codes, stride, unit);
    case 5:
      return pack_unit<5>(out, codes, stride, unit);
    case 6:
      return pack_unit<6>(out, codes, stride, unit);
    default:
      return pack_unit<8>(out, codes, stride, unit);
  }
}

// One value of each of `count` rows, row_bytes apart, side by side.
template <typename Value>
void pack_column(uint8_t* out, const std::byte* first, int64_t row_bytes, int64_t count) {
  for (int64_t r = 0; r < count; ++r) std::memcpy(out + r * sizeof(Value), first + r * row_bytes, sizeof(Value));
}

int code_of(const uint8_t* unit, int unit_inputs, int bits, int row, int input) {
  const int set = input / 4;
  const int byte = 4 * row + input % 4;
  const int low_byte = unit[64 * (set / low_sets(bits)) + byte];
  const int low = (low_byte >> low_position(bits, set)) & ((1 << low_bits(bits)) - 1);
  const int high_width = high_bits(bits);
  if (high_width <= 0) return low;
  const int high_byte = unit[unit_inputs * low_bits(bits) * 2 + 64 * (set / high_sets(bits)) + byte];
  const int high = (high_byte >> high_position(bits, set)) & ((1 << high_width) - 1);
  return low | (high << low_bits(bits));
}

}  // namespace

int64_t block_bytes(const WeightFormat& format, int64_t cols) {
  if (!format.is_quantized()) return kLanes * cols * size_bytes(format.dtype);
  const QuantFormat& affine = format.quant;
  return kLanes * (cols * affine.bits / 8 + cols / affine.group * 2 * size_bytes(affine.scale_dtype));
}

MatrixView view_of(const WeightFormat& format, int64_t rows, int64_t cols, const uint8_t* data, int64_t step) {
  const bool affine = format.is_quantized();
  MOEBIUS_CHECK(!affine || (is_valid(format.quant) && cols % format.quant.group == 0));
  return {.data = data,
          .block_bytes = block_bytes(format, cols) * step,
          .gap = block_bytes(format, cols) * (step - 1),
          .rows = static_cast<int32_t>(rows),
          .cols = static_cast<int32_t>(cols),
          .element = element_of(affine ? format.quant.scale_dtype : format.dtype),
          .bits = static_cast<uint8_t>(affine ? format.quant.bits : 0),
          .group = affine ? format.quant.group : 0};
}

void Packer::pack(const MatrixView& view, const WeightFormat& format, const RowSource& source, int64_t first,
                  int64_t count, int64_t view_row) {
  MOEBIUS_CHECK(view_row % kLanes == 0);
  const int64_t cols = view.cols;
  weights_.resize(static_cast<size_t>(count * format.weight_row_bytes(cols)));
  scales_.resize(static_cast<size_t>(count * format.scale_row_bytes(cols)));
  biases_.resize(scales_.size());
  const bool affine = format.is_quantized();
  source.read(first, count, {weights_.data(), affine ? scales_.data() : nullptr, affine ? biases_.data() : nullptr});
  for (int64_t row = 0; row < count; row += kLanes) {
    auto* block = const_cast<uint8_t*>(view.data) + (view_row + row) / kLanes * view.block_bytes;
    const int64_t rows = std::min<int64_t>(kLanes, count - row);
    if (affine) {
      pack_block(block, format, cols, row, rows);
    } else {
      pack_dense_block(block, format, cols, row, rows);
    }
  }
}

void Packer::pack_block(uint8_t* block, const WeightFormat& format, int64_t cols, int64_t row, int64_t count) {
  const QuantFormat& affine = format.quant;
  const int64_t code_row = format.weight_row_bytes(cols);
  const int64_t scale_row = format.scale_row_bytes(cols);
  const int64_t size = size_bytes(affine.scale_dtype);
  codes_.assign(static_cast<size_t>(kLanes * cols), 0);
  for (int64_t r = 0; r < count; ++r) {
    unpack_codes({codes_.data() + r * cols, static_cast<size_t>(cols)},
                 {weights_.data() + (row + r) * code_row, static_cast<size_t>(code_row)}, affine.bits);
  }
  const int unit = unit_of(affine.group);
  for (int64_t input = 0; input < cols; input += affine.group) {
    for (int64_t u = 0; u < affine.group; u += unit, block += int64_t{unit} * affine.bits * 2) {
      pack_unit(block, codes_.data() + input + u, cols, unit, affine.bits);
    }
    for (const std::vector<std::byte>* values : {&scales_, &biases_}) {
      const std::byte* first = values->data() + row * scale_row + input / affine.group * size;
      size == 2 ? pack_column<uint16_t>(block, first, scale_row, count)
                : pack_column<uint32_t>(block, first, scale_row, count);
      block += kLanes * size;
    }
  }
}

void Packer::pack_dense_block(uint8_t* block, const WeightFormat& format, int64_t cols, int64_t row, int64_t count) {
  const int64_t size = size_bytes(format.dtype);
  const std::byte* first = weights_.data() + row * cols * size;
  for (int64_t k = 0; k < cols; ++k, block += kLanes * size, first += size) {
    size == 2 ? pack_column<uint16_t>(block, first, cols * size, count)
              : pack_column<uint32_t>(block, first, cols * size, count);
  }
}

void unpack_row(float* out, const MatrixView& view, int64_t row) {
  const uint8_t* block = view.data + row / kLanes * view.block_bytes;
  const int lane = static_cast<int>(row % kLanes);
  const DType dtype = dtype_of(view.element);
  if (view.bits == 0) {
    for (int64_t k = 0; k < view.cols; ++k) out[k] = load_f32(block, dtype, k * kLanes + lane);
    return;
  }
  const int unit = unit_of(view.group);
  const int unit_bytes = unit * view.bits * 2;
  const int64_t code_bytes = int64_t{view.group} * view.bits * 2;
  const int64_t scale_bytes = kLanes * size_bytes(dtype);
  for (int64_t k = 0; k < view.cols; k += view.group, block += code_bytes + 2 * scale_bytes) {
    const float s = load_f32(block + code_bytes, dtype, lane);
    const float b = load_f32(block + code_bytes + scale_bytes, dtype, lane);
    for (int i = 0; i < view.group; ++i) {
      const int code = code_of(block + i / unit * unit_bytes, unit, view.bits, lane, i % unit);
      out[k + i] = fmath::fma(static_cast<float>(code), s, b);
    }
  }
}

}  // namespace moebius::cpu
