// Published checkpoints that moebius runs, with their sizes, and the command that downloads one. The README has the
// same list. This file downloads nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
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
// name of a repository, such as a path.
std::string download_command(const std::string& name);

// How the names of models begin in a cache of huggingface_hub.
inline constexpr std::string_view kHubEntryPrefix = "models--";
// "models--Qwen--Qwen3-30B-A3B" -> "Qwen/Qwen3-30B-A3B". "--" occurs only between the two parts of a name. Returns
// nullopt for an entry that is not a model.
std::optional<std::string> repository_of_entry(std::string entry);

// Returns the command that brings what is missing in a directory. The repository is known for directories of the
// Hugging Face cache, and for those whose path is a name; the command then also says --local-dir. Returns "" for other
// paths.
std::string download_command_into(const std::filesystem::path& directory);

}  // namespace moebius::internal
