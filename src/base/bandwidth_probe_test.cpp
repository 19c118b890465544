#include "base/bandwidth_probe.h"

#include <gtest/gtest.h>

namespace moebius::internal {
namespace {

TEST(BandwidthProbe, gives_every_thread_a_whole_share_of_at_least_what_was_asked) {
  const BandwidthProbe probe(3, 1);
  EXPECT_EQ(probe.bytes(), size_t{3} * (2 << 20));
}

TEST(BandwidthProbe, reads_back_what_it_wrote_at_a_speed_that_memory_can_have) {
  BandwidthProbe probe(2, size_t{16} << 20);
  for (int i = 0; i < 3; ++i) {
    const double bytes_per_s = probe.measure();  // throws when a word is lost
    EXPECT_GT(bytes_per_s, 1e6);
    EXPECT_LT(bytes_per_s, 1e14);
  }
}

}  // namespace
}  // namespace moebius::internal
