// Decides which files a checkpoint may use. Without links these are the files of its own directory. A symbolic link may
// also lead
// - from a snapshot of the Hugging Face cache (models--X/snapshots/COMMIT) to the blobs of the same entry
// (models--X/blobs)
//   and to the store that the entries of a cache share (blobs/ab/abcd...);
// - into the cache that the user has set, from any checkpoint;
// - out of the cache that the user has set, to a file of the owner of the snapshot. So people keep blobs on another
// disk.
#pragma once

#include <filesystem>

namespace moebius::internal {

// Sets the cache of the user, for the whole process. There is none before the first call, and an empty path sets none.
// The program calls it before it opens anything, because only the program knows the environment that names the cache.
void set_user_cache(const std::filesystem::path& cache);

// Returns directory / file_name. Throws kPathEscape when a link leads anywhere else. The file need not exist.
std::filesystem::path contained_path(const std::filesystem::path& directory, const std::filesystem::path& file_name);

}  // namespace moebius::internal
