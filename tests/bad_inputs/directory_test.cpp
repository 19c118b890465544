// Row 17: a directory or a shard index that points at the wrong files, and missing files.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "bad_input.h"
#include "base/testing/temporary_directory.h"
#include "checkpoint/model_dir.h"
#include "raw_file.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kFile = "model.safetensors";

std::string good_file(const std::string& tensor) {
  return safetensors_file("{" + entry(tensor, "\"U8\"", "[1]", "[0,1]") + "}", 1);
}

auto index_of(const std::string& text) {
  return [=](const fs::path& directory) { write_bytes(directory / kIndex, text); };
}

// Returns a function that writes an index which maps tensor "a" to this shard (JSON text).
auto index_to(const std::string& shard) { return index_of(R"({"weight_map": {"a": )" + shard + "}}"); }

auto link(const std::string& target, const std::string& name) {
  return [=](const fs::path& directory) {
    fs::remove(directory / name);
    fs::create_symlink(target, directory / name);
  };
}

// Returns a function that makes a snapshot of the Hugging Face cache. Its weights are a link to `target`.
auto snapshot_with_link_to(const std::string& target) {
  return [=](const fs::path& directory) {
    const fs::path snapshot = directory / "models--a--b" / "snapshots" / "1";
    fs::create_directories(snapshot);
    fs::create_directories(directory / "models--x--y" / "blobs");
    write_bytes(directory / "models--x--y" / "blobs" / "f", good_file("a"));
    write_bytes(directory / "secret", good_file("a"));
    fs::create_symlink(target, snapshot / kFile);
    fs::rename(directory / "config.json", snapshot / "config.json");
    fs::create_symlink(directory / "models--a--b" / "snapshots" / "1" / kFile, directory / kFile);
  };
}

void two_shards_with_the_same_tensor(const fs::path& directory) {
  write_bytes(directory / "model-1.safetensors", good_file("a"));
  write_bytes(directory / "model-2.safetensors", good_file("a"));
}

void two_spellings_of_one_tensor(const fs::path& directory) {
  write_bytes(directory / "model-1.safetensors", good_file("model.norm.weight"));
  write_bytes(directory / "model-2.safetensors", good_file("language_model.model.norm.weight"));
}

void shards_of_which_one_is_missing(const fs::path& directory) {
  write_bytes(directory / "model-00001-of-00003.safetensors", good_file("a"));
  write_bytes(directory / "model-00003-of-00003.safetensors", good_file("c"));
}

const std::vector<BadInput> kMissing = {
    {"row17_a_shard_that_is_missing",
     index_to("\"model-00002-of-00002.safetensors\""),
     ErrorCode::kMissingShard,
     {"/model-00002-of-00002.safetensors: is missing", kIndex, "fetch the missing shard"}},
    {"row17_a_shard_that_is_a_dangling_link",
     [](const fs::path& directory) {
       index_to("\"s.safetensors\"")(directory);
       fs::create_symlink("nowhere", directory / "s.safetensors");
     },
     ErrorCode::kMissingShard,
     {"/s.safetensors: is missing"}},
    {"row17_no_weights_at_all", [](const fs::path&) {}, ErrorCode::kMissingInput, {kIndex, "model*.safetensors"}},
    {"row17_no_config",
     [](const fs::path& directory) { fs::remove(directory / "config.json"); },
     ErrorCode::kMissingInput,
     {"/config.json: No such file"}},
    {"row17_a_shard_that_is_missing_without_an_index",
     shards_of_which_one_is_missing,
     ErrorCode::kMissingShard,
     {"/model-00002-of-00003.safetensors: is missing", "model-00001-of-00003.safetensors names it"}},
    {"row17_weights_that_are_a_dangling_link",
     link("gone", kFile),
     ErrorCode::kMissingInput,
     {"\"model.safetensors\", which is a link to nothing", "fetch the file again"}},
};
MOEBIUS_BAD_INPUTS(MissingFiles, kMissing);

