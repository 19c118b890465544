// Examines what the machine can do: CPU, instruction set, threads, memory, huge pages and read bandwidth.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bandwidth_probe.h"
#include "checkpoint/doctor.h"
#include "checkpoint/published_models.h"
#include "cli/machine.h"
#include "cli/progress.h"
#include "load/available_memory.h"
#include "load/make_backend.h"
#include "load/option_words.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

constexpr uint64_t kLittleMemory = uint64_t{2} << 30;
constexpr int kProbeReads = 5;

void examine_isa(Findings& findings, const CommonOptions& common) {
  const std::vector<InstructionSet> isas = machine_instruction_sets();
  const std::string available = fmt::format("{}", fmt::join(words_of(isas), " "));
  if (const auto chosen = common.engine.compute.instruction_set) {
    if (std::ranges::find(isas, *chosen) == isas.end()) {
      throw Error(ErrorCode::kUnavailable, fmt::format("--isa {}", word(*chosen)),
                  fmt::format("this machine has {}", available), "choose one of these, or leave --isa out");
    }
    findings.pass("instruction set", fmt::format("{}, as --isa says (available: {})", word(*chosen), available));
  } else if (isas.size() == 1) {
    findings.warn("instruction set", available + ": this CPU has neither AVX2 nor AVX-512",
                  "expect a fraction of the speed; any x86-64 server or desktop CPU since 2015 has AVX2");
  } else {
    findings.pass("instruction set", fmt::format("{}, the best of {}", word(isas.back()), available));
  }
}

void examine_threads(Findings& findings, const CommonOptions& common) {
  const int threads = chosen_threads(common.engine.compute.threads);
  const double quota = quota_cpus();
  std::string detail = fmt::format("{} ({} CPUs, {} allowed by affinity", threads, logical_cpus(), allowed_cpus());
  detail += quota > 0 ? fmt::format(", quota {:.1f})", quota) : ", no quota)";
  if (threads > allowed_cpus() || (quota > 0 && threads > quota + 0.5)) {
    findings.warn("threads", detail, "more threads than CPUs wait for each other; give a smaller --threads");
  } else {
    findings.pass("threads", detail);
  }
}

void examine_memory(Findings& findings) {
  const auto available = available_memory_bytes();
  const std::string detail = available ? human_bytes(*available) + " available" : "the system does not say";
  if (available.value_or(0) < kLittleMemory) {
    findings.warn("memory", detail, "end other programs: weights have to fit into memory");
  } else {
    findings.pass("memory", detail);
  }
  const std::string mode = huge_page_mode();
  if (mode == "never" || mode.empty()) {
    findings.warn("huge pages", mode.empty() ? "the kernel does not offer them" : mode,
                  "`echo madvise > /sys/kernel/mm/transparent_hugepage/enabled` as root saves page walks");
  } else {
    findings.pass("huge pages", mode);
  }
}

void advise_model(Findings& findings) {
  const PublishedModel* model = largest_model_within(available_memory_bytes().value_or(0));
  if (model == nullptr) return;
  findings.pass("largest model", fmt::format("{} ({:.1f} GB): {}", model->repository, model->gigabytes,
                                             download_command(std::string(model->repository))));
}

void examine_bandwidth(Findings& findings, const CommonOptions& common) {
  const int threads = chosen_threads(common.engine.compute.threads);
  BandwidthProbe probe(threads, probe_buffer_bytes());
  double best = 0;
  for (int i = 0; i < kProbeReads; ++i) best = std::max(best, probe.measure());
  findings.pass("read bandwidth", fmt::format("{:.1f} GB/s with {} threads, the best of {} reads of {}", best / 1e9,
                                              threads, kProbeReads, human_bytes(probe.bytes())));
}

}  // namespace

void examine_machine(Findings& findings, const CommonOptions& common) {
  findings.pass("cpu", cpu_name());
  findings.attempt("instruction set", [&] { examine_isa(findings, common); });
  examine_threads(findings, common);
  examine_memory(findings);
  advise_model(findings);
  findings.attempt("read bandwidth", [&] { examine_bandwidth(findings, common); });
}

}  // namespace moebius::internal::apps
