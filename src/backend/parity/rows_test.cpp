// Parity of the operations on rows: embed, gather_logit_rows, concat, rms_norm.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "backend/parity/testing/parity.h"

namespace moebius::internal::testing {
namespace {

// Embeds ids that repeat and that reach the last row.
void embed(const WeightFormat& format, int64_t cols, Backend& backend, Results& results) {
  const int64_t rows = 37;
  const HostMatrix w(rows, cols, format, 1);
  const Matrix table = upload(backend, w);
  const std::vector<int32_t> tokens = {0, 36, 15, 16, 17, 15};
  const Tensor out = output(backend, std::ssize(tokens), cols);
  reserve(backend, out.rows);
  backend.operations().embed(out, stage_tokens(backend, tokens), table);
  results.add("rows", backend, out);
}

std::vector<ParityCase> embed_cases() {
  std::vector<ParityCase> cases;
  const auto add = [&](const WeightFormat& format, int64_t cols) {
    cases.push_back(single(fmt::format("{}_D{}", label(format), cols),
                           [=](Backend& backend, Results& results) { embed(format, cols, backend, results); }));
  };
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (const int64_t cols : {5, 64, 100}) add(dense(dtype), cols);
    for (const int bits : {2, 3, 4, 5, 6, 8}) {
      for (const int group : {32, 64, 128}) add(affine(bits, group, dtype), 5 * group);
    }
  }
  add(mxfp4(), 5 * 32);
  return cases;
}

void norms(int64_t cols, Backend& backend, Results& results) {
  const Tensor x = tensor(backend, activations(kMaxTokens, cols, 1), cols);
  const Tensor bad = tensor(backend, non_finite_activations(kMaxTokens, cols, 2), cols);
  const Tensor zero = output(backend, kMaxTokens, cols);
  const Norm norm = {tensor(backend, normals(cols, 3), cols), 1e-6f};
  const Tensor out = output(backend, kMaxTokens, cols);
  reserve(backend, kMaxTokens);
  for (const int64_t tokens : kTokenCounts) {
    backend.operations().rms_norm(out.first(tokens), x.first(tokens), norm);
    results.add(fmt::format("T{}", tokens), backend, out.first(tokens));
  }
  backend.operations().rms_norm(out, bad, norm);
  results.add("non_finite", backend, out);
  backend.operations().rms_norm(out, zero, norm);
  results.add("zero", backend, out);
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
  const HostMatrix wide(1, cols, dense(DType::kF32), 5);  // makes reserve() allocate for rows of this width
  upload(backend, wide);
  const Tensor x = tensor(backend, non_finite_activations(6, cols, 1), cols);
  const Tensor gathered = output(backend, 4, cols);
  const Tensor joined = output(backend, 4, cols + 1);
  const Tensor column = tensor(backend, {1, 2, 3, 4}, 1);
  const Norm norm = {tensor(backend, normals(cols, 3), cols), 1e-6f};
  reserve(backend, 6);
  const Batch batch = stage_tokens(backend, {0, 0, 0, 0, 0, 0}, {0, 0, 3, 5});
  backend.operations().gather_logit_rows(gathered, x, batch);
  results.add("gathered", backend, gathered);
  backend.operations().concat(joined, {gathered}, {column});
  results.add("joined", backend, joined);
  backend.operations().concat(joined, {gathered, norm}, {column});
  results.add("normed", backend, joined);
}

std::vector<ParityCase> pick_cases() {
  std::vector<ParityCase> cases;
  for (const int64_t cols : {2, 16, 17, 100, 1000}) {
    cases.push_back(
        single(fmt::format("V{}", cols), [=](Backend& backend, Results& results) { picks(cols, backend, results); }));
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Embed, Parity, on_every_candidate(embed_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(Norm, Parity, on_every_candidate(norm_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(GatherAndConcat, Parity, on_every_candidate(pick_cases()), test_name);

}  // namespace
}  // namespace moebius::internal::testing
