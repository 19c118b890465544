// The parity table. A case is a small program over a Backend, in several variants (chunked, batched, another expert
// path). Every variant must give the same bits on every candidate (candidates.h) as the first variant on the reference
// backend. The harness is in parity_test.cpp; the cases are in the other files of this folder.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "backend/backend.h"
#include "backend/parity/testing/candidates.h"
#include "backend/testing/support.h"

namespace moebius::internal::testing {

// The row counts that kernels specialise for, and their neighbours.
inline constexpr int64_t kTokenCounts[] = {1, 2, 3, 4, 5, 8, 15, 16, 17, 33};
inline constexpr int64_t kMaxTokens = 33;

// One output of a program, as the bits of its elements. All NaN are recorded as the same NaN, because which NaN an
// instruction returns depends on the order of its operands.
struct RecordedOutput {
  std::string name;
  DType dtype;
  int64_t cols;
  std::vector<uint32_t> bits;
};

class Results {
 public:
  void add(const std::string& name, Backend& backend, Tensor x);
  void add(const std::string& name, const std::vector<float>& values, int64_t cols);
  void add(const std::string& name, const Routes& routes);
  [[nodiscard]] const std::vector<RecordedOutput>& outputs() const { return outputs_; }

 private:
  std::vector<RecordedOutput> outputs_;
};

struct Variant {
  std::string name;
  std::function<void(Backend&, Results&)> run;
};

struct ParityCase {
  std::string name;  // letters, digits and underscores: it ends up in the test's name
  std::vector<Variant> variants;
};

inline ParityCase single(std::string name, std::function<void(Backend&, Results&)> run) {
  return {std::move(name), {{"", std::move(run)}}};
}

using ParityParam = std::tuple<ParityCase, Candidate>;

// Instantiated once per family of operations:
//   INSTANTIATE_TEST_SUITE_P(Linear, Parity, on_every_candidate(linear_cases()), test_name);
class Parity : public ::testing::TestWithParam<ParityParam> {};

inline auto on_every_candidate(const std::vector<ParityCase>& cases) {
  return ::testing::Combine(::testing::ValuesIn(cases), ::testing::ValuesIn(candidates()));
}

std::string test_name(const ::testing::TestParamInfo<ParityParam>& param);
void PrintTo(const ParityCase& parity_case, std::ostream* out);
void PrintTo(const Candidate& candidate, std::ostream* out);

}  // namespace moebius::internal::testing
