// RMSNorm and L2 norm (N6), and the operation rms_norm(). The gated RMSNorm of the delta rule is in delta_net.cpp.
#include "backend/reference/norm.h"

#include <cmath>

#include "backend/reference/operations.h"
#include "backend/reference/sums.h"
#include "backend/tensor_memory.h"

namespace moebius::internal::reference {

void rms_norm_row(float* out, const float* x, const float* w, int64_t n, float eps) {
  const float r = 1.0f / std::sqrt(sum_of_squares(x, n) / static_cast<float>(n) + eps);
  for (int64_t i = 0; i < n; ++i) out[i] = (x[i] * r) * w[i];
}

void l2_normalize_row(float* x, int64_t n) {
  const float r = 1.0f / std::sqrt(sum_of_squares(x, n) + 1e-6f);
  for (int64_t i = 0; i < n; ++i) x[i] *= r;
}

// out [T, D], x [T, D]
void ReferenceOperations::rms_norm(Tensor out, Tensor x, const Norm& norm) {
  check_shape(out, x.rows, x.cols);
  check_shape(norm.weight, 1, x.cols);
  for (int64_t t = 0; t < x.rows; ++t) rms_norm_row(row(out, t), row(x, t), f32(norm.weight), x.cols, norm.eps);
}

}  // namespace moebius::internal::reference
