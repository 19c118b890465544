// Packed weights are kept on disk (engine/packed_file.h), so their bytes are a format.
#include "backend/cpu/pack.h"

#include <gtest/gtest.h>

#include "backend/test_support.h"
#include "base/hash.h"

namespace moebius::cpu {
namespace {

TEST(Pack, TheBytesChangeWithTheNameOfTheLayoutAndNotOtherwise) {
  std::vector<WeightFormat> formats = {test::dense(DType::kF32), test::dense(DType::kF16), test::dense(DType::kBF16)};
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group : {32, 64, 128}) formats.push_back(test::affine(bits, group));
  }
  std::string checksums;
  for (const WeightFormat& format : formats) {
    constexpr int64_t kRows = 40;  // the last block is not full
    constexpr int64_t kCols = 256;
    const test::HostMatrix matrix(kRows, kCols, format, 1);
    std::vector<uint8_t> bytes(static_cast<size_t>(block_bytes(format, kCols) * 3));
    Packer().pack(view_of(format, kRows, kCols, bytes.data()), format, matrix, 0, kRows, 0);
    checksums += checksum(std::as_bytes(std::span(bytes)));
  }
  EXPECT_EQ(fingerprint(checksums), "78b606e0bef53162654af3255c2b1163")
      << "packed bytes changed: files made before would be read wrongly, so change kLayoutName and this fingerprint";
  EXPECT_EQ(kLayoutName, "cpu, blocks of 16 rows, 1");
}

}  // namespace
}  // namespace moebius::cpu
