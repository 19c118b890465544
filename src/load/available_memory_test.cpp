// Available memory, against made-up /proc and /sys trees.
#include "load/available_memory.h"

#include <gtest/gtest.h>

#include "model/testing/tiny_checkpoint.h"

namespace moebius {
namespace {

using testing::TemporaryDirectory;

class AvailableMemory : public ::testing::Test {
 protected:
  void system(const std::string& kilobytes) {
    root_.write_text("proc/meminfo", "MemTotal:  9000 kB\nMemFree:  1 kB\nMemAvailable:  " + kilobytes + " kB\n");
  }
  void group(const std::string& path, const std::string& limit, const std::string& usage, const std::string& cache) {
    const std::string folder = "sys/fs/cgroup" + path;
    root_.write_text(folder + "/memory.max", limit + "\n");
    root_.write_text(folder + "/memory.current", usage + "\n");
    root_.write_text(folder + "/memory.stat", "anon 5\ninactive_file " + cache + "\n");
  }

  TemporaryDirectory root_;
};

TEST_F(AvailableMemory, IsWhatTheSystemHasWithoutGroups) {
  system("4000");
  EXPECT_EQ(available_memory_bytes(root_.path()), 4000u * 1024);
}

TEST_F(AvailableMemory, IsUnknownWhenNothingSays) { EXPECT_EQ(available_memory_bytes(root_.path()), std::nullopt); }

TEST_F(AvailableMemory, IsWhatTheGroupLeavesWithItsDroppableCache) {
  system("4000");
  root_.write_text("proc/self/cgroup", "0::/a/b\n");
  group("/a/b", "1000000", "300000", "200000");
  EXPECT_EQ(available_memory_bytes(root_.path()), 900000u);
}

TEST_F(AvailableMemory, IsBoundByAGroupAbove) {
  system("4000");
  root_.write_text("proc/self/cgroup", "0::/a/b\n");
  group("/a/b", "max", "300000", "0");
  group("/a", "700000", "300000", "0");
  EXPECT_EQ(available_memory_bytes(root_.path()), 400000u);
}

TEST_F(AvailableMemory, IsNothingInAGroupOverItsLimit) {
  system("4000");
  root_.write_text("proc/self/cgroup", "0::/\n");
  group("", "1000", "2000", "0");
  EXPECT_EQ(available_memory_bytes(root_.path()), 0u);
}

TEST_F(AvailableMemory, ReadsTheOlderHierarchyToo) {
  system("4000");
  root_.write_text("proc/self/cgroup", "5:cpu:/x\n4:memory:/job\n");
  const std::string folder = "sys/fs/cgroup/memory/job";
  root_.write_text(folder + "/memory.limit_in_bytes", "2000000\n");
  root_.write_text(folder + "/memory.usage_in_bytes", "500000\n");
  root_.write_text(folder + "/memory.stat", "total_inactive_file 100000\n");
  root_.write_text("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  root_.write_text("sys/fs/cgroup/memory/memory.usage_in_bytes", "500000\n");
  EXPECT_EQ(available_memory_bytes(root_.path()), 1600000u);
}

TEST_F(AvailableMemory, ThisMachineHasSome) { EXPECT_GT(available_memory_bytes().value_or(0), 1u << 20); }

}  // namespace
}  // namespace moebius
