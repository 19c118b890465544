// Tests how a directory that is no checkpoint is explained.
#include "checkpoint/foreign_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/temporary_directory.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct Row {
  const char* file;
  const char* what;
  const char* hint;
};

TEST(ForeignFiles, are_known_by_their_names) {
  const Row rows[] = {
      {"qwen-Q4_K_M.gguf", "\"qwen-Q4_K_M.gguf\", which is GGUF", "take the safetensors files"},
      {"pytorch_model-00001-of-00002.bin", "a pickle of PyTorch", "never read"},
      {"model.pt", "a pickle of PyTorch", "never read"},
      {"consolidated.00.pth", "a pickle of PyTorch", "never read"},
      {"weights.npz", "of an old MLX", "mlx_lm.convert"},
      {"adapter_model.safetensors", "an adapter without its model", "merge it into its base model"},
      {"adapters.safetensors", "an adapter without its model", "mlx_lm.fuse"},
      {"adapter_model.bin", "an adapter without its model", "merge it into its base model"},
      {"consolidated.safetensors", "not named like weights", "name it model.safetensors"},
      {"model.safetensors.incomplete", "was not finished", "finish the download"},
      {"model.safetensors.part", "was not finished", "finish the download"},
      {"model-00001-of-00002.safetensors.crdownload", "was not finished", "finish the download"},
      {".cache/huggingface/download/aBc.0123.4567.incomplete", "\"aBc.0123.4567.incomplete\"", "finish the download"},
  };
  for (const Row& row : rows) {
    const testing::TemporaryDirectory directory;
    directory.write(row.file, "");
    directory.write("README.md", "");
    const std::optional<ForeignFiles> found = find_foreign_files(directory.path());
    ASSERT_TRUE(found) << row.file;
    EXPECT_THAT(found->what, HasSubstr(row.what));
    EXPECT_THAT(found->hint, HasSubstr(row.hint));
  }
}

TEST(ForeignFiles, are_none_of_those_that_belong_to_a_checkpoint) {
  const testing::TemporaryDirectory directory;
  for (const char* name : {"model.safetensors", "model-00001-of-00002.safetensors", "config.json", "tokenizer.json"}) {
    directory.write(name, "");
  }
  EXPECT_FALSE(find_foreign_files(directory.path()));
  EXPECT_FALSE(find_foreign_files(directory.path() / "missing"));
}

TEST(ForeignFiles, of_an_adapter_name_its_base) {
  const testing::TemporaryDirectory directory;
  directory.write("adapter_config.json", R"({"base_model_name_or_path": "Org/Base\u001b[2J"})");
  EXPECT_THAT(find_foreign_files(directory.path())->hint, HasSubstr(R"(it is "Org/Base\x1b[2J")"));
  directory.write("adapter_config.json", R"({"model": "Org/Base"})");
  EXPECT_THAT(find_foreign_files(directory.path())->hint, HasSubstr(R"(it is "Org/Base")"));
  directory.write("adapter_config.json", R"({"model": )");
  EXPECT_THAT(find_foreign_files(directory.path())->hint, HasSubstr("merge it"));
}

TEST(ForeignFiles, in_the_cache_get_the_command_that_finishes_the_download) {
  const testing::TemporaryDirectory cache;
  cache.write("models--Org--Name/blobs/0123.4567.incomplete", "");
  cache.write("models--Org--Name/snapshots/abc/README.md", "");
  const auto found = find_foreign_files(cache.path() / "models--Org--Name/snapshots/abc");
  ASSERT_TRUE(found);
  EXPECT_THAT(found->hint, HasSubstr("`hf download Org/Name --revision abc`"));
}

TEST(ForeignFiles, have_links_to_nothing_among_them) {
  const testing::TemporaryDirectory directory;
  fs::create_symlink("../../blobs/gone", directory.path() / "model.safetensors");
  EXPECT_THAT(find_foreign_files(directory.path())->what,
              HasSubstr("\"model.safetensors\", which is a link to nothing"));
}

TEST(AdviceForFile, knows_what_is_never_read) {
  EXPECT_EQ(advice_for_file("a/model.safetensors"), "give the directory that holds config.json");
  EXPECT_EQ(advice_for_file("a/notes.txt"), "give the directory that holds config.json");
  EXPECT_THAT(advice_for_file("a/model.gguf"), HasSubstr("it is GGUF"));
  EXPECT_THAT(advice_for_file("a/pytorch_model.bin"), HasSubstr("it is a pickle of PyTorch"));
}

}  // namespace
}  // namespace moebius::internal
