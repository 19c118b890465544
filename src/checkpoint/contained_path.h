// Which files a checkpoint may bring in: those of its own directory. A symbolic link may leave it only for the blobs of
// the Hugging Face cache entry that the directory is a snapshot of (models--X/snapshots/REV/FILE ->
// models--X/blobs/HASH).
#pragma once

#include <filesystem>

namespace moebius::internal {

// directory / file_name; throws kPathEscape when a link leads it elsewhere. Whether the file exists is not looked at.
std::filesystem::path contained_path(const std::filesystem::path& directory, const std::filesystem::path& file_name);

}  // namespace moebius::internal
