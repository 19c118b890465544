// Published checkpoints that moebius runs, with their sizes, and the command that downloads one. The README has the
// same list. This file downloads nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace moebius::internal {

struct PublishedModel {
  std::string_view repository;  // on Hugging Face
  double gigabytes;             // of its files, in units of 1e9 bytes
};

// Returns the list, the smallest first.
std::span<const PublishedModel> published_models();

// Returns the largest model that leaves room for caches and the system in so much memory; null when none does.
const PublishedModel* largest_model_within(uint64_t bytes);

// Returns "hf download ORG/NAME" for a model that somebody asked for by its name. A name without an organisation gets
// the organisation of the published model with this name, or the word ORG. Returns "" for a text that cannot be the
// name of a repository, such as a path. A revision is a branch, a tag or a commit; an empty one is main.
std::string download_command(const std::string& name, const std::string& revision = "");

// Returns the command that brings what is missing in a directory. The repository and the revision are known for
// directories of the Hugging Face cache. The repository is known for those whose path is a name; the command then also
// says --local-dir. Returns "" for other paths.
std::string download_command_into(const std::filesystem::path& directory);

}  // namespace moebius::internal
