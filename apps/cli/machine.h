// Facts about this machine and this process that commands report or decide by: CPU, instruction sets, threads, memory.
// Read from the kernel each time; nothing is cached, nothing is printed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "moebius/compute_options.h"

namespace moebius::internal::apps {

std::string cpu_name();
int logical_cpus();              // of the machine
int allowed_cpus();              // in this process's affinity mask
double quota_cpus();             // of the cgroup; 0 without a quota
uint64_t peak_resident_bytes();  // VmHWM
uint64_t probe_buffer_bytes();   // of the bandwidth probe: 1 GiB, less on a machine that is nearly full
std::string huge_page_mode();    // "madvise", "always", "never"; empty when the kernel does not say

// The instruction set that a model runs with: the one that was asked for, or the best that this machine has.
InstructionSet chosen_isa(const ComputeOptions& compute);
// Words such as "portable", "avx2", "avx512".
std::vector<std::string_view> words_of(const std::vector<InstructionSet>& isas);
// threads: as given by --threads, 0 for the default.
int chosen_threads(int threads);

// What `moebius --version` prints: version, commit, compiler, numerics, instruction sets and libraries, in five lines.
std::string version_text();

}  // namespace moebius::internal::apps
