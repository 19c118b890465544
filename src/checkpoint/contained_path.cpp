// Links are resolved before anything is opened. A checkpoint must not make us read /etc/shadow or another user's model.
// A link of a stranger's archive looks like one that the user made, so that the place of the checkpoint decides: what
// lies in the user's own cache was put there by the user or by huggingface_hub, which makes no links that a repository
// asks for.
#include "checkpoint/contained_path.h"

#include <sys/stat.h>

#include <algorithm>
#include <string>

#include "moebius/error.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHashDigits = 64;   // of a file in the shared store
constexpr size_t kPrefixDigits = 2;  // of its folder

fs::path& user_cache() {
  static fs::path cache;
  return cache;
}

bool is_below(const fs::path& path, const fs::path& directory) {
  if (directory.empty()) return false;
  const auto [at, rest] = std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
  return at == directory.end();
}

// Returns models--X when the directory is models--X/snapshots/COMMIT or below it, and an empty path otherwise.
fs::path entry_of_snapshot(const fs::path& directory) {
  for (fs::path below = directory; below.has_relative_path(); below = below.parent_path()) {
    const fs::path snapshots = below.parent_path();
    const fs::path entry = snapshots.parent_path();
    if (snapshots.filename() == "snapshots" && entry.filename().string().starts_with("models--")) return entry;
  }
  return {};
}

// The shared store has the file of hash abcd... as CACHE/blobs/ab/abcd...
bool is_shared_blob(const fs::path& file, const fs::path& cache) {
  const std::string hash = file.filename().string();
  const bool is_hash = hash.size() == kHashDigits && hash.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_hash && file.parent_path() == cache / "blobs" / hash.substr(0, kPrefixDigits);
}

bool is_blob_of(const fs::path& file, const fs::path& directory) {
  const fs::path entry = entry_of_snapshot(directory);
  return !entry.empty() && (is_below(file, entry / "blobs") || is_shared_blob(file, entry.parent_path()));
}

// Returns the path without links resolved: absolute, without "." and "..", and without a separator at its end.
fs::path as_given(const fs::path& path) {
  std::error_code ignored;  // there is always a working directory
  const fs::path normal = fs::absolute(path, ignored).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

// The user's cache may itself be reached through a link, and an entry of it may be a link to another disk.
bool is_in_user_cache(const fs::path& path) {
  std::error_code failed;  // then the path is empty, and nothing is below it
  return is_below(as_given(path), as_given(user_cache())) ||
         is_below(fs::weakly_canonical(path, failed), fs::weakly_canonical(user_cache(), failed));
}

bool have_same_owner(const fs::path& directory, const fs::path& file) {
  struct stat of_directory{};
  struct stat of_file{};
  return ::stat(directory.c_str(), &of_directory) == 0 && ::stat(file.c_str(), &of_file) == 0 &&
         of_directory.st_uid == of_file.st_uid;
}

bool is_allowed_by_user(const fs::path& directory, const fs::path& file) {
  if (user_cache().empty()) return false;
  return is_in_user_cache(file) || (is_in_user_cache(directory) && have_same_owner(directory, file));
}

}  // namespace

void set_user_cache(const fs::path& cache) { user_cache() = cache; }

fs::path contained_path(const fs::path& directory, const fs::path& file_name) {
  const fs::path path = directory / file_name;
  std::error_code failed;
  const fs::path real_directory = fs::canonical(directory, failed);
  if (failed) return path;                                   // opening the file says what is wrong
  const fs::path real = fs::weakly_canonical(path, failed);  // of a link to nothing, the link itself
  if (failed || is_below(real, real_directory) || is_blob_of(real, real_directory)) return path;
  if (is_allowed_by_user(directory, real)) return path;
  throw Error(ErrorCode::kPathEscape, path.string(), "is a link to " + real.string() + ", outside the checkpoint",
              "copy the file into the directory, link the directory as a whole, or set HF_HUB_CACHE if it lies in a "
              "cache of yours");
}

}  // namespace moebius::internal
