// Packed weights are kept on disk (load/packed_file.h), so the packed bytes are a file format.
#include "backend/cpu/pack.h"

#include <gtest/gtest.h>

#include "backend/testing/support.h"
#include "base/hash.h"

namespace moebius::internal::cpu {
namespace {

// A fingerprint of the packed bytes of a matrix in each format.
std::string packed_fingerprint(const std::vector<WeightFormat>& formats) {
  std::string checksums;
  for (const WeightFormat& format : formats) {
    constexpr int64_t kRows = 40;  // the last block is not full
    constexpr int64_t kCols = 256;
    const testing::HostMatrix matrix(kRows, kCols, format, 1);
    std::vector<uint8_t> bytes(static_cast<size_t>(block_bytes(format, kCols) * 3));
    Packer().pack(view_of(format, kRows, kCols, bytes.data()), format, matrix, 0, kRows, 0);
    checksums += checksum(std::as_bytes(std::span(bytes)));
  }
  return fingerprint(checksums);
}

TEST(Pack, the_bytes_change_with_the_name_of_the_layout_and_not_otherwise) {
  constexpr const char* kAdvice =
      "packed bytes changed: files made before would be read wrongly, so change kLayoutName and this fingerprint";
  std::vector<WeightFormat> formats = {testing::dense(DType::kF32), testing::dense(DType::kF16),
                                       testing::dense(DType::kBF16)};
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group : {32, 64, 128}) formats.push_back(testing::affine(bits, group));
  }
  EXPECT_EQ(packed_fingerprint(formats), "78b606e0bef53162654af3255c2b1163") << kAdvice;
  EXPECT_EQ(packed_fingerprint({testing::mxfp4()}), "e99a34f4397a3426da527d90955d46af") << kAdvice;
  EXPECT_EQ(kLayoutName, "cpu, blocks of 16 rows, 1");
}

TEST(Pack, nothing_is_larger_than_its_source_but_for_the_rows_of_the_last_block) {
  for (const WeightFormat& format : {testing::dense(DType::kBF16), testing::affine(3, 64), testing::mxfp4()}) {
    EXPECT_EQ(block_bytes(format, 320), testing::HostMatrix(kLanes, 320, format, 1).bytes()) << testing::label(format);
  }
}

}  // namespace
}  // namespace moebius::internal::cpu
