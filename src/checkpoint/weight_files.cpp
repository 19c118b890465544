// See checkpoint/weight_files.h. The rules are those of _get_resolved_checkpoint_files in transformers, which takes
// model.safetensors before an index, and of load_model in mlx-lm, which takes every model*.safetensors and reads no
// index.
#include "checkpoint/weight_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/file.h"
#include "base/quote.h"
#include "checkpoint/contained_path.h"
#include "checkpoint/foreign_files.h"
#include "checkpoint/model_dir.h"
#include "checkpoint/published_models.h"
#include "checkpoint/shard_index.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWhole = "model.safetensors";
constexpr std::string_view kSuffix = ".safetensors";
constexpr size_t kNumberDigits = 5;

using Names = std::set<std::string, std::less<>>;

bool is_there(const fs::path& directory, std::string_view name) {
  std::error_code ignored;  // a file that cannot be examined counts as missing
  return fs::exists(directory / name, ignored);
}

// Lists the files that mlx-lm would load. A link to nothing is none of them.
Names model_files(const fs::path& directory, std::error_code& failed) {
  Names names;
  for (fs::directory_iterator entry(directory, failed), end; !failed && entry != end; entry.increment(failed)) {
    std::string name = entry->path().filename().string();
    if (is_weights(name) && is_there(directory, name)) names.insert(std::move(name));
  }
  return names;
}

// The shards model-00001-of-00003.safetensors, ... of one conversion are a series.
struct Series {
  std::string head;  // "model-"
  uint32_t count = 0;
  auto operator<=>(const Series&) const = default;
  [[nodiscard]] std::string shard(uint32_t number) const {
    return fmt::format("{}{:0{}}-of-{:0{}}{}", head, number, kNumberDigits, count, kNumberDigits, kSuffix);
  }
};

uint32_t number_in(std::string_view digits) {
  uint32_t number = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return failed == std::errc() && end == digits.data() + digits.size() ? number : 0;
}

// Returns the series of a shard, and nullopt for a file without numbers.
std::optional<Series> series_of(std::string_view name) {
  constexpr std::string_view kOf = "-of-";
  constexpr size_t kTail = kNumberDigits + kOf.size() + kNumberDigits;
  if (!name.ends_with(kSuffix) || name.size() < kTail + kSuffix.size()) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  const std::string_view tail = name.substr(name.size() - kTail);
  const uint32_t number = number_in(tail.substr(0, kNumberDigits));
  const uint32_t count = number_in(tail.substr(kTail - kNumberDigits));
  if (tail.substr(kNumberDigits, kOf.size()) != kOf || number == 0 || number > count) return std::nullopt;
  return Series{std::string(name.substr(0, name.size() - kTail)), count};
}

// The model files of a directory without an index: series, and files without numbers.
struct Found {
  std::map<Series, Names> series;
  Names single;
};

Found sort_out(const Names& names) {
  Found found;
  for (const std::string& name : names) {
    const std::optional<Series> series = series_of(name);
    (series ? found.series[*series] : found.single).insert(name);
  }
  return found;
}

[[noreturn]] void refuse_missing(const fs::path& directory, std::string_view shard, std::string_view named_by) {
  throw Error(ErrorCode::kMissingShard, (directory / shard).string(),
              fmt::format("is missing, but {} names it", named_by),
              advice("the download is incomplete: fetch the missing shard", directory));
}

// Refuses the first series, of which shards are missing.
[[noreturn]] void refuse_missing(const fs::path& directory, const Found& found) {
  const auto& [series, names] = *found.series.begin();
  uint32_t number = 1;
  while (names.contains(series.shard(number))) ++number;  // ends, because some number is missing
  refuse_missing(directory, series.shard(number), *names.begin());
}

[[noreturn]] void refuse_none(const fs::path& directory) {
  const std::optional<ForeignFiles> foreign = find_foreign_files(directory);
  throw Error(
      ErrorCode::kMissingInput, directory.string(),
      fmt::format("has neither {} nor model*.safetensors{}", kIndexName, foreign ? ", but it " + foreign->what : ""),
      foreign ? foreign->hint : advice("download the weights of the checkpoint as well", directory));
}

