// Tests directories as they are published: one file, shards with an index, shards without an index, the Hugging Face
// cache. tests/bad_inputs holds the directories that are refused.
#include "checkpoint/model_dir.h"

#include <gtest/gtest.h>

#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

class ModelDirs : public ::testing::Test {
 protected:
  void SetUp() override { directory_.write("config.json", "{}"); }

  // Writes a file of U8 tensors. Tensor i holds its letter, `letter + i`, in every byte.
  static void write_shard(const fs::path& path, const std::vector<std::string>& names, char letter, int64_t bytes = 4) {
    std::vector<SafetensorsWriter::Declaration> tensors;
    for (const std::string& name : names) tensors.push_back({name, DType::kU8, {bytes}});
    SafetensorsWriter writer(path, tensors);
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string data(static_cast<size_t>(bytes), static_cast<char>(letter + static_cast<char>(i)));
      writer.write(std::as_bytes(std::span(data)));
    }
    writer.finish();
  }
  void write_shard(const char* name, const std::vector<std::string>& names, char letter) const {
    write_shard(path_ / name, names, letter);
  }

  static std::string content(const ModelDir& model, std::string_view tensor) {
    const ModelDir::Entry& entry = model.at(tensor);
    std::string out(entry.info.bytes, '?');
    model.read(entry, 0, std::as_writable_bytes(std::span(out)));
    return out;
  }

  testing::TemporaryDirectory directory_;
  fs::path path_ = directory_.path();
};

TEST_F(ModelDirs, of_one_file_are_read_by_canonical_name) {
  write_shard("model.safetensors", {"model.language_model.norm.weight", "lm_head.weight"}, 'a');
  const ModelDir model(path_);
  EXPECT_EQ(content(model, "model.norm.weight"), "aaaa");
  EXPECT_EQ(content(model, "lm_head.weight"), "bbbb");
}

TEST_F(ModelDirs, do_not_list_vision_tensors) {
  write_shard("model.safetensors", {"model.visual.patch_embed.weight", "lm_head.weight"}, 'a');
  const ModelDir model(path_);
  EXPECT_EQ(model.tensors().size(), 1u);
  EXPECT_EQ(model.find("model.visual.patch_embed.weight"), nullptr);
}

TEST_F(ModelDirs, with_an_index_read_its_shards_and_nothing_else) {
  write_shard("model-00001-of-00002.safetensors", {"a.weight"}, 'a');
  write_shard("model-00002-of-00002.safetensors", {"b.weight"}, 'b');
  write_shard("model-old.safetensors", {"a.weight"}, 'x');
  directory_.write("model.safetensors.index.json", R"({"weight_map": {"b.weight": "model-00002-of-00002.safetensors",
                   "a.weight": "model-00001-of-00002.safetensors"}})");
  const ModelDir model(path_);
  EXPECT_EQ(content(model, "a.weight"), "aaaa");
  EXPECT_EQ(content(model, "b.weight"), "bbbb");
  EXPECT_EQ(model.where(model.at("b.weight")), "model-00002-of-00002.safetensors: b.weight");
}

TEST_F(ModelDirs, with_an_index_that_misplaces_tensors_read_what_the_shards_hold) {
  write_shard("1.safetensors", {"a.weight"}, 'a');
  write_shard("2.safetensors", {"b.weight"}, 'b');
  directory_.write("model.safetensors.index.json",
                   R"({"weight_map": {"a.weight": "2.safetensors", "b.weight": "1.safetensors"}})");
  EXPECT_EQ(content(ModelDir(path_), "a.weight"), "aaaa");
}

TEST_F(ModelDirs, of_a_whole_file_do_not_heed_the_index_of_another_checkpoint) {
  write_shard("model.safetensors", {"a.weight"}, 'a');
  directory_.write("model.safetensors.index.json", R"({"weight_map": {"x": "model-00001-of-00001.safetensors"}})");
  EXPECT_EQ(content(ModelDir(path_), "a.weight"), "aaaa");
}

TEST_F(ModelDirs, without_an_index_read_every_model_file) {
  write_shard("model-1.safetensors", {"a.weight"}, 'a');
  write_shard("model-2.safetensors", {"b.weight"}, 'b');
  write_shard("adapter.safetensors", {"c.weight"}, 'c');
  EXPECT_EQ(ModelDir(path_).tensors().size(), 2u);
}

TEST_F(ModelDirs, of_the_hugging_face_cache_follow_its_links) {
  const fs::path entry = path_ / "models--org--name";
  const fs::path snapshot = entry / "snapshots" / "0123abc";
  fs::create_directories(entry / "blobs");
  fs::create_directories(snapshot);
  directory_.write("models--org--name/blobs/c0", R"({"quantization": {"bits": 4, "group_size": 64}})");
  write_shard(entry / "blobs" / "f0", {"a.weight"}, 'a');
  fs::create_symlink("../../blobs/c0", snapshot / "config.json");
  fs::create_symlink("../../blobs/f0", snapshot / "model.safetensors");
  const ModelDir model(snapshot);
  EXPECT_EQ(content(model, "a.weight"), "aaaa");
  EXPECT_TRUE(model.quantization().any());
}

TEST_F(ModelDirs, may_be_reached_through_a_link_and_hold_links_among_their_own_files) {
  write_shard("weights.bin", {"a.weight"}, 'a');
  fs::create_symlink("weights.bin", path_ / "model.safetensors");
  const testing::TemporaryDirectory elsewhere;
  fs::create_directory_symlink(path_, elsewhere.path() / "link");
  EXPECT_EQ(content(ModelDir(elsewhere.path() / "link"), "a.weight"), "aaaa");
}

TEST_F(ModelDirs, give_parts_of_a_tensor_and_count_what_was_read) {
  write_shard(path_ / "model.safetensors", {"a.weight", "b.weight"}, 'a', 10);
  const ModelDir model(path_);
  std::string part(3, '?');
  model.read(model.at("b.weight"), 7, std::as_writable_bytes(std::span(part)));
  EXPECT_EQ(part, "bbb");
  EXPECT_EQ(model.bytes_read(), 3u);
  testing::expect_error(ErrorCode::kInternal, "out.size()",
                        [&] { model.read(model.at("b.weight"), 8, std::as_writable_bytes(std::span(part))); });
}

TEST_F(ModelDirs, name_a_tensor_that_is_not_there) {
  write_shard("model.safetensors", {"a.weight"}, 'a');
  const ModelDir model(path_);
  testing::expect_error(ErrorCode::kMissingTensor, path_.string() + ": b.weight", [&] { (void)model.at("b.weight"); });
}

TEST_F(ModelDirs, name_the_shard_that_should_have_a_tensor) {
  write_shard("1.safetensors", {"a.weight"}, 'a');
  directory_.write("model.safetensors.index.json",
                   R"({"weight_map": {"a.weight": "1.safetensors", "b.weight": "1.safetensors"}})");
  const ModelDir model(path_);
  testing::expect_error(ErrorCode::kMissingTensor,
                        "although model.safetensors.index.json places it in \"1.safetensors\"",
                        [&] { (void)model.at("b.weight"); });
}

TEST_F(ModelDirs, that_lack_a_tensor_name_the_files_that_were_left_out) {
  write_shard("model.safetensors", {"a.weight"}, 'a');
  write_shard("model-00001-of-00001.safetensors", {"a.weight", "b.weight"}, 'b');
  const ModelDir model(path_);
  testing::expect_error(ErrorCode::kMissingTensor, "\"model-00001-of-00001.safetensors\" is not: remove",
                        [&] { (void)model.at("b.weight"); });
}

}  // namespace
}  // namespace moebius::internal
