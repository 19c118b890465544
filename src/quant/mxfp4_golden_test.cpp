// Tests the decoding of mxfp4 against MLX's values, bit by bit. tests/golden/make_quant.py makes the file.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "quant/dequantize.h"
#include "quant/mxfp4.h"
#include "quant/testing/golden_file.h"

namespace moebius::internal {
namespace {

const testing::GoldenFile& golden() {
  static const testing::GoldenFile file("mxfp4.safetensors");
  return file;
}

class Mxfp4Golden : public ::testing::TestWithParam<const char*> {};

// All bits are compared but those of -0, which moebius decodes to 0 (N4).
TEST_P(Mxfp4Golden, decoded_bits_are_those_of_mlx) {
  const std::string name = GetParam();
  const std::string decoded = name + ".decoded";
  const int64_t cols = golden().cols(decoded);
  ASSERT_EQ(golden().cols(name + ".scales"), cols / kMxfp4.group);
  int64_t compared = 0;
  for (int64_t row = 0; row < golden().rows(decoded); ++row) {
    const QuantRow packed{golden().bytes(name + ".codes").data() + row * code_row_bytes(kMxfp4, cols),
                          golden().bytes(name + ".scales").data() + row * scale_row_bytes(kMxfp4, cols), nullptr};
    if (std::to_integer<int>(packed.scales[0]) > kMxfp4LargestScale) continue;  // only in `every`; loading refuses them
    std::vector<float> w(cols);
    dequantize_row(w, packed, kMxfp4);
    for (int64_t i = 0; i < cols; ++i, ++compared) {
      const float mlx = load_f32(golden().bytes(decoded).data(), DType::kF32, row * cols + i) + 0.0f;
      EXPECT_EQ(std::bit_cast<uint32_t>(w[i]), std::bit_cast<uint32_t>(mlx)) << "row " << row << " column " << i;
    }
  }
  EXPECT_GT(compared, 0);
}

INSTANTIATE_TEST_SUITE_P(Mlx, Mxfp4Golden, ::testing::Values("every", "f32", "f16", "bf16", "stack1", "stack3"),
                         [](const auto& file) { return std::string(file.param); });

}  // namespace
}  // namespace moebius::internal
