// Tests how tensors are dealt out to files, and what a reader of the directory finds.
#include "convert/sharded_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "base/testing/temporary_directory.h"
#include "convert/testing/stored_tensors.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

using ::testing::UnorderedElementsAre;

std::vector<std::byte> counting(size_t count) {
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

std::vector<std::string> files(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) names.push_back(entry.path().filename());
  return names;
}

class Sharded : public ::testing::Test {
 protected:
  // Writes three tensors of 40, 40 and 100 bytes, in pieces of 7 bytes.
  void write(uint64_t shard_bytes) {
    ShardedWriter writer(directory_.path(),
                         {{"a", DType::kF32, {10}}, {"b", DType::kBF16, {4, 5}}, {"c", DType::kU8, {100}}}, "mlx",
                         shard_bytes);
    EXPECT_EQ(writer.total_bytes(), 180u);
    const auto bytes = counting(180);
    for (size_t i = 0; i < bytes.size(); i += 7) {
      writer.write(std::span(bytes).subspan(i, std::min<size_t>(7, bytes.size() - i)));
    }
    writer.finish();
    directory_.write("config.json", "{}");
  }

  void expect_all_bytes() const {
    const auto tensors = testing::read_tensors(directory_.path());
    std::vector<std::byte> all;
    for (const char* name : {"a", "b", "c"}) {
      const auto& bytes = tensors.at(name).bytes;
      all.insert(all.end(), bytes.begin(), bytes.end());
    }
    EXPECT_EQ(all, counting(180));
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(Sharded, small_models_are_one_file_without_an_index) {
  write(kShardBytes);
  EXPECT_THAT(files(directory_.path()), UnorderedElementsAre("config.json", "model.safetensors"));
  expect_all_bytes();
}

TEST_F(Sharded, shards_begin_at_tensors_and_have_an_index) {
  write(80);
  EXPECT_THAT(files(directory_.path()),
              UnorderedElementsAre("config.json", "model-00001-of-00002.safetensors",
                                   "model-00002-of-00002.safetensors", "model.safetensors.index.json"));
  const Json index = Json::parse(read_text(directory_.path() / "model.safetensors.index.json", 10000));
  EXPECT_EQ(index["metadata"]["total_size"], 180);
  EXPECT_EQ(index["weight_map"]["b"], "model-00001-of-00002.safetensors");
  EXPECT_EQ(index["weight_map"]["c"], "model-00002-of-00002.safetensors");
  expect_all_bytes();
}

TEST_F(Sharded, a_tensor_larger_than_a_shard_has_a_file_of_its_own) {
  write(50);
  EXPECT_EQ(files(directory_.path()).size(), 5u);
  expect_all_bytes();
}

TEST_F(Sharded, models_that_do_not_fit_the_disk_are_refused_before_anything_is_written) {
  try {
    ShardedWriter writer(directory_.path(), {{"a", DType::kF32, {int64_t{1} << 50}}}, "mlx");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(Sharded, a_finish_before_the_last_byte_is_a_bug) {
  ShardedWriter writer(directory_.path(), {{"a", DType::kF32, {10}}}, "mlx");
  writer.write(counting(39));
  EXPECT_THROW(writer.finish(), Error);
}

}  // namespace
}  // namespace moebius::internal
