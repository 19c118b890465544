// The cache that huggingface_hub keeps of downloaded models: where it is, and what it holds. HUB/models--ORG--NAME/refs
// has a file for each branch and tag, with the commit that it names. The files of a commit are below snapshots/COMMIT.
// The rules are those of huggingface_hub (constants.py, snapshot_download). Nothing is downloaded or written.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace moebius::internal::apps {

// Returns $HF_HUB_CACHE, or $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub or
// ~/.cache/huggingface/hub, whichever is set first. `~`, `~USER`, `$NAME` and `${NAME}` in the values are expanded. The
// path may be relative to the working directory.
std::filesystem::path hub_cache();

// Allows the links of checkpoints that lead into or out of this cache (checkpoint/contained_path.h). main() calls it.
void trust_hub_cache();

// "Org/Name" <-> HUB/models--Org--Name.
std::filesystem::path entry_of(const std::filesystem::path& cache, std::string repository);
std::vector<std::string> cached_repositories(const std::filesystem::path& cache);  // in the order of their names

// Returns the names of the directories in `directory`, sorted. Returns none when it cannot be read.
std::vector<std::string> directories_in(const std::filesystem::path& directory);

// Tells whether some commit of the entry has files of weights here.
bool has_weights(const std::filesystem::path& entry);

// Finds the files of a revision: a branch, a tag or a commit.
//
// Without a revision these are the files of main. A tokenizer by itself may have been fetched from a newer commit than
// the weights; so when main has no weights here and one other commit has, the files are those of that commit. Without
// refs/main, because the download was by commit, they are those of the only commit. Throws kMissingInput, which lists
// the revisions that are there.
std::filesystem::path snapshot_of(const std::filesystem::path& entry, const std::string& revision);

}  // namespace moebius::internal::apps
