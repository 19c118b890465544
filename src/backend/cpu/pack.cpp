#include "backend/cpu/pack.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/kernels/layout.h"
#include "base/check.h"
#include "base/checked.h"
#include "base/fmath.h"
#include "quant/codes.h"
#include "quant/dequantize.h"
#include "quant/mxfp4.h"

namespace moebius::internal::cpu {
namespace {

Element element_of(DType dtype) {
  switch (dtype) {
    case DType::kBF16:
      return Element::kBF16;
    case DType::kF16:
      return Element::kF16;
    case DType::kU8:
      return Element::kE8M0;
    default:
      return Element::kF32;
  }
}

DType dtype_of(Element element) {
  switch (element) {
    case Element::kBF16:
      return DType::kBF16;
    case Element::kF16:
      return DType::kF16;
    case Element::kE8M0:
      return DType::kU8;
    case Element::kF32:
      break;
  }
  return DType::kF32;
}

// The format of the quantized matrix behind a view.
QuantFormat format_of(const MatrixView& view) {
  const bool mxfp4 = view.element == Element::kE8M0;
  return {view.bits, view.group, dtype_of(view.element), mxfp4 ? QuantMode::kMxfp4 : QuantMode::kAffine};
}

int unit_of(int group) { return std::min(group, 64); }

// Collects bits [From, From + Width) of the codes of the sets that share a byte. Returns the word of one row in the
// line of those sets, with one byte for each input. position(set): the first bit of a set in that byte. codes: four of
// each set, one byte each.
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

// Packs one plane of one row of a unit. out: the row's word in the first line.
template <int Width, int From, typename Position>
void pack_plane(uint8_t* out, const uint8_t* codes, int unit, const Position& position) {
  constexpr int kInputsALine = 4 * (8 / Width);
  for (int input = 0; input < unit; input += kInputsALine, out += 64) {
    const uint32_t word = plane_word<Width, From>(codes + input, position);
    std::memcpy(out, &word, 4);
  }
}

// Packs one unit. codes: its 16 rows, `stride` bytes apart.
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

// Copies one value of each of `count` rows, side by side. In the source, the rows are row_bytes apart.
template <typename Value>
void pack_column(uint8_t* out, const std::byte* first, int64_t row_bytes, int64_t count) {
  for (int64_t r = 0; r < count; ++r) std::memcpy(out + r * sizeof(Value), first + r * row_bytes, sizeof(Value));
}

void pack_column(uint8_t* out, const std::byte* first, int64_t row_bytes, int64_t count, int64_t value_bytes) {
  switch (value_bytes) {
    case 1:
      return pack_column<uint8_t>(out, first, row_bytes, count);
    case 2:
      return pack_column<uint16_t>(out, first, row_bytes, count);
    default:
      return pack_column<uint32_t>(out, first, row_bytes, count);
  }
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

int64_t block_bytes(const WeightFormat& format, int64_t cols) { return kLanes * format.row_bytes(cols); }

MatrixView view_of(const WeightFormat& format, int64_t rows, int64_t cols, const uint8_t* data, int64_t step) {
  const QuantFormat& quant = format.quant;
  const bool quantized = format.is_quantized();
  MOEBIUS_CHECK(!quantized || (is_valid(quant) && cols % quant.group == 0));
  return {.data = data,
          .block_bytes = block_bytes(format, cols) * step,
          .gap = block_bytes(format, cols) * (step - 1),
          .rows = static_cast<int32_t>(rows),
          .cols = static_cast<int32_t>(cols),
          .element = element_of(quantized ? quant.scale_dtype : format.dtype),
          .bits = static_cast<uint8_t>(quantized ? quant.bits : 0),
          .group = quantized ? quant.group : 0};
}

void Packer::pack(const MatrixView& view, const WeightFormat& format, const RowSource& source, int64_t first,
                  int64_t count, int64_t view_row) {
  MOEBIUS_CHECK(view_row % kLanes == 0);
  const int64_t cols = view.cols;
  const auto room = [count](std::vector<std::byte>& bytes, int64_t row_bytes) {
    bytes.resize(static_cast<size_t>(count * row_bytes));
    return row_bytes > 0 ? bytes.data() : nullptr;
  };
  source.read(first, count,
              {room(weights_, format.weight_row_bytes(cols)), room(scales_, format.scale_row_bytes(cols)),
               room(biases_, format.bias_row_bytes(cols))});
  for (int64_t row = 0; row < count; row += kLanes) {
    auto* block = const_cast<uint8_t*>(view.data) + (view_row + row) / kLanes * view.block_bytes;
    const int64_t rows = std::min<int64_t>(kLanes, count - row);
    if (format.is_quantized()) {
      pack_block(block, format, cols, row, rows);
    } else {
      pack_dense_block(block, format, cols, row, rows);
    }
  }
}

void Packer::pack_block(uint8_t* block, const WeightFormat& format, int64_t cols, int64_t row, int64_t count) {
  const QuantFormat& quant = format.quant;
  const int64_t code_row = format.weight_row_bytes(cols);
  codes_.assign(static_cast<size_t>(kLanes * cols), 0);
  for (int64_t r = 0; r < count; ++r) {
    unpack_codes({codes_.data() + r * cols, static_cast<size_t>(cols)},
                 {weights_.data() + (row + r) * code_row, static_cast<size_t>(code_row)}, quant.bits);
  }
  const int unit = unit_of(quant.group);
  for (int64_t input = 0; input < cols; input += quant.group) {
    for (int64_t u = 0; u < quant.group; u += unit, block += int64_t{unit} * quant.bits * 2) {
      pack_unit(block, codes_.data() + input + u, cols, unit, quant.bits);
    }
    const int64_t size = size_bytes(quant.scale_dtype);
    const auto pack_scales = [&](const std::vector<std::byte>& values, int64_t row_bytes) {
      pack_column(block, values.data() + row * row_bytes + input / quant.group * size, row_bytes, count, size);
      block += kLanes * size;
    };
    pack_scales(scales_, format.scale_row_bytes(cols));
    if (!biases_.empty()) pack_scales(biases_, format.bias_row_bytes(cols));
  }
}

void Packer::pack_dense_block(uint8_t* block, const WeightFormat& format, int64_t cols, int64_t row, int64_t count) {
  const int64_t size = size_bytes(format.dtype);
  const std::byte* first = weights_.data() + row * cols * size;
  for (int64_t k = 0; k < cols; ++k, block += kLanes * size, first += size) {
    pack_column(block, first, cols * size, count, size);
  }
}

void unpack_row(float* out, const MatrixView& view, int64_t row) {
  const uint8_t* block = view.data + row / kLanes * view.block_bytes;
  const int lane = static_cast<int>(row % kLanes);
  if (view.bits == 0) {
    for (int64_t k = 0; k < view.cols; ++k) out[k] = load_f32(block, dtype_of(view.element), k * kLanes + lane);
    return;
  }
  const QuantFormat format = format_of(view);
  const int unit = unit_of(view.group);
  const int unit_bytes = unit * view.bits * 2;
  // A tile has the scales of 16 rows, one group of each row.
  const int64_t code_bytes = kLanes * code_row_bytes(format, view.group);
  const int64_t scale_bytes = kLanes * scale_row_bytes(format, view.group);
  const int64_t bias_bytes = kLanes * bias_row_bytes(format, view.group);
  for (int64_t k = 0; k < view.cols; k += view.group) {
    const auto* scales = reinterpret_cast<const std::byte*>(block + code_bytes);
    const auto [s, b] = decode_scale({nullptr, scales, scales + scale_bytes}, format, lane);
    for (int i = 0; i < view.group; ++i) {
      const int code = code_of(block + i / unit * unit_bytes, unit, view.bits, lane, i % unit);
      const int q = format.mode == QuantMode::kMxfp4 ? kMxfp4Codes[code] : code;
      out[k + i] = fmath::fma(static_cast<float>(q), s, b);
    }
    block += code_bytes + scale_bytes + bias_bytes;
  }
}

}  // namespace moebius::internal::cpu
