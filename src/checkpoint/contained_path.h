// Decides which files a checkpoint may use: those of its own directory. A symbolic link may leave the directory only
// for the blobs of the Hugging Face cache entry of which the directory is a snapshot (models--X/snapshots/REV/FILE ->
// models--X/blobs/HASH).
#pragma once

#include <filesystem>

namespace moebius::internal {

// Returns directory / file_name. Throws kPathEscape when a link leads out of the allowed directories. The file need not
// exist.
std::filesystem::path contained_path(const std::filesystem::path& directory, const std::filesystem::path& file_name);

}  // namespace moebius::internal
