// The files of a model directory beside its weights: config.json with its quantization block, tokenizer and template.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/dtype.h"
#include "base/json.h"

namespace moebius::internal {

// Adds the block under both names that readers look for: `quantization` and `quantization_config`.
void add_quantization(Json& config, const Json& block);

// Returns the config of the MLX conversion of a model whose config is `source`. It leaves out the vision tower and
// older quantization blocks. model_type: the normalised type, because mlx-lm reads text-only exports under that type
// alone.
Json converted_config(const Json& source, const std::string& model_type, const Json& quantization_block);

// Returns the dtype that config.json says the weights have, or nullopt when it says nothing.
std::optional<DType> config_dtype(const Json& config);

void write_config(const std::filesystem::path& directory, const Json& config);

// Copies what belongs to the text side: tokenizer, vocabulary, special tokens, chat template, generation settings.
void copy_text_files(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace moebius::internal
