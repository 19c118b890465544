// The harness of the parity table: runs a case on the reference and on a candidate, and compares bits.
#include "backend/parity/testing/parity.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <ostream>

#include "backend/cpu/cpu.h"
#include "backend/reference/reference.h"

namespace moebius::internal::testing {
namespace {

constexpr int kThreadCounts[] = {1, 2, 3};
constexpr uint32_t kNan = 0x7fc00000;

Candidate cpu_candidate(InstructionSet isa) {
  Candidate candidate = {.name = std::string(name(isa)), .missing = "", .variants = {}};
  const std::vector<InstructionSet> available = available_isas();
  if (std::ranges::find(available, isa) == available.end()) candidate.missing = "this machine lacks " + candidate.name;
  for (const int threads : kThreadCounts) {
    candidate.variants.push_back(
        {fmt::format("{} threads", threads), [=] { return make_cpu_backend({.isa = isa, .threads = threads}); }});
  }
  return candidate;
}

uint32_t with_one_nan(uint32_t bits) { return (bits & 0x7fffffff) > 0x7f800000 ? kNan : bits; }

// Returns text such as "1.5 (0x3fc00000)" for f32, or "17" for i32.
std::string describe(DType dtype, uint32_t bits) {
  if (dtype != DType::kF32) return fmt::format("{}", std::bit_cast<int32_t>(bits));
  return fmt::format("{:.9g} ({:#010x})", std::bit_cast<float>(bits), bits);
}

bool is_same(const RecordedOutput& a, const RecordedOutput& b) {
  return a.name == b.name && a.bits.size() == b.bits.size() &&
         std::memcmp(a.bits.data(), b.bits.data(), a.bits.size() * sizeof(uint32_t)) == 0;
}

// Describes how two outputs differ: the first element that differs, and how many elements differ.
std::string difference(const RecordedOutput& expected, const RecordedOutput& got) {
  if (expected.name != got.name || expected.bits.size() != got.bits.size()) {
    return fmt::format("{} of {} elements, expected {} of {}", got.name, got.bits.size(), expected.name,
                       expected.bits.size());
  }
  const auto first = std::ranges::mismatch(expected.bits, got.bits).in1 - expected.bits.begin();
  int64_t count = 0;
  for (size_t i = 0; i < got.bits.size(); ++i) count += expected.bits[i] == got.bits[i] ? 0 : 1;
  return fmt::format("{}[{}, {}] is {}, reference {}; {} of {} elements differ", got.name, first / got.cols,
                     first % got.cols, describe(got.dtype, got.bits[first]), describe(got.dtype, expected.bits[first]),
                     count, got.bits.size());
}

// Runs the reference, and keeps the results of the last case: the candidates of one case follow each other.
const Results& reference_results(const ParityCase& parity_case) {
  static std::string last;
  static Results results;
  const std::string key = ::testing::UnitTest::GetInstance()->current_test_info()->test_suite_name() + parity_case.name;
  if (last != key) {
    results = {};
    const std::unique_ptr<Backend> backend = make_reference_backend();
    parity_case.variants.front().run(*backend, results);
    last = key;
  }
  return results;
}

void expect_same(const Results& expected, const Results& got, const std::string& where) {
  ASSERT_EQ(expected.outputs().size(), got.outputs().size()) << where;
  for (size_t i = 0; i < got.outputs().size(); ++i) {
    if (is_same(expected.outputs()[i], got.outputs()[i])) continue;
    ADD_FAILURE() << where << ": " << difference(expected.outputs()[i], got.outputs()[i]);
  }
}

}  // namespace

const std::vector<Candidate>& candidates() {
  static const std::vector<Candidate> all = {cpu_candidate(InstructionSet::kPortable),
                                             cpu_candidate(InstructionSet::kAvx2),
                                             cpu_candidate(InstructionSet::kAvx512)};
  return all;
}

void Results::add(const std::string& output, Backend& backend, Tensor x) {
  RecordedOutput result{output, x.dtype, x.cols, std::vector<uint32_t>(x.rows * x.cols)};
  backend.memory().read(result.bits.data(), x);
  if (x.dtype == DType::kF32) std::ranges::transform(result.bits, result.bits.begin(), with_one_nan);
  outputs_.push_back(std::move(result));
}

void Results::add(const std::string& output, const std::vector<float>& values, int64_t cols) {
  RecordedOutput result{output, DType::kF32, cols, {}};
  for (const float value : values) result.bits.push_back(with_one_nan(std::bit_cast<uint32_t>(value)));
  outputs_.push_back(std::move(result));
}

void Results::add(const std::string& output, const Routes& routes) {
  RecordedOutput ids{output + "_ids", DType::kI32, routes.slots, {}};
  for (const int32_t id : routes.ids) ids.bits.push_back(std::bit_cast<uint32_t>(id));
  outputs_.push_back(std::move(ids));
  add(output + "_weights", routes.weights, routes.slots);
}

std::string test_name(const ::testing::TestParamInfo<ParityParam>& param) {
  return fmt::format("{}_{}", std::get<0>(param.param).name, std::get<1>(param.param).name);
}

void PrintTo(const ParityCase& parity_case, std::ostream* out) { *out << parity_case.name; }
void PrintTo(const Candidate& candidate, std::ostream* out) { *out << candidate.name; }

TEST_P(Parity, has_the_bits_of_the_reference) {
  const auto& [parity_case, candidate] = GetParam();
  if (!candidate.missing.empty()) GTEST_SKIP() << "NOT TESTED: " << candidate.missing;
  const Results& expected = reference_results(parity_case);
  for (const Candidate::Variant& way : candidate.variants) {
    for (const Variant& variant : parity_case.variants) {
      const std::unique_ptr<Backend> backend = way.make();
      Results got;
      variant.run(*backend, got);
      expect_same(expected, got,
                  fmt::format("{}, {}{}{}", candidate.name, way.name, variant.name.empty() ? "" : ", ", variant.name));
    }
  }
}

}  // namespace moebius::internal::testing
