#include "backend/cpu/pack.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/checked.h"
#include "base/fmath.h"

namespace moebius::cpu {
namespace {

// The planes of a code: low bits first.
struct Planes {
  int low, high;
};

Planes planes_of(int bits) {
  const int low = bits == 8 ? 8 : bits >= 4 ? 4 : 2;
  return {low, bits - low};
}

Element element_of(DType dtype) {
  return dtype == DType::kBF16 ? Element::kBF16 : dtype == DType::kF16 ? Element::kF16 : Element::kF32;
}

DType dtype_of(Element element) {
  return element == Element::kBF16 ? DType::kBF16 : element == Element::kF16 ? DType::kF16 : DType::kF32;
}

int unit_of(int group) { return std::min(group, 64); }

// Adds `width` bits of each code, from bit `from` on, to the plane that begins at `plane`.
void add_to_plane(uint8_t* plane, const uint8_t* set_codes, int set, int width, int from) {
  const int sets_a_line = 8 / width;
  uint8_t* line = plane + 64 * (set / sets_a_line);
  const int shift = width * (set % sets_a_line);
  const int mask = (1 << width) - 1;
  for (int i = 0; i < 64; ++i) line[i] = static_cast<uint8_t>(line[i] | (((set_codes[i] >> from) & mask) << shift));
}

// codes: 16 rows, `stride` apart, of one unit.
void pack_unit(uint8_t* out, const uint8_t* codes, int64_t stride, int unit, int bits) {
  const Planes planes = planes_of(bits);
  uint8_t* high_plane = out + int64_t{unit} * planes.low * 2;
  std::memset(out, 0, static_cast<size_t>(unit) * static_cast<size_t>(bits) * 2);
  for (int set = 0; set < unit / 4; ++set) {
    uint8_t set_codes[64];
    for (int row = 0; row < kLanes; ++row) std::memcpy(set_codes + 4 * row, codes + row * stride + 4 * set, 4);
    add_to_plane(out, set_codes, set, planes.low, 0);
    if (planes.high > 0) add_to_plane(high_plane, set_codes, set, planes.high, planes.low);
  }
}

int code_of(const uint8_t* unit, int unit_inputs, int bits, int row, int input) {
  const Planes planes = planes_of(bits);
  const int set = input / 4;
  const int byte = 4 * row + input % 4;
  const auto field = [&](const uint8_t* plane, int width) {
    const int sets_a_line = 8 / width;
    return (plane[64 * (set / sets_a_line) + byte] >> (width * (set % sets_a_line))) & ((1 << width) - 1);
  };
  const int low = field(unit, planes.low);
  if (planes.high == 0) return low;
  return low | (field(unit + unit_inputs * planes.low * 2, planes.high) << planes.low);
}

}  // namespace

int64_t block_bytes(const WeightFormat& format, int64_t cols) {
  if (!format.is_affine()) return kLanes * cols * size_bytes(format.dtype);
  const AffineFormat& affine = format.affine;
  return kLanes * (cols * affine.bits / 8 + cols / affine.group * 2 * size_bytes(affine.scale_dtype));
}

MatrixView view_of(const WeightFormat& format, int64_t rows, int64_t cols, const uint8_t* data, int64_t step) {
  const bool affine = format.is_affine();
  MOEBIUS_CHECK(!affine || (is_valid(format.affine) && cols % format.affine.group == 0));
  return {.data = data,
          .block_bytes = block_bytes(format, cols) * step,
          .rows = static_cast<int32_t>(rows),
          .cols = static_cast<int32_t>(cols),
          .element = element_of(affine ? format.affine.scale_dtype : format.dtype),
          .bits = static_cast<uint8_t>(affine ? format.affine.bits : 0),
          .group = affine ? format.affine.group : 0};
}

void Packer::pack(const MatrixView& view, const WeightFormat& format, const RowSource& source, int64_t first,
                  int64_t count, int64_t view_row) {
  MOEBIUS_CHECK(view_row % kLanes == 0);
  const int64_t cols = view.cols;
  weights_.resize(static_cast<size_t>(count * format.weight_row_bytes(cols)));
  scales_.resize(static_cast<size_t>(count * format.scale_row_bytes(cols)));
  biases_.resize(scales_.size());
  const bool affine = format.is_affine();
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
  const AffineFormat& affine = format.affine;
  const int64_t code_row = format.weight_row_bytes(cols);
  const int64_t scale_row = format.scale_row_bytes(cols);
  const auto size = static_cast<size_t>(size_bytes(affine.scale_dtype));
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
      for (int64_t r = 0; r < count; ++r) {
        const std::byte* source =
            values->data() + (row + r) * scale_row + input / affine.group * static_cast<int64_t>(size);
        std::memcpy(block + static_cast<size_t>(r) * size, source, size);
      }
      block += kLanes * size;
    }
  }
}

void Packer::pack_dense_block(uint8_t* block, const WeightFormat& format, int64_t cols, int64_t row, int64_t count) {
  const int64_t size = size_bytes(format.dtype);
  for (int64_t r = 0; r < count; ++r) {
    const std::byte* source = weights_.data() + (row + r) * cols * size;
    for (int64_t k = 0; k < cols; ++k) {
      std::memcpy(block + (k * kLanes + r) * size, source + k * size, static_cast<size_t>(size));
    }
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
