// Facts about this machine and this process that commands report or decide by: CPU, instruction sets, threads, memory.
// Each call reads them from the kernel. Nothing is cached, nothing is printed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moebius::internal::apps {

std::string cpu_name();
int logical_cpus();              // CPUs of the machine
int allowed_cpus();              // CPUs in this process's affinity mask
double quota_cpus();             // CPU quota of the cgroup; 0 without a quota
uint64_t peak_resident_bytes();  // VmHWM
uint64_t probe_buffer_bytes();   // buffer of the bandwidth probe: 1 GiB, less when memory is short
std::string huge_page_mode();    // "madvise", "always", "never"; empty when the kernel does not say

// Returns the instruction sets of the cpu backend that this machine has. The best one comes last.
std::vector<std::string> available_isas();
// Returns the instruction set that the backend will use, for example "avx512". `isa` is the value of --isa and may be
// empty.
std::string chosen_isa(const std::string& backend, const std::string& isa);
// Returns the number of threads to use. `threads` is the value of --threads; 0 stands for the default.
int chosen_threads(int threads);

// "moebius 0.1.0, commit abc, GNU 12.2.0, instruction sets portable avx2 avx512 (this machine: portable avx2)"
std::string version_line();

}  // namespace moebius::internal::apps
