// Calls the factories of the backends and checks the options.
#include "load/make_backend.h"

#include <fmt/format.h>

#include "backend/cpu/cpu.h"
#include "backend/reference/reference.h"
#include "base/thread_pool.h"
#include "moebius/error.h"
#include "moebius/limits.h"

namespace moebius::internal {
namespace {

std::unique_ptr<Backend> make_cpu(const ComputeOptions& options, WeightStore* store) {
  if (options.activations == ActivationKind::kF32) {
    throw Error(ErrorCode::kUsage, "activations", "the cpu backend multiplies quantized weights with int8 only",
                "f32 activations are what the reference backend is for");
  }
  return make_cpu_backend({.isa = options.instruction_set.value_or(available_isas().back()),
                           .threads = options.threads == 0 ? default_thread_count() : options.threads,
                           .store = store});
}

}  // namespace

std::string_view packed_layout(BackendKind backend) {
  return backend == BackendKind::kCpu ? cpu_layout_name() : std::string_view();
}

std::vector<InstructionSet> machine_instruction_sets() { return available_isas(); }

std::unique_ptr<Backend> make_backend(const ComputeOptions& options, WeightStore* store) {
  if (options.threads < 0 || options.threads > kMaxThreads) {
    throw Error(ErrorCode::kUsage, "threads", fmt::format("expected 0 to {}, got {}", kMaxThreads, options.threads));
  }
  switch (options.backend) {
    case BackendKind::kCpu:
      return make_cpu(options, store);
    case BackendKind::kReference:
      return make_reference_backend(options.activations);
  }
  throw Error(ErrorCode::kUsage, "backend", "there is no such backend");
}

}  // namespace moebius::internal
