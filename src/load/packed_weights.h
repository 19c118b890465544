// Which packed file a load uses, if any: finds it, judges it, has it made. Beside the checkpoint
// (MODEL/moebius.packed), or in a cache directory when that folder cannot be written to.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "load/packed_file.h"
#include "moebius/engine_options.h"

namespace moebius::internal {

struct PackedLoading {
  PackedOptions options;
  std::function<void(const std::string&)> notice;     // one line for people
  std::function<void(const LoadProgress&)> progress;  // while a file is read in
};

// Where the packed file of a checkpoint may be, best first.
std::vector<std::filesystem::path> packed_paths(const std::filesystem::path& model,
                                                const std::filesystem::path& cache_directory);

// What one load found or makes. Lives as long as the backend that uses it.
class PackedWeights {
 public:
  // layout: the backend's name for what it packs. A file that is stale, damaged or foreign is noticed and ignored.
  PackedWeights(const ModelDir& directory, std::string_view layout, const PackedLoading& loading);

  // Null when the backend is to use memory of its own.
  [[nodiscard]] WeightStore* store() const;
  [[nodiscard]] bool found() const { return reader_ != nullptr; }
  // After the last upload: makes the file that was asked for. A full disk is a notice, not an error.
  void finish();

 private:
  void find(const std::vector<std::filesystem::path>& paths);
  void make(const std::vector<std::filesystem::path>& paths);
  void notice(const std::string& line) const;

  PackedKey key_;
  PackedLoading loading_;
  std::filesystem::path stale_;  // found and refused
  std::unique_ptr<PackedReader> reader_;
  std::unique_ptr<PackedWriter> writer_;
};

}  // namespace moebius::internal
