// Implements the search for packed files of packed_weights.h.
#include "load/packed_weights.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFileName = "moebius.packed";
constexpr const char* kNotKept = "warning: no packed weights are kept:";

}  // namespace

std::vector<fs::path> packed_paths(const fs::path& model, const fs::path& cache_directory) {
  std::vector<fs::path> paths = {model / kFileName};
  if (cache_directory.empty()) return paths;
  std::error_code ignored;  // resolving the path cannot fail, because the model was already opened
  const fs::path whole = fs::weakly_canonical(model, ignored);
  paths.push_back(cache_directory / (whole.filename().string() + "-" + fingerprint(whole.string()) + ".packed"));
  return paths;
}

PackedWeights::PackedWeights(const ModelDir& directory, std::string_view layout, const PackedLoading& loading)
    : loading_(loading) {
  const PackedOptions& options = loading_.options;
  if (options.use == PackedUse::kOff || layout.empty()) return;
  key_ = {std::string(layout), directory.fingerprint()};
  const std::vector<fs::path> paths = packed_paths(directory.path(), options.cache_directory);
  find(paths);
  if (reader_ != nullptr) return;
  if (!stale_.empty()) {
    make({stale_});
  } else if (options.use == PackedUse::kMake) {
    make(paths);
  }
}

void PackedWeights::find(const std::vector<fs::path>& paths) {
  for (const fs::path& path : paths) {
    std::error_code ignored;  // a file that cannot be examined counts as missing
    if (!fs::exists(path, ignored)) continue;
    try {
      auto reader = std::make_unique<PackedReader>(path, key_, loading_.progress);
      if (loading_.options.verify) reader->verify();
      reader_ = std::move(reader);
      notice(fmt::format("packed weights: {}", path.string()));
      return;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kInterrupted) throw;
      notice(fmt::format("warning: ignored {}", error.what()));
      stale_ = path;
    }
  }
}

void PackedWeights::make(const std::vector<fs::path>& paths) {
  std::string failure;
  for (const fs::path& path : paths) {
    try {
      std::error_code ignored;  // if this fails, creating the file reports the reason
      fs::create_directories(path.parent_path(), ignored);
      std::optional<ReplacementFile> file = ReplacementFile::create(path);
      if (!file) return notice(fmt::format("{} is being written by another process", path.string()));
      writer_ = std::make_unique<PackedWriter>(std::move(*file), key_);
      return;
    } catch (const Error& error) {
      failure = error.what();
    }
  }
  notice(fmt::format("{} {}", kNotKept, failure));
}

WeightStore* PackedWeights::store() const {
  return reader_ != nullptr ? static_cast<WeightStore*>(reader_.get()) : writer_.get();
}

void PackedWeights::finish() {
  if (writer_ == nullptr) return;
  try {
    writer_->commit();
    notice(fmt::format("packed weights: wrote {}", writer_->path().string()));
  } catch (const Error& error) {
    notice(fmt::format("{} {}", kNotKept, error.what()));
  }
}

void PackedWeights::notice(const std::string& line) const {
  if (loading_.notice) loading_.notice(line);
}

}  // namespace moebius::internal
