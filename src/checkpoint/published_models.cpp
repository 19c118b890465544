// See published_models.h.
#include "checkpoint/published_models.h"

#include <fmt/format.h>

#include <algorithm>

namespace moebius::internal {
namespace {

// Sizes as the repositories had them in November 2026.
constexpr PublishedModel kModels[] = {{"mlx-community/Qwen3.5-9B-4bit", 6.0},
                                      {"andrevp/Qwen3.6-35B-A3B-3bit-MLX", 15.2},
                                      {"mlx-community/Qwen3.6-35B-A3B-4bit", 20.4},
                                      {"mlx-community/Qwen3-Coder-Next-4bit", 45.6},
                                      {"mlx-community/Qwen3.5-122B-A10B-4bit", 69.6}};

// Packed weights take up to 1.05 of the files (README, "Lean"); caches and the system get two gigabytes.
constexpr double kBytesPerFileByte = 1.05;
constexpr double kRoomBytes = 2e9;

bool may_be_in_a_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool is_name(std::string_view text) {
  return !text.empty() && text.front() != '.' && std::ranges::all_of(text, may_be_in_a_name);
}

// A branch, a tag or a commit, such as "main", "v1.0", "refs/pr/1".
bool is_revision(std::string_view text) {
  return !text.empty() && text.front() != '-' &&
         std::ranges::all_of(text, [](char c) { return c == '/' || may_be_in_a_name(c); });
}

// The name of the repository with its organisation, or "" for a text that cannot be a name.
std::string repository_named(const std::string& name) {
  const size_t slash = name.find('/');
  if (slash != std::string::npos) {
    return is_name(name.substr(0, slash)) && is_name(name.substr(slash + 1)) ? name : "";
  }
  if (!is_name(name)) return "";
  for (const PublishedModel& model : kModels) {
    if (model.repository.substr(model.repository.find('/') + 1) == name) return std::string(model.repository);
  }
  return "ORG/" + name;
}

}  // namespace

std::span<const PublishedModel> published_models() { return kModels; }

const PublishedModel* largest_model_within(uint64_t bytes) {
  const PublishedModel* largest = nullptr;
  for (const PublishedModel& model : kModels) {
    if (model.gigabytes * 1e9 * kBytesPerFileByte + kRoomBytes <= static_cast<double>(bytes)) largest = &model;
  }
  return largest;
}

std::string download_command(const std::string& name, const std::string& revision) {
  const std::string repository = repository_named(name);
  if (repository.empty()) return "";
  return "hf download " + repository + (is_revision(revision) ? " --revision " + revision : "");
}

std::string download_command_into(const std::filesystem::path& directory) {
  constexpr std::string_view kCacheEntry = "models--";  // of huggingface_hub: models--ORG--NAME/snapshots/COMMIT
  for (auto part = directory.begin(); part != directory.end(); ++part) {
    std::string entry = part->string();
    if (!entry.starts_with(kCacheEntry)) continue;
    entry.erase(0, kCacheEntry.size());
    if (const size_t at = entry.find("--"); at != std::string::npos) entry.replace(at, 2, "/");
    const bool is_snapshot = std::distance(part, directory.end()) > 2 && *std::next(part) == "snapshots";
    return download_command(entry, is_snapshot ? std::next(part, 2)->string() : "");
  }
  const std::string command = download_command(directory.string());
  return command.empty() ? "" : fmt::format("{} --local-dir {}", command, directory.string());
}

}  // namespace moebius::internal
