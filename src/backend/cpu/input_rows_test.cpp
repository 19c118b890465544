// Tests which codes an operation reads. src/backend/parity/ tests that results have the right bits.
#include "backend/cpu/input_rows.h"

#include <gtest/gtest.h>

#include <vector>

#include "backend/tensor_memory.h"

namespace moebius::internal::cpu {
namespace {

constexpr int64_t kRows = 2, kCols = 128;

class InputRowsTest : public ::testing::Test {
 protected:
  InputRowsTest() {
    x_ = memory_.allocate(DType::kF32, kRows, kCols);
    memory_.write(x_, std::vector<float>(kRows * kCols, 1.5f).data());
    handle_ = memory_.allocate_quantized(kRows, kCols);
    inputs_.reserve(kRows, kCols);
  }

  // The codes of a row that the operation before has written.
  const int8_t* handed_codes(int64_t row) { return memory_.handed(handle_)->storage.in(row, nullptr).q; }

  Workers workers_{portable_kernels(), 1};
  CpuMemory memory_{workers_};
  InputRows inputs_{workers_, memory_};
  Tensor x_;
  QuantizedRows handle_;
};

TEST_F(InputRowsTest, takes_the_codes_that_it_is_handed) {
  memory_.handed(handle_)->of = f32(x_);
  const auto rows = inputs_.prepare({.x = x_, .quantized = handle_}, InputRows::Form::kF32AndInt8);
  for (int64_t row = 0; row < kRows; ++row) EXPECT_EQ(rows[static_cast<size_t>(row)].q, handed_codes(row));
}

TEST_F(InputRowsTest, makes_its_own_codes_when_none_were_handed_or_they_are_of_other_rows) {
  const Tensor other = memory_.allocate(DType::kF32, kRows, kCols);
  for (const float* of : {static_cast<const float*>(nullptr), static_cast<const float*>(f32(other))}) {
    memory_.handed(handle_)->of = of;
    const auto rows = inputs_.prepare({.x = x_, .quantized = handle_}, InputRows::Form::kF32AndInt8);
    EXPECT_NE(rows[0].q, handed_codes(0));
    EXPECT_EQ(rows[0].q[0], 127);  // all inputs of the block are equal, so each has the largest code
  }
}

}  // namespace
}  // namespace moebius::internal::cpu
