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

}  // namespace

std::span<const PublishedModel> published_models() { return kModels; }

const PublishedModel* largest_model_within(uint64_t bytes) {
  const PublishedModel* largest = nullptr;
  for (const PublishedModel& model : kModels) {
    if (model.gigabytes * 1e9 * kBytesPerFileByte + kRoomBytes <= static_cast<double>(bytes)) largest = &model;
  }
  return largest;
}

std::string download_command(const std::string& name) {
  const size_t slash = name.find('/');
  if (slash != std::string::npos) {
    const bool is_repository = is_name(name.substr(0, slash)) && is_name(name.substr(slash + 1));
    return is_repository ? "hf download " + name : "";
  }
  if (!is_name(name)) return "";
  for (const PublishedModel& model : kModels) {
    if (model.repository.substr(model.repository.find('/') + 1) == name)
      return fmt::format("hf download {}", model.repository);
  }
  return "hf download ORG/" + name;
}

std::optional<std::string> repository_of_entry(std::string entry) {
  if (!entry.starts_with(kHubEntryPrefix)) return std::nullopt;
  entry.erase(0, kHubEntryPrefix.size());
  if (const size_t at = entry.find("--"); at != std::string::npos) entry.replace(at, 2, "/");
  return entry;
}

std::string download_command_into(const std::filesystem::path& directory) {
  for (const std::filesystem::path& part : directory) {
    if (const auto repository = repository_of_entry(part.string())) return download_command(*repository);
  }
  const std::string command = download_command(directory.string());
  return command.empty() ? "" : fmt::format("{} --local-dir {}", command, directory.string());
}

}  // namespace moebius::internal
