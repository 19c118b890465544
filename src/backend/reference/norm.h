// Norms of one row (N6), for the operations that apply a norm themselves.
#pragma once

#include <cstdint>

namespace moebius::internal::reference {

// out [n] = (x * r) * w with r = 1 / sqrt(mean of squares + eps). out may be x.
void rms_norm_row(float* out, const float* x, const float* w, int64_t n, float eps);

// x [n] *= 1 / sqrt(sum of squares + 1e-6)
void l2_normalize_row(float* x, int64_t n);

}  // namespace moebius::internal::reference
