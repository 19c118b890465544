// A checkpoint directory: config.json, one safetensors file or shards with an index, and the quantization block.
// Opening it validates everything but reads only headers; afterwards read() gives bytes by tensor name. Names are
// canonical (see canonical_name): the prefixes of the vision wrapper and of MLX are gone, and vision tensors are not
// listed. This file knows no model.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "checkpoint/quantization.h"
#include "checkpoint/safetensors.h"

namespace moebius::internal {

// Gives the canonical name of a tensor: "model.language_model.X" -> "model.X", "language_model.model.X" -> "model.X",
// "language_model.lm_head.X" -> "lm_head.X", "model.mtp.X" -> "mtp.X", and for exports of the bare decoder "layers.X"
// -> "model.layers.X". A vision tensor gives an empty name. Module paths (without `.weight`) follow the same rule.
std::string canonical_name(std::string_view file_name);

// Tells whether config.json is that of a draft head by itself, as MLX tools split it off: its model_type is "..._mtp".
// The tensor names in its files have no "mtp." prefix.
bool is_draft_head(const Json& config);
// Gives canonical_name(), except that "fc.X" becomes "mtp.fc.X" in the directory of a draft head.
std::string name_in(const Json& config, std::string_view file_name);

class ModelDir {
 public:
  // Opens the files of find_weight_files(). Throws kMissingInput, kMissingShard, kPathEscape, kNotRegularFile,
  // kTruncated, kDuplicateKey and what the parsers throw.
  explicit ModelDir(const std::filesystem::path& directory);

  struct Entry {
    TensorInfo info;  // info.name is canonical
    int file = 0;
    mutable uint64_t bytes_read = 0;  // several threads add to it through std::atomic_ref
  };

  [[nodiscard]] const std::filesystem::path& path() const { return directory_; }
  [[nodiscard]] const Json& config() const { return config_; }  // the whole of config.json
  [[nodiscard]] const QuantizationConfig& quantization() const { return quantization_; }
  [[nodiscard]] const std::map<std::string, Entry, std::less<>>& tensors() const { return tensors_; }

  [[nodiscard]] const Entry* find(std::string_view canonical) const;  // nullptr when absent
  // Throws kMissingTensor, which names the tensor, the directory and the shard that should have it.
  [[nodiscard]] const Entry& at(std::string_view canonical) const;
  // "model-00001-of-00002.safetensors: model.norm.weight", for messages.
  [[nodiscard]] std::string where(const Entry& entry) const;

  // Returns a hash of everything that decides what a model of this directory computes: config.json, the header of every
  // weight file, and, in place of their data, the files' sizes, times and inodes.
  [[nodiscard]] std::string fingerprint() const;

  // Reads bytes [offset, offset + out.size()) of a tensor; thread safe. When as many bytes as the tensor has were read,
  // its pages leave the page cache, so that loading does not hold the files twice. They do not leave earlier, because
  // another thread may be about to read the neighbouring rows.
  void read(const Entry& entry, uint64_t offset, std::span<std::byte> out) const;

  [[nodiscard]] uint64_t bytes_read() const { return bytes_read_.load(std::memory_order_relaxed); }  // for progress

 private:
  void open_shards();
  void add_file(File file, SafetensorsHeader header);

  std::filesystem::path directory_;
  Json config_;
  QuantizationConfig quantization_;
  std::vector<File> files_;
  std::string left_out_;                       // of WeightFiles
  std::vector<std::string> header_checksums_;  // one per file
  std::map<std::string, Entry, std::less<>> tensors_;
  mutable std::atomic<uint64_t> bytes_read_{0};
};

}  // namespace moebius::internal
