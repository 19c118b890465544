// What tests of a backend need: random matrices in checkpoint form, random activations with everything that breaks
// kernels, and tensors made from host vectors. Header only, because the tests of every backend folder include it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/check.h"

namespace moebius::internal::testing {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  // A number that is close to normally distributed: the sum of four uniform numbers from one draw. It is the same with
  // every standard library.
  float normal(float sigma = 1) {
    const uint64_t draw = engine_();
    const auto field = [&](int i) { return static_cast<float>(draw >> (16 * i) & 0xffff) / 65536.0f - 0.5f; };
    return sigma * 1.7320508f * (field(0) + field(1) + field(2) + field(3));
  }
  int64_t below(int64_t n) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(n)); }
  uint64_t bits() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

// A matrix as a checkpoint holds it. Some scales and weights are zero, -0 or subnormal. Scales have both signs.
class HostMatrix final : public RowSource {
 public:
  HostMatrix() = default;
  HostMatrix(int64_t rows, int64_t cols, const WeightFormat& format, uint64_t seed)
      : rows_(rows), cols_(cols), format_(format) {
    Random random(seed);
    weights_.resize(rows * format.weight_row_bytes(cols));
    scales_.resize(rows * format.scale_row_bytes(cols));
    biases_.resize(rows * format.bias_row_bytes(cols));
    fill_all(random);
  }

  [[nodiscard]] int64_t rows() const { return rows_; }
  [[nodiscard]] int64_t cols() const { return cols_; }
  [[nodiscard]] int64_t bytes() const {
    return static_cast<int64_t>(weights_.size() + scales_.size() + biases_.size());
  }
  [[nodiscard]] MatrixSpec spec(ActivationKind activations = ActivationKind::kInt8) const {
    return {"matrix", rows_, cols_, format_, activations};
  }

  void read(int64_t first, int64_t count, const Rows& out) const override {
    copy_rows(out.weights, weights_, format_.weight_row_bytes(cols_), first, count);
    copy_rows(out.scales, scales_, format_.scale_row_bytes(cols_), first, count);
    copy_rows(out.biases, biases_, format_.bias_row_bytes(cols_), first, count);
  }

  // Makes row `to` the same as row `from`.
  void copy_row(int64_t to, int64_t from) {
    const auto copy = [&](std::vector<std::byte>& bytes, int64_t row_bytes) {
      if (row_bytes > 0) std::memcpy(bytes.data() + to * row_bytes, bytes.data() + from * row_bytes, row_bytes);
    };
    copy(weights_, format_.weight_row_bytes(cols_));
    copy(scales_, format_.scale_row_bytes(cols_));
    copy(biases_, format_.bias_row_bytes(cols_));
  }

  // Sets every code to the largest one, which overflows first.
  void fill_with_largest_codes() {
    std::fill(weights_.begin(), weights_.end(), is_mxfp4() ? std::byte{0x77} : std::byte{0xff});
  }

  // The exact weight. It is decoded bit by bit, independently of src/quant.
  [[nodiscard]] double at(int64_t row, int64_t col) const {
    if (!format_.is_quantized()) return load_f32(weights_.data(), format_.dtype, row * cols_ + col);
    const int64_t first_bit = row * format_.weight_row_bytes(cols_) * 8 + col * format_.quant.bits;
    int code = 0;
    for (int64_t i = 0; i < format_.quant.bits; ++i) {
      const int64_t bit = first_bit + i;
      code |= ((std::to_integer<int>(weights_[bit / 8]) >> (bit % 8)) & 1) << i;
    }
    const int64_t group = (row * cols_ + col) / format_.quant.group;
    if (is_mxfp4()) return std::ldexp(e2m1(code), std::to_integer<int>(scales_[group]) - 127);
    const double scale = load_f32(scales_.data(), format_.quant.scale_dtype, group);
    return scale * code + load_f32(biases_.data(), format_.quant.scale_dtype, group);
  }

 private:
  [[nodiscard]] bool is_mxfp4() const { return format_.quant.mode == QuantMode::kMxfp4; }

