// Parity of linear(): every weight format with both kinds of activations, outputs and inputs that fill no block, sums
// at their largest, and several projections of one x.
#include <fmt/format.h>

#include <algorithm>

#include "backend/parity/testing/parity.h"

namespace moebius::parity {
namespace {

struct Shape {
  int64_t outputs, inputs;
};

// Inputs of every token count, made before reserve().
struct Batch {
  Batch(Backend& backend, int64_t cols) {
    for (const int64_t tokens : kTokenCounts) {
      inputs.push_back(
          testing::tensor(backend, testing::activations(tokens, cols, static_cast<uint64_t>(tokens)), cols));
    }
    inputs.push_back(testing::tensor(backend, testing::non_finite_activations(3, cols, 100), cols));
  }
  std::vector<Tensor> inputs;
};

void linear(const std::vector<testing::HostMatrix>& matrices, ActivationKind kind, Backend& backend, Results& results) {
  std::vector<Projection> projections;
  for (const testing::HostMatrix& w : matrices) {
    const Matrix matrix = backend.upload(w.spec(kind), w);
    projections.push_back({backend.allocate(DType::kF32, kMaxTokens, w.rows()), matrix});
  }
  const Batch batch(backend, matrices.front().cols());
  backend.reserve(kMaxTokens);
  for (const Tensor& x : batch.inputs) {
    std::vector<Projection> step = projections;
    for (Projection& p : step) p.out = p.out.first(x.rows);
    backend.linear(step, x);
    const bool last = x.data == batch.inputs.back().data;
    const std::string tokens = last ? "non_finite" : fmt::format("T{}", x.rows);
    for (size_t i = 0; i < step.size(); ++i) results.add(fmt::format("{}_p{}", tokens, i), backend, step[i].out);
  }
}

ParityCase linear_case(const WeightFormat& format, ActivationKind kind, const Shape& shape) {
  const std::string name = fmt::format("{}_{}_N{}_K{}", testing::label(format),
                                       kind == ActivationKind::kInt8 ? "int8" : "float", shape.outputs, shape.inputs);
  return single(name, [=](Backend& backend, Results& results) {
    linear({testing::HostMatrix(shape.outputs, shape.inputs, format, 1)}, kind, backend, results);
  });
}

// Activations of one magnitude: every code is 127 or -127.
void largest_sums(const WeightFormat& format, Backend& backend, Results& results) {
  constexpr int64_t kCols = 256;
  testing::HostMatrix w(16, kCols, format, 1);
  w.fill_with_largest_codes();
  const Matrix matrix = backend.upload(w.spec(), w);
  std::vector<float> x(kMaxTokens * kCols, 1.0f);
  std::fill_n(x.begin(), kCols, -1.0f);
  const Tensor in = testing::tensor(backend, x, kCols);
  const Tensor out = backend.allocate(DType::kF32, kMaxTokens, w.rows());
  backend.reserve(kMaxTokens);
  for (const int64_t tokens : kTokenCounts) {
    backend.linear(std::vector<Projection>{{out.first(tokens), matrix}}, in.first(tokens));
    results.add(fmt::format("T{}", tokens), backend, out.first(tokens));
  }
}

std::vector<ParityCase> largest_sum_cases() {
  std::vector<WeightFormat> formats = {testing::mxfp4()};
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group : {32, 64}) formats.push_back(testing::affine(bits, group));
  }
  std::vector<ParityCase> cases;
  for (const WeightFormat& format : formats) {
    cases.push_back(single(testing::label(format),
                           [=](Backend& backend, Results& results) { largest_sums(format, backend, results); }));
  }
  return cases;
}

std::vector<ParityCase> linear_cases() {
  std::vector<ParityCase> cases;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const Shape& shape :
         {Shape{37, 1}, Shape{1, 5}, Shape{16, 64}, Shape{17, 100}, Shape{33, 513}, Shape{48, 1040}}) {
      cases.push_back(linear_case(testing::dense(dtype), ActivationKind::kF32, shape));
    }
    for (const int bits : {2, 3, 4, 5, 6, 8}) {
      for (const int group : {32, 64, 128}) {
        // One group; an odd number of groups; across a segment of 512 inputs with a remainder.
        for (const Shape& shape : {Shape{1, group}, Shape{16, 3 * group}, Shape{37, 512 + 5 * group}}) {
          cases.push_back(linear_case(testing::affine(bits, group, dtype), ActivationKind::kInt8, shape));
          cases.push_back(linear_case(testing::affine(bits, group, dtype), ActivationKind::kF32, shape));
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

// The projections of a linear-attention layer and of other shapes: formats may differ, x is quantized once.
std::vector<ParityCase> projection_cases() {
  const auto mixed = [](Backend& backend, Results& results) {
    linear({testing::HostMatrix(130, 640, testing::affine(3, 64), 1),
            testing::HostMatrix(4, 640, testing::affine(8, 64), 2),
            testing::HostMatrix(70, 640, testing::dense(DType::kBF16), 3),
            testing::HostMatrix(1, 640, testing::affine(2, 128), 4),
            testing::HostMatrix(33, 640, testing::affine(6, 32, DType::kF16), 5),
            testing::HostMatrix(20, 640, testing::mxfp4(), 6)},
           ActivationKind::kInt8, backend, results);
  };
  const auto dense = [](Backend& backend, Results& results) {
    linear({testing::HostMatrix(50, 100, testing::dense(DType::kF32), 1),
            testing::HostMatrix(3, 100, testing::dense(DType::kF16), 2)},
           ActivationKind::kInt8, backend, results);
  };
  const auto layer = [](Backend& backend, Results& results) {  // in_proj of the 35B, fewer rows
    linear({testing::HostMatrix(520, 2048, testing::affine(3, 64), 1),
            testing::HostMatrix(256, 2048, testing::affine(3, 64), 2)},
           ActivationKind::kInt8, backend, results);
  };
  return {single("mixed_formats", mixed), single("dense_only", dense), single("layer_35b", layer)};
}

INSTANTIATE_TEST_SUITE_P(Linear, Parity, every_isa(linear_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(LargestSums, Parity, every_isa(largest_sum_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(Projections, Parity, every_isa(projection_cases()), test_name);

}  // namespace
}  // namespace moebius::parity
