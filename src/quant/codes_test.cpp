// Bit streams on examples small enough to check by hand.
#include "quant/codes.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "quant/testing/hex.h"

namespace moebius::internal {
namespace {

constexpr int kWidths[] = {2, 3, 4, 5, 6, 8};

TEST(Pack, counting_up_gives_the_bytes_of_the_specification) {
  struct Case {
    int bits;
    const char* bytes;
  };
  const Case cases[] = {
      {2, "e4 e4 e4 e4"},    {3, "88 c6 fa 88 c6 fa"}, {4, "10 32 54 76"},
      {5, "20 88 41 8a 39"}, {6, "40 20 0c 44 61 1c"}, {8, "00 01 02 03"},
  };
  for (const Case& c : cases) {
    std::vector<uint8_t> codes(32);
    for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<uint8_t>(i % (1u << c.bits));
    std::vector<std::byte> packed(codes.size() * c.bits / 8);
    pack_codes(packed, codes, c.bits);
    EXPECT_EQ(testing::hex(packed).substr(0, std::strlen(c.bytes)), c.bytes) << c.bits << " bits";
  }
}

TEST(Pack, unpacking_gives_back_every_row_length) {
  std::mt19937 random(1);
  for (const int bits : kWidths) {
    for (size_t cols = 32; cols <= 1024; cols += 32) {
      std::vector<uint8_t> codes(cols);
      for (uint8_t& code : codes) code = static_cast<uint8_t>(random() % (1u << bits));
      std::vector<std::byte> packed(cols * bits / 8);
      pack_codes(packed, codes, bits);
      std::vector<uint8_t> unpacked(cols);
      unpack_codes(unpacked, packed, bits);
      EXPECT_EQ(unpacked, codes) << bits << " bits, " << cols << " columns";
    }
  }
}

}  // namespace
}  // namespace moebius::internal
