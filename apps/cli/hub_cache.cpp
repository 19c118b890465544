// See cli/hub_cache.h. A value of the environment counts when it is set, even to nothing, because huggingface_hub
// treats it so.
#include "cli/hub_cache.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include "base/file.h"
#include "base/quote.h"
#include "checkpoint/contained_path.h"
#include "checkpoint/foreign_files.h"
#include "checkpoint/published_models.h"
#include "cli/output.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEntryPrefix = "models--";
constexpr const char* kMain = "main";
constexpr uint64_t kMaxRevisionBytes = 1024;
constexpr size_t kCommitDigits = 12;  // of a commit in a list

std::optional<std::string> variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): before any thread starts
  if (value == nullptr) return std::nullopt;
  return value;
}

// Returns the home directory of a user; "" is the user who runs the program, whose $HOME goes first.
std::optional<std::string> home_of(const std::string& user) {
  if (user.empty()) {
    if (std::optional<std::string> home = variable("HOME")) return home;
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread starts
  const passwd* known = user.empty() ? ::getpwuid(::getuid()) : ::getpwnam(user.c_str());
  if (known == nullptr) return std::nullopt;
  return known->pw_dir;
}

// "~/x" -> "/home/ada/x", "~bob/x" -> "/home/bob/x". An unknown user leaves the path as it is.
std::string expand_user(const std::string& path) {
  if (!path.starts_with('~')) return path;
  const size_t end = std::min(path.find('/'), path.size());
  std::optional<std::string> home = home_of(path.substr(1, end - 1));
  if (!home) return path;
  while (home->ends_with('/')) home->pop_back();
  const std::string expanded = *home + path.substr(end);
  return expanded.empty() ? "/" : expanded;
}

bool may_be_in_a_variable(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Replaces $NAME and ${NAME} by the variables that are set, once from left to right, and leaves the others.
std::string expand_variables(const std::string& path) {
  std::string expanded;
  for (size_t at = 0; at < path.size();) {
    size_t end = at + 1;  // behind what is replaced or copied
    std::optional<std::string> value;
    if (path[at] == '$' && end < path.size() && path[end] == '{') {
      const size_t brace = path.find('}', end);
      if (brace != std::string::npos) {
        value = variable(path.substr(end + 1, brace - end - 1));
        end = brace + 1;
      }
    } else if (path[at] == '$') {
      while (end < path.size() && may_be_in_a_variable(path[end])) ++end;
      value = variable(path.substr(at + 1, end - at - 1));
    }
    expanded += value ? *value : path.substr(at, end - at);
    at = end;
  }
  return expanded;
}

// The order of huggingface_hub, which expands `~` again where it uses the path.
std::string expanded(const std::string& path) { return expand_user(expand_variables(expand_user(path))); }

// $HF_HOME, or where it is by default.
fs::path hub_home() {
  if (const std::optional<std::string> home = variable("HF_HOME")) return expand_variables(expand_user(*home));
  const std::string caches = variable("XDG_CACHE_HOME").value_or((fs::path(expand_user("~")) / ".cache").string());
  return expand_variables(expand_user((fs::path(caches) / "huggingface").string()));
}

// "models--Qwen--Qwen3-30B-A3B" -> "Qwen/Qwen3-30B-A3B". No name of a repository has "--".
std::string repository_of(std::string entry) {
  entry.erase(0, kEntryPrefix.size());
  if (const size_t at = entry.find("--"); at != std::string::npos) entry.replace(at, 2, "/");
  return entry;
}

// Tells whether a directory has one of the files that mlx-lm would load.
bool holds_weights(const fs::path& snapshot) {
  std::error_code failed;
  for (fs::directory_iterator at(snapshot, failed), end; !failed && at != end; at.increment(failed)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;  // a file that cannot be examined counts as missing
    if (is_weights(name) && at->exists(ignored)) return true;
  }
  return false;
}

bool is_below_itself(const fs::path& relative) {
  const fs::path normal = relative.lexically_normal();
  return !normal.empty() && normal.is_relative() && *normal.begin() != ".." && *normal.begin() != ".";
}

// Returns the directory that the revision has, whether it is there or not. A branch and a tag are files of refs, and
// anything else is a commit. Returns an empty path for what is no name of a revision.
fs::path directory_of(const fs::path& entry, const std::string& revision) {
  if (!is_below_itself(revision)) return {};
  std::string commit = revision;
  std::error_code ignored;  // a file that cannot be examined counts as missing
  if (const fs::path ref = entry / "refs" / revision; fs::is_regular_file(ref, ignored)) {
    commit = read_text(ref, kMaxRevisionBytes);
    while (commit.ends_with('\n')) commit.pop_back();
  }
  return is_below_itself(commit) ? entry / "snapshots" / commit : fs::path();
}

bool is_there(const fs::path& path) {
  std::error_code ignored;  // a directory that cannot be examined counts as missing
  return !path.empty() && fs::is_directory(path, ignored);
}

// Returns the names that refs has, by the commits that they name.
std::multimap<std::string, std::string> names_of_commits(const fs::path& entry) {
  std::multimap<std::string, std::string> names;
  const fs::path refs = entry / "refs";
  std::error_code failed;
  for (fs::recursive_directory_iterator at(refs, failed), end; !failed && at != end; at.increment(failed)) {
    std::error_code ignored;  // a file that cannot be examined counts as missing
    if (!at->is_regular_file(ignored)) continue;
    const std::string name = at->path().lexically_relative(refs).string();
    names.emplace(directory_of(entry, name).filename().string(), name);
  }
  return names;
}

// "main (a1b2c3d4e5f6), 0123456789ab": the revisions of an entry that are here.
std::string list_of_revisions(const fs::path& entry) {
  const std::multimap<std::string, std::string> names = names_of_commits(entry);
  std::vector<std::string> list;
  for (const std::string& commit : directories_in(entry / "snapshots")) {
    const std::string digits = printable(commit.substr(0, kCommitDigits), kCommitDigits * 4);
    const auto [first, last] = names.equal_range(commit);
    if (first == last) list.push_back(printable(commit, 64));
    for (auto at = first; at != last; ++at) list.push_back(fmt::format("{} ({})", printable(at->second, 64), digits));
  }
  return list.empty() ? "none" : fmt::format("{}", fmt::join(list, ", "));
}

// what: what there is none of.
[[noreturn]] void refuse(const fs::path& entry, const std::string& revision, const std::string& what) {
  const std::string repository = repository_of(entry.filename().string());
  throw Error(ErrorCode::kMissingInput, entry.string(),
              fmt::format("has no {} of {}; there are: {}", what, in_quotes(revision), list_of_revisions(entry)),
              fmt::format("give one of these as {}@REVISION, or download it: `{}`", printable(repository, 256),
                          download_command(repository, revision == kMain ? "" : revision)));
}

fs::path default_snapshot(const fs::path& entry) {
  const fs::path main = directory_of(entry, kMain);
  const bool has_main = is_there(main);
  if (has_main && holds_weights(main)) return main;
  const std::vector<std::string> commits = directories_in(entry / "snapshots");
  std::vector<std::string> whole;
  for (const std::string& commit : commits) {
    if (holds_weights(entry / "snapshots" / commit)) whole.push_back(commit);
  }
  if (whole.size() == 1) {
    if (has_main) note("{}: main has no weights here, so commit {} is taken\n", entry.string(), whole.front());
    return entry / "snapshots" / whole.front();
  }
  if (has_main && whole.empty()) return main;  // opening it says what is missing
  if (commits.size() == 1) return entry / "snapshots" / commits.front();
  refuse(entry, kMain, has_main ? "weights" : "snapshot");
}

}  // namespace

std::vector<std::string> directories_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator at(directory, failed), end; !failed && at != end; at.increment(failed)) {
    std::error_code ignored;  // what cannot be examined counts as missing
    if (at->is_directory(ignored)) names.push_back(at->path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

fs::path hub_cache() {
  std::optional<std::string> cache = variable("HF_HUB_CACHE");
  if (!cache) cache = variable("HUGGINGFACE_HUB_CACHE");
  if (!cache) cache = (hub_home() / "hub").string();
  const std::string path = expanded(*cache);
  return path.empty() ? "." : path;
}

void trust_hub_cache() { set_user_cache(hub_cache()); }

fs::path entry_of(const fs::path& cache, std::string repository) {
  if (const size_t at = repository.find('/'); at != std::string::npos) repository.replace(at, 1, "--");
  return cache / (std::string(kEntryPrefix) + repository);
}

std::vector<std::string> cached_repositories(const fs::path& cache) {
  std::vector<std::string> names;
  for (const std::string& entry : directories_in(cache)) {
    if (entry.starts_with(kEntryPrefix)) names.push_back(repository_of(entry));
  }
  return names;
}

bool has_weights(const fs::path& entry) {
  return std::ranges::any_of(directories_in(entry / "snapshots"),
                             [&](const std::string& commit) { return holds_weights(entry / "snapshots" / commit); });
}

fs::path snapshot_of(const fs::path& entry, const std::string& revision) {
  if (revision.empty()) return default_snapshot(entry);
  const fs::path directory = directory_of(entry, revision);
  if (!is_there(directory)) refuse(entry, revision, "snapshot");
  return directory;
}

}  // namespace moebius::internal::apps
