// Which published model is advised for a memory, and what downloads a model that is not there.
#include "checkpoint/published_models.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace moebius::internal {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kGb = 1'000'000'000;

TEST(PublishedModels, are_those_of_the_readme) {
  const std::string readme = read_text(MOEBIUS_SOURCE_DIR "/README.md", 1 << 20);
  for (const PublishedModel& model : published_models()) {
    EXPECT_THAT(readme, HasSubstr(fmt::format("{:.1f} GB | `hf download {}`", model.gigabytes, model.repository)));
  }
}

TEST(PublishedModels, the_largest_that_fits_is_advised) {
  EXPECT_EQ(largest_model_within(4 * kGb), nullptr);
  const auto advised = [](uint64_t gb) { return largest_model_within(gb * kGb)->repository; };
  EXPECT_EQ(advised(15), "mlx-community/Qwen3.5-9B-4bit");
  EXPECT_EQ(advised(22), "andrevp/Qwen3.6-35B-A3B-3bit-MLX");
  EXPECT_EQ(advised(30), "mlx-community/Qwen3.6-35B-A3B-4bit");
  EXPECT_EQ(advised(60), "mlx-community/Qwen3-Coder-Next-4bit");
  EXPECT_EQ(advised(120), "mlx-community/Qwen3.5-122B-A10B-4bit");
}

TEST(DownloadCommand, names_the_repository_that_was_asked_for) {
  EXPECT_EQ(download_command("Qwen/Qwen3-30B-A3B"), "hf download Qwen/Qwen3-30B-A3B");
  EXPECT_EQ(download_command("Qwen3.5-9B-4bit"), "hf download mlx-community/Qwen3.5-9B-4bit");
  EXPECT_EQ(download_command("Qwen3-30B-A3B-5bit"), "hf download ORG/Qwen3-30B-A3B-5bit");
  EXPECT_EQ(download_command("a/b", "refs/pr/1"), "hf download a/b --revision refs/pr/1");
  EXPECT_EQ(download_command("a/b", "$(reboot)"), "hf download a/b");
}

TEST(DownloadCommand, is_none_for_what_is_a_path) {
  for (const char* path : {"", ".", "./model", "../model", "/data/model", "a/b/c", "model/", "~/model", "my model"}) {
    EXPECT_EQ(download_command(path), "") << path;
  }
}

TEST(DownloadCommand, into_a_directory_knows_the_cache_and_names) {
  EXPECT_EQ(download_command_into("/home/ada/.cache/huggingface/hub/models--Qwen--Qwen3-30B-A3B/snapshots/abc"),
            "hf download Qwen/Qwen3-30B-A3B --revision abc");
  EXPECT_EQ(download_command_into("hub/models--gpt2/blobs"), "hf download ORG/gpt2");
  EXPECT_EQ(download_command_into("Qwen/Qwen3-30B-A3B"),
            "hf download Qwen/Qwen3-30B-A3B --local-dir Qwen/Qwen3-30B-A3B");
  EXPECT_EQ(download_command_into("/data/models/a"), "");
}

}  // namespace
}  // namespace moebius::internal
