// See cli/machine.h.
#include "cli/machine.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <unistd.h>

#include <CLI/Version.hpp>
#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/bandwidth_probe.h"
#include "base/thread_pool.h"
#include "load/available_memory.h"
#include "load/make_backend.h"
#include "load/option_words.h"
#include "moebius/version.h"

namespace moebius::internal::apps {
namespace {

// Returns the value of `key` from a file of "key: value" or "key value" lines. Returns "" when there is no such key.
std::string field(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const size_t begin = line.find_first_not_of(": \t", key.size());
    if (begin == key.size()) continue;  // `key` is only the beginning of this line's key
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

// Reads a size that the kernel writes in kB. Returns it in bytes.
uint64_t field_bytes(const char* path, const std::string& key) {
  std::istringstream text(field(path, key));
  uint64_t kilobytes = 0;
  return text >> kilobytes ? kilobytes * 1024 : 0;
}

}  // namespace

std::string cpu_name() {
  const std::string model = field("/proc/cpuinfo", "model name");
  return model.empty() ? "unknown CPU" : model;
}

int logical_cpus() { return static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)); }

int allowed_cpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : logical_cpus();
}

double quota_cpus() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  const bool found = (v2 >> quota >> period) || (v1_quota >> quota && v1_period >> period);
  return found && quota > 0 && period > 0 ? quota / period : 0;
}

uint64_t peak_resident_bytes() { return field_bytes("/proc/self/status", "VmHWM"); }

uint64_t probe_buffer_bytes() {
  const uint64_t available = available_memory_bytes().value_or(4 * BandwidthProbe::kDefaultBytes);
  return std::min<uint64_t>(BandwidthProbe::kDefaultBytes, available / 4);
}

std::string huge_page_mode() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  std::getline(file, line);
  const size_t open = line.find('[');
  const size_t close = line.find(']');
  return open == std::string::npos || close == std::string::npos ? "" : line.substr(open + 1, close - open - 1);
}

InstructionSet chosen_isa(const ComputeOptions& compute) {
  if (compute.backend != BackendKind::kCpu) return InstructionSet::kPortable;  // the reference backend is plain C++
  return compute.instruction_set.value_or(machine_instruction_sets().back());
}

std::vector<std::string_view> words_of(const std::vector<InstructionSet>& isas) {
  std::vector<std::string_view> words;
  for (const InstructionSet isa : isas) words.push_back(word(isa));
  return words;
}

int chosen_threads(int threads) { return threads > 0 ? threads : default_thread_count(); }

std::string version_text() {
  BuildInfo info = build_info();
  info.libraries.emplace_back("CLI11 " CLI11_VERSION);
  return fmt::format(
      "moebius {}\n"
      "commit {}, {}\n"
      "numerics {}: builds with the same number give the same bits\n"
      "instruction sets {} (this machine: {})\n"
      "libraries {}\n",
      info.version, info.commit, info.compiler, kNumericsVersion, fmt::join(option_texts<InstructionSet>(), " "),
      fmt::join(words_of(machine_instruction_sets()), " "), fmt::join(info.libraries, ", "));
}

}  // namespace moebius::internal::apps