const std::vector<BadInput> kDuplicates = {
    {"row17_a_tensor_in_two_files",
     two_shards_with_the_same_tensor,
     ErrorCode::kDuplicateKey,
     {"/model-2.safetensors: a: is also in model-1.safetensors"}},
    {"row17_a_tensor_in_two_files_under_two_prefixes",
     two_spellings_of_one_tensor,
     ErrorCode::kDuplicateKey,
     {"/model-2.safetensors: model.norm.weight: is also in model-1.safetensors"}},
    {"row17_a_tensor_in_two_shards_of_the_index",
     index_of(R"({"weight_map": {"a": "1", "b": "2", "a": "2"}})"),
     ErrorCode::kDuplicateKey,
     {kIndex, "weight_map.a: appears twice"}},
    {"row17_two_weight_maps",
     index_of(R"({"weight_map": {"a": "1"}, "weight_map": {"a": "2"}})"),
     ErrorCode::kDuplicateKey,
     {kIndex, "weight_map: appears twice"}},
};
MOEBIUS_BAD_INPUTS(Duplicates, kDuplicates);

const std::vector<BadInput> kEscapes = {
    {"row17_a_shard_above_the_directory",
     index_to(R"("../../etc/passwd")"),
     ErrorCode::kPathEscape,
     {kIndex, "weight_map.a: \"../../etc/passwd\""}},
    {"row17_a_shard_with_an_absolute_path",
     index_to(R"("/etc/passwd")"),
     ErrorCode::kPathEscape,
     {kIndex, "/etc/passwd"}},
    {"row17_a_shard_above_the_directory_beside_a_whole_file",
     [](const fs::path& directory) {
       write_bytes(directory / kFile, good_file("a"));
       index_to(R"("../../etc/passwd")")(directory);
     },
     ErrorCode::kPathEscape,
     {kIndex, "../../etc/passwd"}},
    {"row17_a_shard_that_is_a_link_out",
     [](const fs::path& directory) {
       index_to("\"s.safetensors\"")(directory);
       fs::create_symlink("/etc/passwd", directory / "s.safetensors");
     },
     ErrorCode::kPathEscape,
     {"/s.safetensors: is a link to /etc/passwd"}},
    {"row17_a_shard_in_a_subdirectory", index_to(R"("x/../model.safetensors")"), ErrorCode::kPathEscape, {kIndex}},
    {"row17_a_shard_with_an_escaped_slash",
     index_to(R"("..\u002f..\u002fetc\u002fpasswd")"),
     ErrorCode::kPathEscape,
     {kIndex, "../../etc/passwd"}},
    {"row17_a_shard_with_a_NUL",
     index_to(R"("model.safetensors\u0000.bak")"),
     ErrorCode::kPathEscape,
     {kIndex, R"(\x00)"}},
    {"row17_a_shard_that_is_a_device", index_to(R"("/dev/zero")"), ErrorCode::kPathEscape, {kIndex, "/dev/zero"}},
    {"row17_a_shard_that_is_the_directory", index_to(R"(".")"), ErrorCode::kPathEscape, {kIndex, "\".\""}},
    {"row17_a_shard_without_a_name", index_to(R"("")"), ErrorCode::kPathEscape, {kIndex}},
    {"row17_weights_that_are_a_link_out",
     link("/etc/passwd", kFile),
     ErrorCode::kPathEscape,
     {"/model.safetensors: is a link to /etc/passwd", "copy the file"}},
    {"row17_weights_that_are_a_relative_link_out",
     link("../../../../../../../../etc/passwd", kFile),
     ErrorCode::kPathEscape,
     {"/model.safetensors: is a link to /etc/passwd"}},
    {"row17_weights_that_are_a_link_to_a_device",
     link("/dev/zero", kFile),
     ErrorCode::kPathEscape,
     {"/model.safetensors: is a link to /dev/zero"}},
    {"row17_a_config_that_is_a_link_out",
     link("/etc/passwd", "config.json"),
     ErrorCode::kPathEscape,
     {"/config.json: is a link to /etc/passwd"}},
    {"row17_an_index_that_is_a_link_out",
     link("/etc/passwd", kIndex),
     ErrorCode::kPathEscape,
     {"index.json: is a link to /etc/passwd"}},
};
MOEBIUS_BAD_INPUTS(Escapes, kEscapes);

TEST(CacheLinks, of_a_snapshot_may_not_lead_to_another_models_blobs) {
  const BadInput input = {"", {}, ErrorCode::kPathEscape, {"models--x--y/blobs/f, outside the checkpoint"}};
  const testing::TemporaryDirectory directory;
  directory.write("config.json", "{}");
  snapshot_with_link_to("../../../models--x--y/blobs/f")(directory.path());
  expect_refusal(input, [&] { const ModelDir model(directory.path() / "models--a--b" / "snapshots" / "1"); });
}

