// Reads MemAvailable of /proc/meminfo and the limits of cgroup v2 and v1. Page cache that can be dropped counts as free
// everywhere, because a loader has just read gigabytes of files.
#include "load/available_memory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kUnlimited = uint64_t{1} << 60;  // cgroup v1 writes "no limit" as a number near 2^63

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

std::optional<uint64_t> read_number(const fs::path& path) {
  std::ifstream file(path);
  std::string word;
  return file >> word ? parse_number(word) : std::nullopt;
}

// Returns the number after a word at the start of a line: "MemAvailable:  123 kB", "inactive_file 123".
std::optional<uint64_t> read_field(const fs::path& path, std::string_view field) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word, number;
    if (words >> word >> number && word == field) return parse_number(number);
  }
  return std::nullopt;
}

struct GroupFiles {
  const char* limit;
  const char* usage;
  const char* cache;  // the field of memory.stat for page cache that can be dropped
};
constexpr GroupFiles kVersion2{"memory.max", "memory.current", "inactive_file"};
constexpr GroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};

std::optional<uint64_t> group_bytes(const fs::path& group, const GroupFiles& files) {
  const auto limit = read_number(group / files.limit);
  const auto usage = read_number(group / files.usage);
  if (!limit || !usage || *limit >= kUnlimited) return std::nullopt;
  const uint64_t cache = read_field(group / "memory.stat", files.cache).value_or(0);
  const uint64_t held = *usage - std::min(*usage, cache);
  return *limit - std::min(*limit, held);
}

// Returns the path of this process' control group. A line of /proc/self/cgroup has it: "0::/a/b" or "4:memory:/a/b".
std::string group_path(const fs::path& root, std::string_view controllers) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    if (line.substr(first + 1, second - first - 1) == controllers) return line.substr(second + 1);
  }
  return "/";
}

// Returns the smallest number of bytes that a group and the groups above it leave. The limits of the groups above hold
// too, so every group up to the mount is read.
std::optional<uint64_t> smallest_of_groups(const fs::path& mount, fs::path group, const GroupFiles& files) {
  std::optional<uint64_t> smallest;
  for (;;) {
    const auto bytes = group_bytes(mount / group.relative_path(), files);
    if (bytes) smallest = std::min(*bytes, smallest.value_or(*bytes));
    if (!group.has_relative_path()) return smallest;
    group = group.parent_path();
  }
}

}  // namespace

std::optional<uint64_t> available_memory_bytes(const fs::path& root) {
  std::optional<uint64_t> available = read_field(root / "proc/meminfo", "MemAvailable:");
  if (available) *available *= 1024;
  const fs::path mount = root / "sys/fs/cgroup";
  for (const auto& bytes : {smallest_of_groups(mount, group_path(root, ""), kVersion2),
                            smallest_of_groups(mount / "memory", group_path(root, "memory"), kVersion1)}) {
    if (bytes) available = std::min(*bytes, available.value_or(*bytes));
  }
  return available;
}

}  // namespace moebius::internal
