// Parity of router(): sizes, formats, both softmaxes, with and without a shared expert; exact ties and broken rows.
#include <fmt/format.h>

#include "backend/parity/testing/parity.h"

namespace moebius::parity {
namespace {

struct RouterShape {
  int64_t experts, top_k, dim;
  WeightFormat format;
  bool renormalize, shared;
};

void route(const RouterShape& shape, Backend& backend, Results& results) {
  testing::HostMatrix w(shape.experts, shape.dim, shape.format, 1);
  for (int64_t e = 3; e < shape.experts; e += 3) w.copy_row(e, e - 1);  // exact ties
  const testing::HostMatrix gate(1, shape.dim, shape.format, 2);
  RouterArgs args;
  args.router = backend.upload(w.spec(ActivationKind::kF32), w);
  if (shape.shared) args.shared_gate = backend.upload(gate.spec(ActivationKind::kF32), gate);
  args.experts = shape.experts;
  args.top_k = shape.top_k;
  args.renormalize = shape.renormalize;

  const int64_t slots = shape.top_k + (shape.shared ? 1 : 0);
  const Routing routing{backend.allocate(DType::kI32, kMaxTokens, slots),
                        backend.allocate(DType::kF32, kMaxTokens, slots)};
  const Tensor x = testing::tensor(backend, testing::activations(kMaxTokens, shape.dim, 3), shape.dim);
  const Tensor bad = testing::tensor(backend, testing::non_finite_activations(5, shape.dim, 4), shape.dim);
  const Tensor zero = backend.allocate(DType::kF32, 2, shape.dim);  // all logits equal
  backend.reserve(kMaxTokens);
  const auto step = [&](const std::string& name, const Tensor& input) {
    const Routing out{routing.ids.first(input.rows), routing.weights.first(input.rows)};
    backend.router(out, input, args);
    results.add(name + "_ids", backend, out.ids);
    results.add(name + "_weights", backend, out.weights);
  };
  for (const int64_t tokens : kTokenCounts) step(fmt::format("T{}", tokens), x.first(tokens));
  step("non_finite", bad);
  step("zero", zero);
}

std::vector<ParityCase> router_cases() {
  std::vector<ParityCase> cases;
  const auto add = [&](const RouterShape& shape) {
    const std::string name = fmt::format("E{}_top{}_{}{}{}", shape.experts, shape.top_k, testing::label(shape.format),
                                         shape.renormalize ? "_chosen" : "_all", shape.shared ? "_shared" : "");
    cases.push_back(single(name, [=](Backend& backend, Results& results) { route(shape, backend, results); }));
  };
  for (const bool renormalize : {true, false}) {
    for (const bool shared : {true, false}) {
      add({4, 1, 100, testing::dense(DType::kF32), renormalize, shared});
      add({8, 8, 64, testing::dense(DType::kBF16), renormalize, shared});
      add({17, 3, 160, testing::affine(4, 32), renormalize, shared});
      add({60, 4, 96, testing::dense(DType::kF16), renormalize, shared});
      add({256, 8, 640, testing::affine(8, 64), renormalize, shared});
      add({512, 10, 128, testing::affine(3, 128, DType::kF16), renormalize, shared});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Router, Parity, every_isa(router_cases()), test_name);

}  // namespace
}  // namespace moebius::parity
