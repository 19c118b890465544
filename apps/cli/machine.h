// Facts about this machine and this process that commands report or decide by: CPU, instruction sets, threads, memory.
// Read from the kernel each time; nothing is cached, nothing is printed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moebius::internal::apps {

std::string cpu_name();
int logical_cpus();              // of the machine
int allowed_cpus();              // in this process's affinity mask
double quota_cpus();             // of the cgroup; 0 without a quota
uint64_t peak_resident_bytes();  // VmHWM
uint64_t probe_buffer_bytes();   // of the bandwidth probe: 1 GiB, less on a machine that is nearly full
std::string huge_page_mode();    // "madvise", "always", "never"; empty when the kernel does not say

// The cpu backend's instruction sets that this machine has, best last.
std::vector<std::string> available_isas();
// isa: as given by --isa, may be empty. "avx512"
std::string chosen_isa(const std::string& backend, const std::string& isa);
// threads: as given by --threads, 0 for the default.
int chosen_threads(int threads);

// "moebius 0.1.0, commit abc, GNU 12.2.0, instruction sets portable avx2 avx512 (this machine: portable avx2)"
std::string version_line();

}  // namespace moebius::internal::apps
