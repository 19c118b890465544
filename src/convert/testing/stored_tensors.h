// For tests only: a checkpoint directory as a map of whole tensors, to compare two of them and to write variants.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "checkpoint/model_dir.h"
#include "checkpoint/safetensors.h"
#include "convert/model_files.h"

namespace moebius::internal::testing {

struct StoredTensor {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;

  friend bool operator==(const StoredTensor&, const StoredTensor&) = default;
};
using StoredTensors = std::map<std::string, StoredTensor>;  // by canonical name

inline StoredTensors read_tensors(const std::filesystem::path& directory) {
  const ModelDir model(directory);
  StoredTensors tensors;
  for (const auto& [name, entry] : model.tensors()) {
    StoredTensor& tensor = tensors[name];
    tensor = {entry.info.dtype, entry.info.shape, std::vector<std::byte>(entry.info.bytes)};
    model.read(entry, 0, tensor.bytes);
  }
  return tensors;
}

// Returns the names of the tensors that only one of the two has or that differ.
inline std::vector<std::string> differences(const StoredTensors& a, const StoredTensors& b) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : a) {
    const auto other = b.find(name);
    if (other == b.end() || !(other->second == tensor)) names.push_back(name);
  }
  for (const auto& [name, tensor] : b) {
    if (!a.contains(name)) names.push_back(name);
  }
  return names;
}

inline void write_checkpoint(const std::filesystem::path& directory, const Json& config, const StoredTensors& tensors) {
  std::filesystem::create_directories(directory);
  write_config(directory, config);
  std::vector<SafetensorsWriter::Declaration> declarations;
  for (const auto& [name, tensor] : tensors) declarations.push_back({name, tensor.dtype, tensor.shape});
  SafetensorsWriter writer(directory / "model.safetensors", declarations);
  for (const auto& [name, tensor] : tensors) writer.write(tensor.bytes);
  writer.finish();
}

inline std::filesystem::path golden(const std::string& path) {
  return std::filesystem::path(MOEBIUS_SOURCE_DIR) / "tests" / "golden" / path;
}

}  // namespace moebius::internal::testing
