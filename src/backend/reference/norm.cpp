// N6: RMSNorm and L2 norm, and the operations rms_norm() and add_rms_norm(). The gated RMSNorm of the delta rule is in
// delta_net.cpp.
#include "backend/reference/norm.h"

#include <cmath>

#include "backend/reference/reference_backend.h"
#include "backend/reference/sums.h"

namespace moebius::reference {

void rms_norm_row(float* out, const float* x, const float* w, int64_t n, float eps) {
  const float r = 1.0f / std::sqrt(sum_of_squares(x, n) / static_cast<float>(n) + eps);
  for (int64_t i = 0; i < n; ++i) out[i] = (x[i] * r) * w[i];
}

void l2_normalize_row(float* x, int64_t n) {
  const float r = 1.0f / std::sqrt(sum_of_squares(x, n) + 1e-6f);
  for (int64_t i = 0; i < n; ++i) x[i] *= r;
}

// out [T, D], x [T, D], w [1, D]
void ReferenceBackend::rms_norm(Tensor out, Tensor x, Tensor w, float eps) {
  check_shape(out, x.rows, x.cols);
  check_shape(w, 1, x.cols);
  for (int64_t t = 0; t < x.rows; ++t) rms_norm_row(out.row(t), x.row(t), w.f32(), x.cols, eps);
}

// out [T, D], residual [T, D], x [T, D], w [1, D]
void ReferenceBackend::add_rms_norm(Tensor out, Tensor residual, Tensor x, Tensor w, float eps) {
  check_shape(residual, x.rows, x.cols);
  for (int64_t i = 0; i < x.rows * x.cols; ++i) residual.f32()[i] += x.f32()[i];
  rms_norm(out, residual, w, eps);
}

}  // namespace moebius::reference
