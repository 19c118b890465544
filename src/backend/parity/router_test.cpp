// Parity of router(): sizes, formats, both softmaxes, with and without a shared expert, exact ties, broken rows.
#include <fmt/format.h>

#include "backend/parity/testing/parity.h"

namespace moebius::internal::testing {
namespace {

struct RouterShape {
  int64_t experts, top_k, dim;
  WeightFormat format;
  bool renormalize, shared;
};

void route(const RouterShape& shape, Backend& backend, Results& results) {
  HostMatrix w(shape.experts, shape.dim, shape.format, 1);
  for (int64_t e = 3; e < shape.experts; e += 3) w.copy_row(e, e - 1);  // exact ties
  const HostMatrix gate(1, shape.dim, shape.format, 2);
  RouterArgs args;
  args.shape = {.experts = shape.experts, .top_k = shape.top_k, .shared = shape.shared};
  args.router = upload(backend, w, ActivationKind::kF32);
  if (shape.shared) args.shared_gate = upload(backend, gate, ActivationKind::kF32);
  args.renormalize = shape.renormalize;

  const int64_t slots = args.shape.slots();
  const Routing routing = backend.memory().allocate_routing(kMaxTokens, slots);
  const Tensor x = tensor(backend, activations(kMaxTokens, shape.dim, 3), shape.dim);
  const Tensor bad = tensor(backend, non_finite_activations(5, shape.dim, 4), shape.dim);
  const Tensor zero = output(backend, 2, shape.dim);  // makes all logits equal
  const Norm norm = {tensor(backend, normals(shape.dim, 5), shape.dim), 1e-6f};
  StepLimits limits = limits_of(kMaxTokens);
  limits.router = args.shape;
  backend.operations().reserve(limits);
  const auto step = [&](const std::string& name, const Input& input) {
    backend.operations().router(routing, input, args);
    results.add(name, read_routes(backend, routing, input.x.rows, slots));
  };
  for (const int64_t tokens : kTokenCounts) step(fmt::format("T{}", tokens), {x.first(tokens)});
  step("normed", {x, norm});
  step("non_finite", {bad});
  step("zero", {zero});
}

std::vector<ParityCase> router_cases() {
  std::vector<ParityCase> cases;
  const auto add = [&](const RouterShape& shape) {
    const std::string name = fmt::format("E{}_top{}_{}{}{}", shape.experts, shape.top_k, label(shape.format),
                                         shape.renormalize ? "_chosen" : "_all", shape.shared ? "_shared" : "");
    cases.push_back(single(name, [=](Backend& backend, Results& results) { route(shape, backend, results); }));
  };
  for (const bool renormalize : {true, false}) {
    for (const bool shared : {true, false}) {
      add({4, 1, 100, dense(DType::kF32), renormalize, shared});
      add({8, 8, 64, dense(DType::kBF16), renormalize, shared});
      add({17, 3, 160, affine(4, 32), renormalize, shared});
      add({60, 4, 96, dense(DType::kF16), renormalize, shared});
      add({256, 8, 640, affine(8, 64), renormalize, shared});
      add({512, 10, 128, affine(3, 128, DType::kF16), renormalize, shared});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Router, Parity, on_every_candidate(router_cases()), test_name);

}  // namespace
}  // namespace moebius::internal::testing
