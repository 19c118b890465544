// The harness of the parity table: runs a case on the reference and on the CPU backend and compares bits.
#include "backend/parity/testing/parity.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <ostream>

#include "backend/reference/reference.h"

namespace moebius::parity {
namespace {

constexpr int kThreadCounts[] = {1, 2, 3};

bool is_nan(uint32_t bits) { return (bits & 0x7fffffff) > 0x7f800000; }

// The same bits, or both NaN: which NaN an instruction returns depends on the order of its operands.
bool same(DType dtype, uint32_t a, uint32_t b) { return a == b || (dtype == DType::kF32 && is_nan(a) && is_nan(b)); }

// "1.5 (0x3fc00000)" or "17"
std::string describe(DType dtype, uint32_t bits) {
  if (dtype != DType::kF32) return fmt::format("{}", std::bit_cast<int32_t>(bits));
  return fmt::format("{:.9g} ({:#010x})", std::bit_cast<float>(bits), bits);
}

// Empty when equal; otherwise the first element that differs.
std::string difference(const Output& expected, const Output& got) {
  if (expected.name != got.name || expected.bits.size() != got.bits.size()) {
    return fmt::format("{} of {} elements, expected {} of {}", got.name, got.bits.size(), expected.name,
                       expected.bits.size());
  }
  int64_t first = -1;
  int64_t count = 0;
  for (size_t i = 0; i < got.bits.size(); ++i) {
    if (same(got.dtype, expected.bits[i], got.bits[i])) continue;
    first = first < 0 ? static_cast<int64_t>(i) : first;
    ++count;
  }
  if (count == 0) return "";
  return fmt::format("{}[{}, {}] is {}, reference {}; {} of {} elements differ", got.name, first / got.cols,
                     first % got.cols, describe(got.dtype, got.bits[first]), describe(got.dtype, expected.bits[first]),
                     count, got.bits.size());
}

// Instruction sets of one case follow each other, so the last case's results are the ones that are wanted again.
const Results& reference_results(const ParityCase& parity_case) {
  static std::string last;
  static Results results;
  const std::string key = ::testing::UnitTest::GetInstance()->current_test_info()->test_suite_name() + parity_case.name;
  if (last != key) {
    results = {};
    const std::unique_ptr<Backend> backend = make_reference_backend(false);
    parity_case.variants.front().run(*backend, results);
    last = key;
  }
  return results;
}

void expect_same(const Results& expected, const Results& got, const std::string& where) {
  ASSERT_EQ(expected.outputs().size(), got.outputs().size()) << where;
  for (size_t i = 0; i < got.outputs().size(); ++i) {
    const std::string message = difference(expected.outputs()[i], got.outputs()[i]);
    EXPECT_TRUE(message.empty()) << where << ": " << message;
  }
}

}  // namespace

void Results::add(const std::string& output, Backend& backend, Tensor x) {
  Output result{output, x.dtype, x.cols, std::vector<uint32_t>(x.rows * x.cols)};
  backend.read(result.bits.data(), x);
  outputs_.push_back(std::move(result));
}

void Results::add(const std::string& output, const std::vector<float>& values, int64_t cols) {
  Output result{output, DType::kF32, cols, {}};
  for (const float value : values) result.bits.push_back(std::bit_cast<uint32_t>(value));
  outputs_.push_back(std::move(result));
}

std::string test_name(const ::testing::TestParamInfo<ParityParam>& param) {
  return fmt::format("{}_{}", std::get<0>(param.param).name, name(std::get<1>(param.param)));
}

void PrintTo(const ParityCase& parity_case, std::ostream* out) { *out << parity_case.name; }

TEST_P(Parity, has_the_bits_of_the_reference) {
  const auto& [parity_case, isa] = GetParam();
  const std::vector<Isa> available = available_isas();
  if (std::find(available.begin(), available.end(), isa) == available.end()) {
    GTEST_SKIP() << "NOT TESTED: this machine lacks " << name(isa);
  }
  const Results& expected = reference_results(parity_case);
  for (const int threads : kThreadCounts) {
    for (const Variant& variant : parity_case.variants) {
      const std::unique_ptr<Backend> backend = make_cpu_backend({.isa = isa, .threads = threads});
      Results got;
      variant.run(*backend, got);
      const std::string where =
          fmt::format("{}, {} threads{}{}", name(isa), threads, variant.name.empty() ? "" : ", ", variant.name);
      expect_same(expected, got, where);
    }
  }
}

}  // namespace moebius::parity