  void fill_all(Random& random) {
    if (!format_.is_quantized()) return fill(weights_, format_.dtype, 0.05f, random);
    for (std::byte& b : weights_) b = static_cast<std::byte>(random.bits() >> 32);
    if (is_mxfp4()) return fill_exponents(random);
    const float step = 0.2f / static_cast<float>(1 << format_.quant.bits);
    fill(scales_, format_.quant.scale_dtype, step, random);
    fill(biases_, format_.quant.scale_dtype, 0.05f, random);
  }

  // Decodes an E2M1 element by its fields: sign, two bits of exponent (0: subnormal), one bit of mantissa.
  static double e2m1(int code) {
    const int exponent = code >> 1 & 3;
    const double half = (code & 1) / 2.0;
    const double magnitude = exponent == 0 ? half : std::ldexp(1 + half, exponent - 1);
    return (code & 8) != 0 ? -magnitude : magnitude;
  }

  // E8M0 scales: 2^-8 to 2^-5, and some that are subnormal.
  void fill_exponents(Random& random) {
    for (std::byte& scale : scales_) {
      scale = static_cast<std::byte>(random.below(64) == 0 ? random.below(2) : 119 + random.below(4));
    }
  }
  static void fill(std::vector<std::byte>& out, DType dtype, float sigma, Random& random) {
    MOEBIUS_CHECK(is_float(dtype));
    for (int64_t i = 0; i < static_cast<int64_t>(out.size()) / size_bytes(dtype); ++i) {
      float value = random.normal(sigma);
      if (random.below(64) == 0) value = random.below(2) == 0 ? 0.0f : -0.0f;
      if (random.below(64) == 0) value *= dtype == DType::kF16 ? 0x1p-20f : 0x1p-130f;
      store_f32(out.data(), dtype, i, value);
    }
  }
  static void copy_rows(std::byte* out, const std::vector<std::byte>& from, int64_t row_bytes, int64_t first,
                        int64_t count) {
    if (row_bytes > 0) std::memcpy(out, from.data() + first * row_bytes, count * row_bytes);
  }

  int64_t rows_ = 0;
  int64_t cols_ = 0;
  WeightFormat format_;
  std::vector<std::byte> weights_, scales_, biases_;
};

inline WeightFormat dense(DType dtype) { return {dtype, {}}; }
inline WeightFormat affine(int bits, int group, DType scales = DType::kBF16) {
  return {DType::kU32, {bits, group, scales}};
}

inline WeightFormat mxfp4() { return {DType::kU32, kMxfp4}; }

// "3bit_g64_bf16", "mxfp4" or "f16": a part of a test's name.
inline std::string label(DType dtype) { return dtype == DType::kF32 ? "f32" : dtype == DType::kF16 ? "f16" : "bf16"; }
inline std::string label(const WeightFormat& format) {
  if (!format.is_quantized()) return label(format.dtype);
  const QuantFormat& a = format.quant;
  if (a.mode == QuantMode::kMxfp4) return "mxfp4";
  return fmt::format("{}bit_g{}_{}", a.bits, a.group, label(a.scale_dtype));
}

// Returns `count` values that are close to normally distributed.
inline std::vector<float> normals(int64_t count, uint64_t seed, float sigma = 1) {
  Random random(seed);
  std::vector<float> x(count);
  for (float& value : x) value = random.normal(sigma);
  return x;
}

// x [rows, cols]: normal values with outliers, zeros of both signs and subnormals. If there is room, one block of 64 is
// all zeros, one is below 2^-100, and one has exact halves as codes (ties of the rounding in N3).
inline std::vector<float> activations(int64_t rows, int64_t cols, uint64_t seed) {
  Random random(seed);
  std::vector<float> x(rows * cols);
  for (float& value : x) {
    value = random.normal();
    const int64_t kind = random.below(100);
    if (kind < 2) value *= 50.0f;
    if (kind == 2) value = 0.0f;
    if (kind == 3) value = -0.0f;
    if (kind == 4) value = value * 0x1p-135f;
  }
  const auto block = [&](int64_t b) { return b % (rows * cols / 64) * 64; };
  if (cols % 64 != 0 || x.size() < 4 * 64) return x;
  for (int64_t i = 0; i < 64; ++i) {
    x[block(1) + i] = i % 2 == 0 ? 0.0f : -0.0f;
    x[block(6) + i] *= 0x1p-110f;
    x[block(11) + i] = i == 0 ? 127.0f : static_cast<float>(i - 32) + 0.5f;
  }
  return x;
}

