// Parity of the operations on rows: embed, gather_rows, argmax, rms_norm, add_rms_norm.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "backend/parity/testing/parity.h"

namespace moebius::parity {
namespace {

// Tables of every kind; ids repeat and reach the last row.
void embed(const WeightFormat& format, int64_t cols, Backend& backend, Results& results) {
  const int64_t rows = 37;
  const testing::HostMatrix w(rows, cols, format, 1);
  const Matrix table = backend.upload(w.spec(), w);
  const Tensor ids = testing::tensor(backend, std::vector<int32_t>{0, 36, 15, 16, 17, 15}, 1);
  const Tensor out = backend.allocate(DType::kF32, ids.rows, cols);
  backend.reserve(ids.rows);
  backend.embed(out, ids, table);
  results.add("rows", backend, out);
}

std::vector<ParityCase> embed_cases() {
  std::vector<ParityCase> cases;
  const auto add = [&](const WeightFormat& format, int64_t cols) {
    cases.push_back(single(fmt::format("{}_D{}", testing::label(format), cols),
                           [=](Backend& backend, Results& results) { embed(format, cols, backend, results); }));
  };
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const int64_t cols : {5, 64, 100}) add(testing::dense(dtype), cols);
    for (const int bits : {2, 3, 4, 5, 6, 8}) {
      for (const int group : {32, 64, 128}) add(testing::affine(bits, group, dtype), 5 * group);
    }
  }
  add(testing::mxfp4(), 5 * 32);
  return cases;
}

void norms(int64_t cols, Backend& backend, Results& results) {
  const Tensor x = testing::tensor(backend, testing::activations(kMaxTokens, cols, 1), cols);
  const Tensor bad = testing::tensor(backend, testing::non_finite_activations(kMaxTokens, cols, 2), cols);
  const Tensor zero = backend.allocate(DType::kF32, kMaxTokens, cols);
  const Tensor w = testing::tensor(backend, testing::normals(cols, 3), cols);
  const Tensor out = backend.allocate(DType::kF32, kMaxTokens, cols);
  backend.reserve(kMaxTokens);
  for (const int64_t tokens : kTokenCounts) {
    backend.rms_norm(out.first(tokens), x.first(tokens), w, 1e-6f);
    results.add(fmt::format("T{}", tokens), backend, out.first(tokens));
  }
  backend.rms_norm(out, bad, w, 1e-6f);
  results.add("non_finite", backend, out);
  backend.rms_norm(out, zero, w, 1e-6f);
  results.add("zero", backend, out);
  for (const int64_t tokens : {1, 5, 33}) {  // x accumulates in the residual
    backend.add_rms_norm(out.first(tokens), zero.first(tokens), x.first(tokens), w, 1e-5f);
    results.add(fmt::format("add_T{}", tokens), backend, out.first(tokens));
    results.add(fmt::format("residual_T{}", tokens), backend, zero);
  }
}

std::vector<ParityCase> norm_cases() {
  std::vector<ParityCase> cases;
  for (const int64_t cols : {1, 7, 15, 16, 17, 31, 33, 64, 100, 128, 1000, 2048}) {
    cases.push_back(
        single(fmt::format("D{}", cols), [=](Backend& backend, Results& results) { norms(cols, backend, results); }));
  }
  return cases;
}

void picks(int64_t cols, Backend& backend, Results& results) {
  std::vector<float> values = testing::non_finite_activations(6, cols, 1);
  for (int64_t i = 0; i < cols; ++i) values[i] = i % 3 == 1 ? 2.0f : 1.0f;          // ties
  for (int64_t i = 0; i < cols; ++i) values[cols + i] = i % 2 == 0 ? -0.0f : 0.0f;  // equal zeros
  std::fill_n(values.begin() + 2 * cols, cols, std::numeric_limits<float>::quiet_NaN());
  std::fill_n(values.begin() + 4 * cols, cols, -std::numeric_limits<float>::infinity());
  values[3 * cols - 1] = -3.0f;                                // after nothing but NaN
  values[4 * cols] = std::numeric_limits<float>::quiet_NaN();  // before nothing but -infinity
  const Tensor x = testing::tensor(backend, values, cols);
  const Tensor ids = testing::tensor(backend, std::vector<int32_t>{5, 0, 0, 3}, 1);
  const Tensor gathered = backend.allocate(DType::kF32, 4, cols);
  const Tensor best = backend.allocate(DType::kI32, 6, 1);
  const Tensor joined = backend.allocate(DType::kF32, 4, cols + 1);
  const Tensor column = testing::tensor(backend, std::vector<float>{1, 2, 3, 4}, 1);
  backend.reserve(6);
  backend.gather_rows(gathered, x, ids);
  results.add("gathered", backend, gathered);
  backend.concat(joined, gathered, column);
  results.add("joined", backend, joined);
  backend.argmax(best, x);
  results.add("argmax", backend, best);
}

std::vector<ParityCase> pick_cases() {
  std::vector<ParityCase> cases;
  for (const int64_t cols : {2, 16, 17, 100, 1000}) {
    cases.push_back(
        single(fmt::format("V{}", cols), [=](Backend& backend, Results& results) { picks(cols, backend, results); }));
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Embed, Parity, every_isa(embed_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(Norm, Parity, every_isa(norm_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(GatherAndArgmax, Parity, every_isa(pick_cases()), test_name);

}  // namespace
}  // namespace moebius::parity
