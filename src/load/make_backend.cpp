// The factories of all backends behind one name each, and what their options may be.
#include "load/make_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "backend/cpu/cpu.h"
#include "backend/reference/reference.h"
#include "base/quote.h"
#include "base/thread_pool.h"
#include "moebius/error.h"
#include "moebius/limits.h"

namespace moebius::internal {
namespace {

Isa parse_isa(const std::string& word) {
  const std::vector<Isa> available = available_isas();
  if (word.empty()) return available.back();
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    if (word != name(isa)) continue;
    if (std::ranges::find(available, isa) != available.end()) return isa;
    throw Error(ErrorCode::kUnavailable, "isa", fmt::format("this machine has no {}", word),
                fmt::format("the best it has is {}", name(available.back())));
  }
  throw Error(ErrorCode::kUsage, "isa", "expected portable, avx2 or avx512, got " + in_quotes(word));
}

std::unique_ptr<Backend> make_cpu(const BackendOptions& options) {
  if (options.activations == ActivationKind::kF32) {
    throw Error(ErrorCode::kUsage, "activations", "the cpu backend multiplies quantized weights with int8 only",
                "f32 activations are what the reference backend is for");
  }
  const int threads = options.threads == 0 ? default_thread_count() : options.threads;
  return make_cpu_backend({.isa = parse_isa(options.isa), .threads = threads, .store = options.store});
}

std::unique_ptr<Backend> make_reference(const BackendOptions& options) {
  return make_reference_backend(options.activations);
}

struct NamedBackend {
  std::string_view name;
  std::unique_ptr<Backend> (*make)(const BackendOptions& options);
};

constexpr NamedBackend kBackends[] = {{"cpu", make_cpu}, {"reference", make_reference}};

}  // namespace

std::vector<std::string_view> backend_names() {
  std::vector<std::string_view> names;
  for (const NamedBackend& backend : kBackends) names.push_back(backend.name);
  return names;
}

std::string_view packed_layout(const BackendOptions& options) {
  return options.backend == "cpu" ? cpu_layout_name() : std::string_view();
}

std::unique_ptr<Backend> make_backend(const BackendOptions& options) {
  if (options.threads < 0 || options.threads > kMaxThreads) {
    throw Error(ErrorCode::kUsage, "threads", fmt::format("expected 0 to {}, got {}", kMaxThreads, options.threads));
  }
  for (const NamedBackend& backend : kBackends) {
    if (backend.name == options.backend) return backend.make(options);
  }
  throw Error(ErrorCode::kUsage, "backend",
              fmt::format("expected {}, got {}", fmt::join(backend_names(), " or "), in_quotes(options.backend)));
}

}  // namespace moebius::internal
