#include "backend/cpu/activations.h"

#include "base/checked.h"

namespace moebius::cpu {

void QuantizedRows::reserve(int64_t rows, int64_t cols) {
  blocks_ = div_up(cols, kQuantBlock) | 1;  // odd: rows at an even stride would fall on the same lines of the cache
  codes_ = Buffer(rows * blocks_ * kQuantBlock);
  scales_ = Buffer(rows * blocks_ * 4);
  sums32_ = Buffer(rows * blocks_ * 8);
  sums64_ = Buffer(rows * blocks_ * 4);
}

QuantizedOut QuantizedRows::out(int64_t row) const {
  return {codes_.as<int8_t>() + row * blocks_ * kQuantBlock, scales_.as<float>() + row * blocks_,
          sums32_.as<float>() + row * blocks_ * 2, sums64_.as<float>() + row * blocks_};
}

ActivationRow QuantizedRows::in(int64_t row, const float* x) const {
  const QuantizedOut at = out(row);
  return {x, at.q, at.scale, at.sum32, at.sum64};
}

}  // namespace moebius::cpu
