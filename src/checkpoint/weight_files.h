// Decides which files of a directory hold the weights. Directories are published in three ways: one model.safetensors,
// shards with an index, and shards alone. They are also left behind by conversions, by downloads that broke off, and by
// updates, and then an index or a shard may be of another checkpoint. The files decide: an index only names some.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace moebius::internal {

constexpr const char* kIndexName = "model.safetensors.index.json";

struct WeightFiles {
  std::vector<std::string> names;  // plain file names, ascending
  std::string
      left_out;  // which other model*.safetensors is not read, as the hint of a message; empty when there is none
};

// Gives the files that transformers or mlx-lm would load, in this order:
// 1. the shards of the index, when all are there, unless model.safetensors is there and is none of them (transformers);
// 2. model.safetensors (transformers);
// 3. numbered shards of which none is missing: model-00001-of-00002.safetensors, ... (mlx-lm, which reads no index);
// 4. every model*.safetensors without a number. These also go with 2 and 3, because they may hold a draft head.
//
// Throws kMissingShard when some shards are there and others are not, kMissingInput when there are no weights, which
// says what is there instead, and the errors of parse_shard_index().
WeightFiles find_weight_files(const std::filesystem::path& directory);

// Returns the shard in which the index places a tensor, and nullopt when it does not place it or cannot be read.
// canonical: see name_in(). The index is read again, because it is needed only for messages and may be large.
std::optional<std::string> shard_in_index(const std::filesystem::path& directory, const Json& config,
                                          std::string_view canonical);

// What to do, and the command that downloads into the directory where its repository is known.
std::string advice(const std::string& what, const std::filesystem::path& directory);

}  // namespace moebius::internal
