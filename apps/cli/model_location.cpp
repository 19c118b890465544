// See cli/model_location.h. What the cache holds is in cli/hub_cache.cpp.
#include "cli/model_location.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <vector>

#include "base/quote.h"
#include "checkpoint/published_models.h"
#include "cli/help.h"
#include "cli/hub_cache.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

namespace fs = std::filesystem;

// What a person typed: "Org/Name", "Name", "Org/Name@revision" or a path.
struct Asked {
  std::string text;
  std::string repository;
  std::string revision;  // empty: main
};

// No name of a repository has an "@"; a path may have one.
Asked parse(const std::string& text) {
  const size_t at = text.find('@');
  if (at == std::string::npos || download_command(text.substr(0, at)).empty()) return {text, text, ""};
  return {text, text.substr(0, at), text.substr(at + 1)};
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('/') + 1); }

// Returns the repositories that `name` may mean: the one with exactly this name, or those whose last part is `name`. Of
// several, one that has weights goes before those of which only a tokenizer is here.
std::vector<std::string> matches(const std::string& name, const fs::path& cache,
                                 const std::vector<std::string>& repositories) {
  std::vector<std::string> found;
  for (const std::string& repository : repositories) {
    if (repository == name) return {name};
    if (last_part(repository) == name) found.push_back(repository);
  }
  std::vector<std::string> whole;
  for (const std::string& repository : found) {
    if (has_weights(entry_of(cache, repository))) whole.push_back(repository);
  }
  return whole.empty() ? found : whole;
}

// Returns the nearest cached name, in full or its last part. Without one, returns the nearest directory beside the
// path.
std::string suggestion(const std::string& name, const std::vector<std::string>& repositories) {
  std::vector<std::string> names = repositories;
  for (const std::string& repository : repositories) names.push_back(last_part(repository));
  if (const std::string near = closest(name, names); !near.empty()) return near;
  const fs::path path = fs::path(name).lexically_normal();
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const std::string near = closest(path.filename().string(), directories_in(parent));
  return near.empty() || !path.has_parent_path() ? near : (parent / near).string();
}

// What to do about a model that is not there. near: the nearest name that is there, or empty.
std::string advice(const Asked& asked, const std::string& near) {
  const std::string download = download_command(asked.repository, asked.revision);
  std::string text = near.empty() ? "" : fmt::format("did you mean {}? ", in_quotes(near));
  if (!download.empty()) {
    text += fmt::format("`{}` downloads it (pip install huggingface_hub)", download);
  } else if (near.empty()) {
    text =
        "give the directory of a checkpoint, or the name of a downloaded one; README.md lists some for each size of "
        "memory";
  }
  return text;
}

[[noreturn]] void fail(const Asked& asked, const fs::path& cache, const std::vector<std::string>& repositories) {
  throw Error(ErrorCode::kMissingInput, asked.text,
              fmt::format("there is no such directory, and no such model in {}", cache.string()),
              advice(asked, suggestion(asked.repository, repositories)));
}

}  // namespace

std::string locate_model(const std::string& name) {
  std::error_code ignored;  // what cannot be examined counts as missing
  if (name.empty() || fs::exists(name, ignored)) return name;
  const Asked asked = parse(name);
  const fs::path cache = hub_cache();
  const std::vector<std::string> repositories = cached_repositories(cache);
  const std::vector<std::string> found = matches(asked.repository, cache, repositories);
  if (found.size() > 1) {
    throw Error(ErrorCode::kUsage, name, fmt::format("may be any of {}", fmt::join(found, ", ")), "give it in full");
  }
  if (found.empty()) fail(asked, cache, repositories);
  return snapshot_of(entry_of(cache, found.front()), asked.revision).string();
}

}  // namespace moebius::internal::apps
