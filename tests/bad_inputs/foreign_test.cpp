// Row 19: directories that hold something else, and downloads that were not finished.
#include <gtest/gtest.h>

#include "bad_input.h"
#include "raw_file.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "model.safetensors";
const std::string kPointer =
    "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, '0') + "\nsize 4294967296\n";
const std::string kGood = safetensors_file("{" + entry("a", "\"U8\"", "[1]", "[0,1]") + "}", 1);

auto file(const std::string& name, const std::string& bytes = "") {
  return [=](const fs::path& directory) { write_bytes(directory / name, bytes); };
}

// Returns a function that makes a directory which has this file and no config.json.
auto file_alone(const std::string& name, const std::string& bytes = "") {
  return [=](const fs::path& directory) {
    fs::remove(directory / "config.json");
    write_bytes(directory / name, bytes);
  };
}

const std::vector<BadInput> kPointers = {
    {"row19_weights_that_are_a_pointer_of_git_lfs",
     file(kFile, kPointer),
     ErrorCode::kMissingInput,
     {"/model.safetensors: is a pointer of Git LFS", "git lfs pull"}},
    {"row19_a_shard_that_is_a_pointer_of_git_lfs",
     file("model-00001-of-00001.safetensors", kPointer),
     ErrorCode::kMissingInput,
     {"/model-00001-of-00001.safetensors: is a pointer of Git LFS"}},
    {"row19_a_config_that_is_a_pointer_of_git_lfs",
     file("config.json", kPointer),
     ErrorCode::kMissingInput,
     {"/config.json: is a pointer of Git LFS"}},
    {"row19_an_index_that_is_a_pointer_of_git_lfs",
     file("model.safetensors.index.json", kPointer),
     ErrorCode::kMissingInput,
     {"index.json: is a pointer of Git LFS"}},
};
MOEBIUS_BAD_INPUTS(Pointers, kPointers);

const std::vector<BadInput> kUnfinished = {
    {"row19_a_download_of_huggingface_hub_that_broke_off",
     [](const fs::path& directory) {
       fs::create_directories(directory / ".cache/huggingface/download");
       write_bytes(directory / ".cache/huggingface/download/a.b.incomplete", "x");
     },
     ErrorCode::kMissingInput,
     {"has \"a.b.incomplete\", which is a download that was not finished", "finish the download"}},
    {"row19_a_download_of_a_browser_that_broke_off",
     file("model.safetensors.part", "x"),
     ErrorCode::kMissingInput,
     {"model.safetensors.part", "not finished"}},
    {"row19_a_download_of_aria2_that_has_its_whole_size",
     [](const fs::path& directory) {
       write_bytes(directory / kFile, kGood);
       write_bytes(directory / "model.safetensors.aria2", "x");
     },
     ErrorCode::kTruncated,
     {"/model.safetensors: is not finished", "model.safetensors.aria2"}},
    {"row19_weights_that_are_zeros",
     file(kFile, std::string(4096, '\0')),
     ErrorCode::kInvalidHeader,
     {"/model.safetensors", "may leave zeros", "fetch the file again"}},
};
MOEBIUS_BAD_INPUTS(Unfinished, kUnfinished);

const std::vector<BadInput> kForeign = {
    {"row19_gguf_beside_a_config",
     file("model-Q4_K_M.gguf", "GGUF"),
     ErrorCode::kMissingInput,
     {"model-Q4_K_M.gguf\", which is GGUF", "take the safetensors files"}},
    {"row19_gguf_alone",
     file_alone("model-Q4_K_M.gguf", "GGUF"),
     ErrorCode::kMissingInput,
     {"/config.json: is not there", "which is GGUF"}},
    {"row19_gguf_under_the_name_of_weights",
     file(kFile, "GGUF" + std::string(100, '\1')),
     ErrorCode::kHeaderTooLarge,
     {"this is not a safetensors file", "it begins with \"GGUF"}},
    {"row19_a_page_of_html_under_the_name_of_weights",
     file(kFile, "<!DOCTYPE html><html>Access denied</html>"),
     ErrorCode::kHeaderTooLarge,
     {"it begins with \"<!DOCTYPE html><"}},
    {"row19_pickles",
     file("pytorch_model-00001-of-00002.bin"),
     ErrorCode::kMissingInput,
     {"is a pickle of PyTorch", "never read"}},
    {"row19_an_adapter_alone",
     [](const fs::path& directory) {
       fs::remove(directory / "config.json");
       write_bytes(directory / "adapter_config.json", R"({"base_model_name_or_path": "Org/Base"})");
       write_bytes(directory / "adapter_model.safetensors", kGood);
     },
     ErrorCode::kMissingInput,
     {"is an adapter without its model", "merge it into its base model", "\"Org/Base\""}},
    {"row19_an_adapter_of_mlx_beside_a_config",
     file("adapters.safetensors", kGood),
     ErrorCode::kMissingInput,
     {"is an adapter without its model"}},
    {"row19_an_adapter_whose_config_is_nested_too_deep",
     [](const fs::path& directory) {
       write_bytes(directory / "adapter_config.json", repeat("[", 100'000));
       write_bytes(directory / "adapter_model.safetensors", kGood);
     },
     ErrorCode::kMissingInput,
     {"is an adapter without its model"}},
    {"row19_weights_under_another_name",
     file("consolidated.safetensors", kGood),
     ErrorCode::kMissingInput,
     {"consolidated.safetensors", "name it model.safetensors"}},
};
MOEBIUS_BAD_INPUTS(Foreign, kForeign);

}  // namespace
}  // namespace moebius::internal
