// The factories of all backends behind one name each.
#include "engine/make_backend.h"

#include <fmt/format.h>

#include "backend/reference/reference.h"
#include "moebius/error.h"

namespace moebius {

std::unique_ptr<Backend> make_backend(const BackendOptions& options) {
  if (options.backend == "reference") return make_reference_backend(options.f32_activations);
  if (options.backend == "cpu") throw Error(ErrorCode::kUnavailable, "--backend", "cpu is not in this build yet");
  throw Error(ErrorCode::kUsage, "--backend", fmt::format("expected reference or cpu, got '{}'", options.backend));
}

}  // namespace moebius