// activations() with an infinity in the middle and, if there is more than one row, a NaN in the last row.
inline std::vector<float> non_finite_activations(int64_t rows, int64_t cols, uint64_t seed) {
  std::vector<float> x = activations(rows, cols, seed);
  x[x.size() / 2] = -std::numeric_limits<float>::infinity();
  if (rows > 1) x.back() = std::numeric_limits<float>::quiet_NaN();
  return x;
}

// ---- on a backend

// tensor() makes a tensor with these values, output() a tensor for results, counts() a tensor of i32 values.
inline Tensor tensor(Backend& backend, const std::vector<float>& values, int64_t cols) {
  return backend.weights().upload_table(values, static_cast<int64_t>(values.size()) / cols, cols);
}
inline Tensor output(Backend& backend, int64_t rows, int64_t cols) {
  return backend.memory().allocate(DType::kF32, rows, cols);
}
inline Tensor counts(Backend& backend, const std::vector<int32_t>& values) {
  const Tensor x = backend.memory().allocate(DType::kI32, static_cast<int64_t>(values.size()), 1);
  backend.memory().write(x, values.data());
  return x;
}
inline Matrix upload(Backend& backend, const HostMatrix& w, ActivationKind kind = ActivationKind::kInt8) {
  return backend.weights().upload_matrix(w.spec(kind), w);
}

inline std::vector<float> to_host(Backend& backend, Tensor x) {
  std::vector<float> values(x.rows * x.cols);
  backend.memory().read(values.data(), x);
  return values;
}
inline std::vector<int32_t> to_host_i32(Backend& backend, Tensor x) {
  std::vector<int32_t> values(x.rows * x.cols);
  backend.memory().read(values.data(), x);
  return values;
}

// The experts of each row and their weights, [rows, slots].
struct Routes {
  int64_t slots = 0;
  std::vector<int32_t> ids = {};
  std::vector<float> weights = {};
  [[nodiscard]] int64_t rows() const { return static_cast<int64_t>(ids.size()) / slots; }
};
inline Routing routing_of(Backend& backend, const Routes& routes) {
  const Routing routing = backend.memory().allocate_routing(routes.rows(), routes.slots);
  backend.probes().write_routing(routing, routes.ids, routes.weights);
  return routing;
}
inline Routes read_routes(Backend& backend, Routing routing, int64_t rows, int64_t slots) {
  Routes routes = {slots, std::vector<int32_t>(rows * slots), std::vector<float>(rows * slots)};
  backend.probes().read_routing(routes.ids, routes.weights, routing);
  return routes;
}

// Limits for steps of `rows` rows. Each row may be a sequence of its own, and may need logits.
inline StepLimits limits_of(int64_t rows) { return {.rows = rows, .sequences = rows, .logit_rows = rows}; }
inline void reserve(Backend& backend, int64_t rows) { backend.operations().reserve(limits_of(rows)); }

// Stages a batch of one sequence without a state, for operations that read only its tokens or its logit rows.
inline Batch stage_tokens(Backend& backend, const std::vector<int32_t>& tokens,
                          const std::vector<int32_t>& logit_rows = {}) {
  const SequenceRows sequence = {.state = {}, .rows = static_cast<int64_t>(tokens.size())};
  return backend.operations().stage({.tokens = tokens, .sequences = {&sequence, 1}, .logit_rows = logit_rows});
}
inline Batch stage(Backend& backend, const std::vector<SequenceRows>& sequences) {
  return backend.operations().stage({.tokens = {}, .sequences = sequences, .logit_rows = {}});
}

}  // namespace moebius::internal::testing
