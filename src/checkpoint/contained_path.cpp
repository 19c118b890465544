// Links are resolved before anything is opened. A checkpoint must not make us read /etc/shadow or another user's model.
#include "checkpoint/contained_path.h"

#include <algorithm>

#include "moebius/error.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

bool is_below(const fs::path& path, const fs::path& directory) {
  const auto [at, rest] = std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
  return at == directory.end();
}

// Returns models--X/blobs when the directory is models--X/snapshots/REV, and an empty path otherwise.
fs::path cache_blobs(const fs::path& directory) {
  const fs::path snapshots = directory.parent_path();
  const fs::path entry = snapshots.parent_path();
  const bool is_snapshot = snapshots.filename() == "snapshots" && entry.filename().string().starts_with("models--");
  return is_snapshot ? entry / "blobs" : fs::path();
}

}  // namespace

fs::path contained_path(const fs::path& directory, const fs::path& file_name) {
  const fs::path path = directory / file_name;
  std::error_code failed;
  const fs::path real_directory = fs::canonical(directory, failed);
  if (failed) return path;  // opening the file says what is wrong
  const fs::path real = fs::weakly_canonical(path, failed);
  if (failed || is_below(real, real_directory)) return path;
  const fs::path blobs = cache_blobs(real_directory);
  if (!blobs.empty() && is_below(real, blobs)) return path;
  throw Error(ErrorCode::kPathEscape, path.string(), "is a link to " + real.string() + ", outside the checkpoint",
              "copy the file into the directory, or link the directory as a whole");
}

}  // namespace moebius::internal
