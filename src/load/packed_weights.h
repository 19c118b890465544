// Decides which packed file a load uses, if any: it finds the file, checks it, or lets it be made. The file is beside
// the checkpoint (MODEL/moebius.packed), or in a cache directory when the folder of the checkpoint cannot be written
// to.
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
  std::function<void(const std::string&)> notice;     // receives one line for people
  std::function<void(const LoadProgress&)> progress;  // is called while a file is read in
};

// Returns the paths where the packed file of a checkpoint may be, the best one first.
std::vector<std::filesystem::path> packed_paths(const std::filesystem::path& model,
                                                const std::filesystem::path& cache_directory);

// The packed file that one load found or makes. It must live as long as the backend that uses it.
class PackedWeights {
 public:
  // `layout` is the backend's name for the layout that it packs. A stale, damaged or foreign file is ignored, and a
  // notice says so.
  PackedWeights(const ModelDir& directory, std::string_view layout, const PackedLoading& loading);

  // Returns null when the backend has to use its own memory.
  [[nodiscard]] WeightStore* store() const;
  [[nodiscard]] bool found() const { return reader_ != nullptr; }
  // Completes the file that is being made. Must be called after the last upload. A full disk causes a notice, not an
  // error.
  void finish();

 private:
  void find(const std::vector<std::filesystem::path>& paths);
  void make(const std::vector<std::filesystem::path>& paths);
  void notice(const std::string& line) const;

  PackedKey key_;
  PackedLoading loading_;
  std::filesystem::path stale_;  // a file that was found but must not be used; it is made again
  std::unique_ptr<PackedReader> reader_;
  std::unique_ptr<PackedWriter> writer_;
};

}  // namespace moebius::internal
