// Says what a directory holds that is no checkpoint: GGUF, pickles, an adapter, a download that broke off. The names of
// its files tell; of a file that names the base of an adapter the name is read.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace moebius::internal {

struct ForeignFiles {
  std::string what;  // "has model.gguf, which is GGUF"
  std::string hint;  // what to do
};

// Tells whether a file name is that of weights: model*.safetensors, as mlx-lm has it.
bool is_weights(std::string_view name);

// Returns the first kind of file that explains why the directory cannot be loaded. Returns nullopt when nothing does,
// also when the directory cannot be read.
std::optional<ForeignFiles> find_foreign_files(const std::filesystem::path& directory);

// Returns what to do with a path that should have been a directory and is this file.
std::string advice_for_file(const std::filesystem::path& file);

}  // namespace moebius::internal
