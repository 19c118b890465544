// The one place that knows every backend by name.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"

namespace moebius::internal {

struct BackendOptions {
  std::string backend = "cpu";  // one of backend_names()
  std::string isa = "";         // portable, avx2, avx512; empty: the best this machine has
  int threads = 0;              // up to kMaxThreads; 0: default_thread_count()
  // Of quantized weights. kF32, decoded weights times f32 activations everywhere: reference only.
  ActivationKind activations = ActivationKind::kInt8;
  WeightStore* store = nullptr;  // of packed weights; outlives the backend
};

// What the backend calls its layout of packed weights; empty when it packs nothing.
std::string_view packed_layout(const BackendOptions& options);

// The names that make_backend takes in this build, the default first.
std::vector<std::string_view> backend_names();

// Throws kUsage for an unknown name, kUnavailable when this machine lacks the instruction set.
std::unique_ptr<Backend> make_backend(const BackendOptions& options);

}  // namespace moebius::internal
