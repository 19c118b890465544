// The cache has the layout of huggingface_hub: models--ORG--NAME/refs/main holds a revision REV, and the files of that
// revision are below snapshots/REV.
#include "cli/model_location.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <vector>

#include "base/file.h"
#include "base/quote.h"
#include "checkpoint/published_models.h"
#include "cli/help.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxRevisionBytes = 1024;

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread starts
  return value == nullptr ? "" : value;
}

// Returns the names of the directories in `directory`. Returns none when it cannot be read.
std::vector<std::string> directories_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator at(directory, failed), end; !failed && at != end; at.increment(failed)) {
    if (at->is_directory(failed)) names.push_back(at->path().filename().string());
  }
  return names;
}

fs::path entry_of(const fs::path& cache, std::string repository) {
  if (const size_t at = repository.find('/'); at != std::string::npos) repository.replace(at, 1, "--");
  return cache / (std::string(kHubEntryPrefix) + repository);
}

std::vector<std::string> cached_repositories(const fs::path& cache) {
  std::vector<std::string> names;
  for (const std::string& entry : directories_in(cache)) {
    if (const auto repository = repository_of_entry(entry)) names.push_back(*repository);
  }
  return names;
}

// Returns the directory of the revision that refs/main names. Without refs/main (a download by commit), returns the
// only snapshot there is.
std::string snapshot_of(const fs::path& entry) {
  const fs::path main = entry / "refs" / "main";
  if (fs::exists(main)) {
    std::string revision = read_text(main, kMaxRevisionBytes);
    while (!revision.empty() && revision.back() == '\n') revision.pop_back();
    const fs::path snapshot = entry / "snapshots" / fs::path(revision).filename();
    if (fs::is_directory(snapshot)) return snapshot.string();
  }
  const std::vector<std::string> snapshots = directories_in(entry / "snapshots");
  if (snapshots.size() == 1) return (entry / "snapshots" / snapshots.front()).string();
  throw Error(ErrorCode::kMissingInput, entry.string(),
              fmt::format("has {} snapshots, and refs/main names none of them", snapshots.size()),
              fmt::format("{} again, or give the directory of a snapshot", download_command_into(entry)));
}

std::string last_part(const std::string& name) { return name.substr(name.rfind('/') + 1); }

// Returns the repositories that `name` may mean: the one with exactly this name, or those whose last part is `name`.
std::vector<std::string> matches(const std::string& name, const std::vector<std::string>& repositories) {
  std::vector<std::string> found;
  for (const std::string& repository : repositories) {
    if (repository == name) return {name};
    if (last_part(repository) == name) found.push_back(repository);
  }
  return found;
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

// Returns the hint about a model that is not there. `near` is the nearest name that is there, or empty.
std::string advice(const std::string& name, const std::string& near) {
  const std::string download = download_command(name);
  std::string text = near.empty() ? "" : fmt::format("did you mean {}? ", in_quotes(near));
  if (!download.empty()) {
    text += fmt::format("`{}` downloads it (pipx install huggingface_hub)", download);
  } else if (near.empty()) {
    text =
        "give the directory of a checkpoint, or the name of a downloaded one; README.md lists some for each size of "
        "memory";
  }
  return text;
}

[[noreturn]] void fail(const std::string& name, const fs::path& cache, const std::vector<std::string>& repositories) {
  throw Error(ErrorCode::kMissingInput, name,
              cache.empty() ? "there is no such directory"
                            : fmt::format("there is no such directory, and no such model in {}", cache.string()),
              advice(name, suggestion(name, repositories)));
}

}  // namespace

fs::path hugging_face_cache() {
  if (const std::string cache = variable("HF_HUB_CACHE"); !cache.empty()) return cache;
  if (const std::string home = variable("HF_HOME"); !home.empty()) return fs::path(home) / "hub";
  const std::string home = variable("HOME");
  return home.empty() ? fs::path() : fs::path(home) / ".cache/huggingface/hub";
}

std::string locate_model(const std::string& name) {
  if (name.empty() || fs::exists(name)) return name;
  const fs::path cache = hugging_face_cache();
  const std::vector<std::string> repositories = cached_repositories(cache);
  const std::vector<std::string> found = matches(name, repositories);
  if (found.size() > 1) {
    throw Error(ErrorCode::kUsage, name, fmt::format("may be any of {}", fmt::join(found, ", ")), "give it in full");
  }
  if (found.empty()) fail(name, cache, repositories);
  return snapshot_of(entry_of(cache, found.front()));
}

}  // namespace moebius::internal::apps