TEST(CacheLinks, of_a_snapshot_may_not_lead_out_of_the_cache) {
  const BadInput input = {"", {}, ErrorCode::kPathEscape, {"/secret, outside the checkpoint"}};
  const testing::TemporaryDirectory directory;
  directory.write("config.json", "{}");
  snapshot_with_link_to("../../../secret")(directory.path());
  expect_refusal(input, [&] { const ModelDir model(directory.path() / "models--a--b" / "snapshots" / "1"); });
}

auto instead_of(const std::string& name, const std::function<void(const fs::path&)>& make) {
  return [=](const fs::path& directory) {
    fs::remove(directory / name);
    make(directory / name);
  };
}

void make_fifo(const fs::path& path) { ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0); }
void make_directory(const fs::path& path) { fs::create_directory(path); }

const std::vector<BadInput> kKinds = {
    {"row17_weights_that_are_a_fifo",
     instead_of(kFile, make_fifo),
     ErrorCode::kNotRegularFile,
     {"/model.safetensors: is a FIFO"}},
    {"row17_weights_that_are_a_directory",
     instead_of(kFile, make_directory),
     ErrorCode::kNotRegularFile,
     {"/model.safetensors: is a directory"}},
    {"row17_a_shard_that_is_a_fifo",
     [](const fs::path& directory) {
       index_to("\"s.safetensors\"")(directory);
       make_fifo(directory / "s.safetensors");
     },
     ErrorCode::kNotRegularFile,
     {"/s.safetensors: is a FIFO"}},
    {"row17_a_config_that_is_a_fifo",
     instead_of("config.json", make_fifo),
     ErrorCode::kNotRegularFile,
     {"/config.json: is a FIFO"}},
    {"row17_an_index_that_is_a_directory",
     instead_of(kIndex, make_directory),
     ErrorCode::kNotRegularFile,
     {"index.json: is a directory"}},
};
MOEBIUS_BAD_INPUTS(FileKinds, kKinds);

std::string index_with_shards(size_t count) {
  std::string text = R"({"weight_map": {)";
  for (size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    text.append(i > 0 ? ",\"" : "\"").append(number).append("\":\"").append(number).append("\"");
  }
  return text + "}}";
}

const std::vector<BadInput> kIndexes = {
    {"row17_an_index_that_is_not_JSON", index_of("weight_map"), ErrorCode::kInvalidJson, {kIndex, "at byte 0"}},
    {"row17_an_empty_index", index_of(""), ErrorCode::kInvalidJson, {kIndex, "ends early"}},
    {"row17_an_index_without_weight_map", index_of("{}"), ErrorCode::kBadConfig, {kIndex, "weight_map: is missing"}},
    {"row17_an_index_that_is_an_array", index_of("[]"), ErrorCode::kBadConfig, {kIndex, "weight_map: is missing"}},
    {"row17_a_weight_map_that_is_an_array",
     index_of(R"({"weight_map": ["a"]})"),
     ErrorCode::kBadConfig,
     {kIndex, "weight_map: is missing"}},
    {"row17_a_weight_map_one_level_too_deep",
     index_of(R"({"x": {"weight_map": {"a": "b"}}})"),
     ErrorCode::kBadConfig,
     {kIndex, "weight_map: is missing"}},
    {"row17_a_shard_that_is_a_number",
     index_to("1"),
     ErrorCode::kBadConfig,
     {kIndex, "weight_map.a: expected a file name"}},
    {"row17_a_shard_that_is_an_array",
     index_to("[]"),
     ErrorCode::kBadConfig,
     {kIndex, "weight_map.a: expected a file name"}},
    {"row17_an_index_nested_too_deep",
     index_of(repeat("{\"a\":", 1'000'000)),
     ErrorCode::kJsonDepth,
     {kIndex},
     12 << 20},
    {"row17_an_index_with_more_shards_than_files_can_be_open",
     index_of(index_with_shards(100'000)),
     ErrorCode::kBadConfig,
     {kIndex, "more than 512 shards"},
     4 << 20},
};
MOEBIUS_BAD_INPUTS(Indexes, kIndexes);

}  // namespace
}  // namespace moebius::internal
