// Tests the available memory with made-up /proc and /sys trees.
#include "load/available_memory.h"

#include <gtest/gtest.h>

#include "model/testing/tiny_checkpoint.h"

namespace moebius::internal {
namespace {

using testing::TemporaryDirectory;

class AvailableMemory : public ::testing::Test {
 protected:
  void system(const std::string& kilobytes) {
    root_.write("proc/meminfo", "MemTotal:  9000 kB\nMemFree:  1 kB\nMemAvailable:  " + kilobytes + " kB\n");
  }
  void group(const std::string& path, const std::string& limit, const std::string& usage, const std::string& cache) {
    const std::string folder = "sys/fs/cgroup" + path;
    root_.write(folder + "/memory.max", limit + "\n");
    root_.write(folder + "/memory.current", usage + "\n");
    root_.write(folder + "/memory.stat", "anon 5\ninactive_file " + cache + "\n");
  }

  testing::TemporaryDirectory root_;
};

TEST_F(AvailableMemory, is_what_the_system_has_without_groups) {
  system("4000");
  EXPECT_EQ(available_memory_bytes(root_.path()), 4000u * 1024);
}

TEST_F(AvailableMemory, is_unknown_when_nothing_says) { EXPECT_EQ(available_memory_bytes(root_.path()), std::nullopt); }

TEST_F(AvailableMemory, is_what_the_group_leaves_with_its_droppable_cache) {
  system("4000");
  root_.write("proc/self/cgroup", "0::/a/b\n");
  group("/a/b", "1000000", "300000", "200000");
  EXPECT_EQ(available_memory_bytes(root_.path()), 900000u);
}

TEST_F(AvailableMemory, is_bound_by_a_group_above) {
  system("4000");
  root_.write("proc/self/cgroup", "0::/a/b\n");
  group("/a/b", "max", "300000", "0");
  group("/a", "700000", "300000", "0");
  EXPECT_EQ(available_memory_bytes(root_.path()), 400000u);
}

TEST_F(AvailableMemory, is_nothing_in_a_group_over_its_limit) {
  system("4000");
  root_.write("proc/self/cgroup", "0::/\n");
  group("", "1000", "2000", "0");
  EXPECT_EQ(available_memory_bytes(root_.path()), 0u);
}

TEST_F(AvailableMemory, reads_the_older_hierarchy_too) {
  system("4000");
  root_.write("proc/self/cgroup", "5:cpu:/x\n4:memory:/job\n");
  const std::string folder = "sys/fs/cgroup/memory/job";
  root_.write(folder + "/memory.limit_in_bytes", "2000000\n");
  root_.write(folder + "/memory.usage_in_bytes", "500000\n");
  root_.write(folder + "/memory.stat", "total_inactive_file 100000\n");
  root_.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  root_.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "500000\n");
  EXPECT_EQ(available_memory_bytes(root_.path()), 1600000u);
}

TEST_F(AvailableMemory, this_machine_has_some) { EXPECT_GT(available_memory_bytes().value_or(0), 1u << 20); }

}  // namespace
}  // namespace moebius::internal
