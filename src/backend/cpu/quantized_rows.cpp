// See quantized_rows.h.
#include "backend/cpu/quantized_rows.h"

#include "base/checked.h"

namespace moebius::internal::cpu {

void QuantizedStorage::reserve(int64_t rows, int64_t cols) {
  blocks_ = div_up(cols, kQuantBlock) | 1;  // odd: rows at an even stride would fall into the same cache sets
  codes_ = Buffer(rows * blocks_ * kQuantBlock);
  scales_ = Buffer(rows * blocks_ * 4);
  sums32_ = Buffer(rows * blocks_ * 8);
  sums64_ = Buffer(rows * blocks_ * 4);
}

QuantizedOut QuantizedStorage::out(int64_t row, int64_t first_col) const {
  const int64_t block = row * blocks_ + first_col / kQuantBlock;
  return {codes_.as<int8_t>() + block * kQuantBlock, scales_.as<float>() + block, sums32_.as<float>() + block * 2,
          sums64_.as<float>() + block};
}

ActivationRow QuantizedStorage::in(int64_t row, const float* x) const {
  const QuantizedOut at = out(row);
  return {x, at.q, at.scale, at.sum32, at.sum64};
}

}  // namespace moebius::internal::cpu
