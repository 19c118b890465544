// model.safetensors.index.json says which shard holds which tensor. The parser turns its text into validated names and
// opens no file. It is fuzzed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::internal {

constexpr uint64_t kMaxIndexBytes = 64 << 20;
constexpr size_t kMaxIndexTensors = 524'288;
constexpr size_t kMaxShards = 512;  // each shard stays open; the largest published checkpoints have about 200

struct ShardIndex {
  struct Entry {
    std::string tensor;  // as in the file, not canonical
    uint32_t shard = 0;  // index into shards
  };
  std::vector<std::string> shards;  // plain file names, ascending
  std::vector<Entry> tensors;
};

// where: the index file, for messages. Throws kInvalidJson, kJsonDepth, kDuplicateKey, kHeaderTooLarge,
// kTooManyTensors, kBadConfig (no weight_map, or not a map of strings), kPathEscape (a shard name that is not a plain
// file name).
ShardIndex parse_shard_index(std::string_view text, const std::string& where);

}  // namespace moebius::internal