std::optional<ShardIndex> read_index(const fs::path& directory) {
  const fs::path path = contained_path(directory, kIndexName);
  std::error_code ignored;  // reading the file says what is wrong
  if (!fs::exists(fs::symlink_status(path, ignored))) return std::nullopt;
  return parse_shard_index(read_text(path, kMaxIndexBytes), path.string());
}

// The files of an index, and what is missing of them.
struct Named {
  explicit Named(const fs::path& directory, const ShardIndex& index) : names(index.shards.begin(), index.shards.end()) {
    for (const std::string& name : names) (is_there(directory, name) ? there : missing).insert(name);
  }
  // Returns a shard that is missing while others of its series are there. Without such a shard, the index is of another
  // checkpoint or names an extra file.
  [[nodiscard]] std::optional<std::string> unfinished() const {
    for (const std::string& lost : missing) {
      const std::optional<Series> series = series_of(lost);
      const auto is_beside = [&](const std::string& name) { return series_of(name) == series; };
      if (series && std::ranges::any_of(there, is_beside)) return lost;
    }
    return std::nullopt;
  }

  Names names, there, missing;
};

// Chooses among the files that are there, which are at least one.
Names choose(const fs::path& directory, const Names& there, const std::optional<Named>& named) {
  const bool whole_is_outside = there.contains(kWhole) && !(named && named->names.contains(kWhole));
  if (named && named->missing.empty() && !whole_is_outside) return named->names;
  const Found found = sort_out(there);
  Names chosen = found.single;
  if (chosen.contains(kWhole)) return chosen;
  const std::optional<std::string> unfinished = named ? named->unfinished() : std::nullopt;
  if (unfinished) refuse_missing(directory, *unfinished, kIndexName);
  bool has_series = false;
  for (const auto& [series, names] : found.series) {
    if (names.size() != series.count) continue;
    has_series = true;
    chosen.insert(names.begin(), names.end());
  }
  if (!has_series && named) refuse_missing(directory, *named->missing.begin(), kIndexName);
  if (!has_series && !found.series.empty()) refuse_missing(directory, found);
  return chosen;
}

// Names one file that is read and one that is not.
std::string left_out(const Names& chosen, const Names& there) {
  const auto unused = std::ranges::find_if(there, [&](const std::string& name) { return !chosen.contains(name); });
  if (unused == there.end()) return "";
  return fmt::format("{} is read and {} is not: remove what is of another checkpoint", in_quotes(*chosen.begin()),
                     in_quotes(*unused));
}

}  // namespace

std::string advice(const std::string& what, const fs::path& directory) {
  const std::string command = download_command_into(directory);
  return command.empty() ? what : fmt::format("{}: `{}`", what, command);
}

WeightFiles find_weight_files(const fs::path& directory) {
  std::error_code failed;
  const Names there = model_files(directory, failed);
  std::optional<Named> named;
  if (const std::optional<ShardIndex> index = read_index(directory)) named.emplace(directory, *index);
  if (!named && failed) {
    throw Error(ErrorCode::kUnreadable, directory.string(), failed.message(), "check the permissions");
  }
  if (there.empty() && !named) refuse_none(directory);
  if (there.empty() && !named->missing.empty()) refuse_missing(directory, *named->missing.begin(), kIndexName);
  const Names chosen = choose(directory, there, named);
  if (chosen.size() > kMaxShards) {
    throw Error(ErrorCode::kBadConfig, directory.string(), fmt::format("has more than {} weight files", kMaxShards),
                "join them into fewer");
  }
  return {{chosen.begin(), chosen.end()}, left_out(chosen, there)};
}

std::optional<std::string> shard_in_index(const fs::path& directory, const Json& config, std::string_view canonical) {
  try {
    const std::optional<ShardIndex> index = read_index(directory);
    if (!index) return std::nullopt;
    const auto is_it = [&](const ShardIndex::Entry& entry) { return name_in(config, entry.tensor) == canonical; };
    const auto found = std::ranges::find_if(index->tensors, is_it);
    if (found == index->tensors.end()) return std::nullopt;
    return index->shards[found->shard];
  } catch (const Error&) {
    return std::nullopt;  // the caller has a failure to tell already
  }
}

}  // namespace moebius::internal
