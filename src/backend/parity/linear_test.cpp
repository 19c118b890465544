// Parity of linear(): every weight format with both kinds of activations, outputs and inputs that fill no block, the
// largest possible sums, and several projections of one x.
#include <fmt/format.h>

#include <algorithm>

#include "backend/parity/testing/parity.h"

namespace moebius::internal::testing {
namespace {

struct Shape {
  int64_t outputs, inputs;
};

// Inputs of every token count, and inputs with infinities and NaN.
std::vector<std::pair<std::string, Tensor>> inputs(Backend& backend, int64_t cols) {
  std::vector<std::pair<std::string, Tensor>> all;
  for (const int64_t tokens : kTokenCounts) {
    all.emplace_back(fmt::format("T{}", tokens),
                     tensor(backend, activations(tokens, cols, static_cast<uint64_t>(tokens)), cols));
  }
  all.emplace_back("non_finite", tensor(backend, non_finite_activations(3, cols, 100), cols));
  return all;
}

void linear(const std::vector<HostMatrix>& matrices, ActivationKind kind, Backend& backend, Results& results) {
  std::vector<Projection> projections;
  for (const HostMatrix& w : matrices) {
    const Matrix matrix = upload(backend, w, kind);
    projections.push_back({{output(backend, kMaxTokens, w.rows())}, matrix});
  }
  const int64_t cols = matrices.front().cols();
  const Norm norm = {tensor(backend, normals(cols, 50), cols), 1e-6f};
  const auto all_inputs = inputs(backend, cols);
  reserve(backend, kMaxTokens);
  const auto step = [&](const std::string& name, const Input& x, Write write) {
    std::vector<Projection> now = projections;
    for (Projection& p : now) p.out = {p.out.x.first(x.x.rows), write};
    backend.operations().linear(now, x);
    for (size_t i = 0; i < now.size(); ++i) results.add(fmt::format("{}_p{}", name, i), backend, now[i].out.x);
  };
  for (const auto& [name, x] : all_inputs) {
    step(name, {x}, Write::kReplace);
    if (x.rows == 5 || x.rows == 33) step(name + "_normed_and_added", {x, norm}, Write::kAdd);
  }
}

ParityCase linear_case(const WeightFormat& format, ActivationKind kind, const Shape& shape) {
  const std::string name = fmt::format("{}_{}_N{}_K{}", label(format), kind == ActivationKind::kInt8 ? "int8" : "float",
                                       shape.outputs, shape.inputs);
  return single(name, [=](Backend& backend, Results& results) {
    linear({HostMatrix(shape.outputs, shape.inputs, format, 1)}, kind, backend, results);
  });
}

// Activations of one magnitude: every code is 127 or -127.
void largest_sums(const WeightFormat& format, Backend& backend, Results& results) {
  constexpr int64_t kCols = 256;
  HostMatrix w(16, kCols, format, 1);
  w.fill_with_largest_codes();
  const Matrix matrix = upload(backend, w);
  std::vector<float> x(kMaxTokens * kCols, 1.0f);
  std::fill_n(x.begin(), kCols, -1.0f);
  const Tensor in = tensor(backend, x, kCols);
  const Tensor out = output(backend, kMaxTokens, w.rows());
  reserve(backend, kMaxTokens);
  for (const int64_t tokens : kTokenCounts) {
    const Projection projection = {{out.first(tokens)}, matrix};
    backend.operations().linear({&projection, 1}, {in.first(tokens)});
    results.add(fmt::format("T{}", tokens), backend, out.first(tokens));
  }
}

std::vector<ParityCase> largest_sum_cases() {
  std::vector<WeightFormat> formats = {mxfp4()};
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group : {32, 64}) formats.push_back(affine(bits, group));
  }
  std::vector<ParityCase> cases;
  for (const WeightFormat& format : formats) {
    cases.push_back(
        single(label(format), [=](Backend& backend, Results& results) { largest_sums(format, backend, results); }));
  }
  return cases;
}

std::vector<ParityCase> linear_cases() {
  std::vector<ParityCase> cases;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const Shape& shape :
         {Shape{37, 1}, Shape{1, 5}, Shape{16, 64}, Shape{17, 100}, Shape{33, 513}, Shape{48, 1040}}) {
      cases.push_back(linear_case(dense(dtype), ActivationKind::kF32, shape));
    }
    for (const int bits : {2, 3, 4, 5, 6, 8}) {
      for (const int group : {32, 64, 128}) {
        // The shapes have one group, an odd number of groups, and more inputs than a segment of 512 with a remainder.
        for (const Shape& shape : {Shape{1, group}, Shape{16, 3 * group}, Shape{37, 512 + 5 * group}}) {
          cases.push_back(linear_case(affine(bits, group, dtype), ActivationKind::kInt8, shape));
          cases.push_back(linear_case(affine(bits, group, dtype), ActivationKind::kF32, shape));
        }
      }
    }
  }
  const WeightFormat mxfp4 = testing::mxfp4();
  for (const Shape& shape : {Shape{1, 32}, Shape{16, 96}, Shape{37, 512 + 5 * 32}, Shape{50, 2048}}) {
    cases.push_back(linear_case(mxfp4, ActivationKind::kInt8, shape));
    cases.push_back(linear_case(mxfp4, ActivationKind::kF32, shape));
  }
  return cases;
}

// Several projections in one call: the shapes of a linear-attention layer, and others. Formats may differ; x is
// quantized once.
std::vector<ParityCase> projection_cases() {
  const auto mixed = [](Backend& backend, Results& results) {
    linear({HostMatrix(130, 640, affine(3, 64), 1), HostMatrix(4, 640, affine(8, 64), 2),
            HostMatrix(70, 640, dense(DType::kBF16), 3), HostMatrix(1, 640, affine(2, 128), 4),
            HostMatrix(33, 640, affine(6, 32, DType::kF16), 5), HostMatrix(20, 640, mxfp4(), 6)},
           ActivationKind::kInt8, backend, results);
  };
  const auto unquantized = [](Backend& backend, Results& results) {
    linear({HostMatrix(50, 100, dense(DType::kF32), 1), HostMatrix(3, 100, dense(DType::kF16), 2)},
           ActivationKind::kInt8, backend, results);
  };
  const auto layer = [](Backend& backend, Results& results) {  // in_proj of the 35B model, with fewer rows
    linear({HostMatrix(520, 2048, affine(3, 64), 1), HostMatrix(256, 2048, affine(3, 64), 2)}, ActivationKind::kInt8,
           backend, results);
  };
  return {single("mixed_formats", mixed), single("dense_only", unquantized), single("layer_35b", layer)};
}

INSTANTIATE_TEST_SUITE_P(Linear, Parity, on_every_candidate(linear_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(LargestSums, Parity, on_every_candidate(largest_sum_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(Projections, Parity, on_every_candidate(projection_cases()), test_name);

}  // namespace
}  // namespace moebius::internal::testing
