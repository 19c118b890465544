// Tests what an index gives. tests/bad_inputs holds the indexes that are refused.
#include "checkpoint/shard_index.h"

#include <gtest/gtest.h>

namespace moebius::internal {
namespace {

TEST(ShardIndex, numbers_the_shards_by_name_not_by_appearance) {
  const ShardIndex index = parse_shard_index(R"({"weight_map": {"a": "2.st", "b": "1.st", "c": "2.st"}})", "i");
  EXPECT_EQ(index.shards, (std::vector<std::string>{"1.st", "2.st"}));
  ASSERT_EQ(index.tensors.size(), 3u);
  for (const ShardIndex::Entry& entry : index.tensors) {
    EXPECT_EQ(index.shards[entry.shard], entry.tensor == "b" ? "1.st" : "2.st") << entry.tensor;
  }
}

TEST(ShardIndex, ignores_whatever_else_the_file_holds) {
  const ShardIndex index = parse_shard_index(
      R"({"metadata": {"total_size": 1, "weight_map": {"x": 1}, "l": [{}, [null]]}, "weight_map": {"a": "s"}, "z": 1.5})",
      "i");
  ASSERT_EQ(index.tensors.size(), 1u);
  EXPECT_EQ(index.tensors[0].tensor, "a");
}

TEST(ShardIndex, keeps_file_names_that_only_look_dangerous) {
  const ShardIndex index = parse_shard_index(R"({"weight_map": {"a": "..model.st", "b": "~", "c": "a b"}})", "i");
  EXPECT_EQ(index.shards, (std::vector<std::string>{"..model.st", "a b", "~"}));
}

}  // namespace
}  // namespace moebius::internal
