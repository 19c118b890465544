// Facts about this machine and this process that commands report or decide by: CPU, instruction sets, threads, memory.
// Each call reads them from the kernel. Nothing is cached, nothing is printed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "moebius/compute_options.h"

namespace moebius::internal::apps {

std::string cpu_name();
int logical_cpus();              // CPUs of the machine
int allowed_cpus();              // CPUs in this process's affinity mask
double quota_cpus();             // CPU quota of the cgroup; 0 without a quota
uint64_t peak_resident_bytes();  // VmHWM
uint64_t probe_buffer_bytes();   // buffer of the bandwidth probe: 1 GiB, less when memory is short
std::string huge_page_mode();    // "madvise", "always", "never"; empty when the kernel does not say

// Returns the instruction set that a model runs with: the one that was asked for, or the best of this machine.
InstructionSet chosen_isa(const ComputeOptions& compute);
// Returns the words of --isa, such as "portable" and "avx2".
std::vector<std::string_view> words_of(const std::vector<InstructionSet>& isas);
// Returns the number of threads to use. `threads` is the value of --threads; 0 stands for the default.
int chosen_threads(int threads);

// Returns the five lines of `moebius --version`: version, commit and compiler, numerics, instruction sets, libraries.
std::string version_text();

}  // namespace moebius::internal::apps
