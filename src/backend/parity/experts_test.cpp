// Parity of experts() on its three paths, and of expert_slots() in ranges: formats and widths of routed and shared
// experts, uneven routing, broken rows, and the layer shape of the 35B model.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "backend/parity/testing/parity.h"

namespace moebius::internal::testing {
namespace {

struct Group {
  int64_t count = 0;
  int64_t width = 0;
  WeightFormat gate_up, down;
};

struct LayerShape {
  std::string name;
  int64_t dim;
  Group routed, shared;
  int64_t top_k;
  std::vector<int64_t> tokens;
};

struct HostGroup {
  HostGroup(const Group& group, int64_t dim, uint64_t seed)
      : gate(group.count * group.width, dim, group.gate_up, seed),
        up(group.count * group.width, dim, group.gate_up, seed + 1),
        down(group.count * dim, group.width, group.down, seed + 2),
        spec{group.count, group.width, group.gate_up, group.down, &gate, &up, &down} {}
  HostGroup(const HostGroup&) = delete;
  HostGroup& operator=(const HostGroup&) = delete;
  ~HostGroup() = default;
  HostMatrix gate, up, down;
  ExpertGroupSpec spec;
};

struct HostLayer {
  explicit HostLayer(const LayerShape& shape)
      : routed(shape.routed, shape.dim, 1), shared(shape.shared, shape.dim, 11) {}
  HostGroup routed, shared;
};

// Weights are the same for every backend of a case. They are made once, and freed when the next case begins.
const HostLayer& host_layer(const LayerShape& shape) {
  static std::string name;
  static std::unique_ptr<HostLayer> layer;
  if (name != shape.name) {
    layer.reset();
    layer = std::make_unique<HostLayer>(shape);
    name = shape.name;
  }
  return *layer;
}

enum class Spread { kRandom, kSkewed };  // skewed: expert 0 serves every token, the last expert serves none

Routes random_routes(const LayerShape& shape, int64_t tokens, Spread spread) {
  Random random(static_cast<uint64_t>(tokens) + (spread == Spread::kSkewed ? 1000 : 0));
  const int64_t slots = shape.top_k + shape.shared.count;
  Routes routes = {.slots = slots};
  for (int64_t t = 0; t < tokens; ++t) {
    std::vector<int32_t> order(shape.routed.count);
    std::iota(order.begin(), order.end(), 0);
    for (size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[random.below(static_cast<int64_t>(i) + 1)]);
    if (spread == Spread::kSkewed) {
      std::erase(order, 0);
      std::erase(order, static_cast<int32_t>(shape.routed.count - 1));
      order.insert(order.begin(), 0);
    }
    std::sort(order.begin(), order.begin() + shape.top_k);
    routes.ids.insert(routes.ids.end(), order.begin(), order.begin() + shape.top_k);
    if (shape.shared.count > 0) routes.ids.push_back(static_cast<int32_t>(shape.routed.count));
    for (int64_t slot = 0; slot < slots; ++slot) routes.weights.push_back(std::fabs(random.normal(0.3f)));
  }
  return routes;
}

struct Step {
  std::string name;
  Tensor x;
  Routing routing;
};

std::vector<Step> make_steps(const LayerShape& shape, Backend& backend) {
  std::vector<Step> steps;
  const auto routing = [&](int64_t tokens, Spread spread) {
    return routing_of(backend, random_routes(shape, tokens, spread));
  };
  for (const int64_t tokens : shape.tokens) {
    const auto x = tensor(backend, activations(tokens, shape.dim, static_cast<uint64_t>(tokens)), shape.dim);
    steps.push_back({fmt::format("T{}", tokens), x, routing(tokens, Spread::kRandom)});
    if (shape.top_k > shape.routed.count - 1) continue;
    steps.push_back({fmt::format("skewed_T{}", tokens), x, routing(tokens, Spread::kSkewed)});
  }
  const int64_t tokens = shape.tokens.back();
  const auto bad = tensor(backend, non_finite_activations(tokens, shape.dim, 3), shape.dim);
  steps.push_back({"non_finite", bad, routing(tokens, Spread::kRandom)});
  return steps;
}

constexpr std::pair<ExpertPath, const char*> kPaths[] = {
    {ExpertPath::kFused, "fused_"}, {ExpertPath::kConcat, "concat_"}, {ExpertPath::kUnfused, "unfused_"}};

Experts upload(const LayerShape& shape, Backend& backend) {
  const HostLayer& host = host_layer(shape);
  ExpertsSpec spec{"experts", shape.dim, host.routed.spec, {}};
  if (shape.shared.count > 0) spec.shared = host.shared.spec;
  return backend.weights().upload_experts(spec);
}

StepLimits limits_of(const LayerShape& shape) {
  StepLimits limits = testing::limits_of(shape.tokens.back());
  limits.router = {.experts = shape.routed.count, .top_k = shape.top_k, .shared = shape.shared.count > 0};
  return limits;
}

void run(const LayerShape& shape, Backend& backend, Results& results) {
  const Experts experts = upload(shape, backend);
  const std::vector<Step> steps = make_steps(shape, backend);
  const Tensor out = output(backend, shape.tokens.back(), shape.dim);
  const Norm norm = {tensor(backend, normals(shape.dim, 5), shape.dim), 1e-6f};
  backend.operations().reserve(limits_of(shape));
  for (const Step& step : steps) {
    for (const auto& [path, name] : kPaths) {
      const Tensor y = out.first(step.x.rows);
      const Traffic before = backend.probes().traffic();
      backend.operations().experts({y}, {step.x}, step.routing, experts, path);
      const Traffic traffic = backend.probes().traffic() - before;
      results.add(name + step.name, backend, y);
      results.add(fmt::format("{}{}_experts", name, step.name), {static_cast<float>(traffic.distinct_experts)}, 1);
      if (step.x.rows > 5) continue;
      backend.operations().experts({y, Write::kAdd}, {step.x, norm}, step.routing, experts, path);
      results.add(fmt::format("{}{}_normed_and_added", name, step.name), backend, y);
    }
  }
}

ParityCase experts_case(const LayerShape& shape) {
  return single(shape.name, [=](Backend& backend, Results& results) { run(shape, backend, results); });
}

const std::vector<int64_t> kFewTokens = {1, 3, 9};
const std::vector<int64_t> kAllTokens(std::begin(kTokenCounts), std::end(kTokenCounts));

std::vector<ParityCase> format_cases() {
  std::vector<ParityCase> cases;
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    const WeightFormat dense = testing::dense(dtype);
    cases.push_back(experts_case(
        {fmt::format("dense_{}", label(dense)), 100, {5, 24, dense, dense}, {1, 40, dense, dense}, 2, kAllTokens}));
    for (const int bits : {2, 3, 4, 5, 6, 8}) {
      for (const int group : {32, 64, 128}) {
        const WeightFormat format = affine(bits, group, dtype);
        // Groups of 32 allow a width that is not a multiple of 64.
        const int64_t width = group == 32 ? 96 : 128;
        cases.push_back(experts_case(
            {label(format), group * 5, {5, width, format, format}, {1, 2 * width, format, format}, 2, kFewTokens}));
      }
    }
  }
  const WeightFormat mxfp4 = testing::mxfp4();
  cases.push_back(experts_case({"mxfp4", 160, {5, 96, mxfp4, mxfp4}, {1, 192, mxfp4, mxfp4}, 2, kAllTokens}));
  return cases;
}

std::vector<ParityCase> mixed_cases() {
  const WeightFormat bit3 = affine(3, 64), bit4 = affine(4, 64), bit6 = affine(6, 32);
  const WeightFormat bit8 = affine(8, 64), bf16 = dense(DType::kBF16), f32 = dense(DType::kF32);
  const WeightFormat mxfp4 = testing::mxfp4();
  return {
      experts_case({"mxfp4_gate_up", 192, {6, 96, mxfp4, affine(4, 32)}, {1, 64, bit8, mxfp4}, 3, kAllTokens}),
      experts_case({"no_shared_3bit", 192, {6, 64, bit3, bit3}, {}, 2, kAllTokens}),
      experts_case({"shared_8bit_wider", 192, {6, 64, bit3, bit3}, {1, 192, bit8, bit8}, 3, kAllTokens}),
      experts_case({"shared_narrower", 192, {6, 192, bit4, bit4}, {1, 64, bit4, bit4}, 3, kAllTokens}),
      experts_case({"down_of_more_bits", 192, {6, 96, bit3, bit6}, {1, 64, bit4, bit8}, 3, kAllTokens}),
      experts_case({"dense_down", 192, {6, 72, bit3, bf16}, {1, 40, bit3, f32}, 3, kAllTokens}),
      experts_case({"dense_gate_up", 200, {6, 64, bf16, bit4}, {1, 96, f32, bit6}, 3, kAllTokens}),
      experts_case({"dense_shared", 192, {6, 64, bit4, bit4}, {1, 50, bf16, bf16}, 3, kAllTokens}),
      experts_case({"every_expert_chosen", 128, {4, 64, bit3, bit3}, {1, 64, bit3, bit3}, 4, kAllTokens}),
      experts_case({"one_expert", 128, {1, 64, bit3, bit3}, {}, 1, kAllTokens}),
      experts_case({"many_experts", 64, {64, 64, bit3, bit3}, {1, 64, bit3, bit3}, 8, kAllTokens}),
  };
}

// The layer shape of the 35B model: D 2048, F 512, top-8 and a shared expert, but 16 experts instead of 256.
std::vector<ParityCase> layer_cases() {
  std::vector<ParityCase> cases;
  for (const WeightFormat& format : {affine(3, 64), affine(4, 64), affine(8, 32), mxfp4()}) {
    cases.push_back(experts_case({fmt::format("layer_35b_{}", label(format)),
                                  2048,
                                  {16, 512, format, format},
                                  {1, 512, format, format},
                                  8,
                                  {1, 3}}));
  }
  const WeightFormat bf16 = dense(DType::kBF16);
  cases.push_back(experts_case({"layer_35b_bf16", 2048, {9, 512, bf16, bf16}, {1, 512, bf16, bf16}, 8, {1}}));
  return cases;
}

// Does in parts what experts() does in one call: computes the slots by ranges of experts, in any order, and their sum.
void run_in_ranges(const LayerShape& shape, const std::vector<ExpertRange>& ranges, Backend& backend,
                   Results& results) {
  const Experts experts = upload(shape, backend);
  const std::vector<Step> steps = make_steps(shape, backend);
  const int64_t slots = limits_of(shape).router.slots();
  const Tensor out = output(backend, shape.tokens.back(), shape.dim);
  const Tensor said = output(backend, shape.tokens.back() * slots, shape.dim);
  backend.operations().reserve(limits_of(shape));
  for (const Step& step : steps) {
    const Tensor y = out.first(step.x.rows);
    const Tensor rows = said.first(step.x.rows * slots);
    for (const ExpertRange& range : ranges) {
      backend.operations().expert_slots(rows, {step.x}, step.routing, experts, range);
    }
    for (const Write write : {Write::kReplace, Write::kAdd}) {
      backend.operations().combine({y, write}, rows, step.routing);
      results.add(step.name + (write == Write::kAdd ? "_added" : ""), backend, y);
    }
  }
}

// The first variant, which the reference runs, is experts() itself.
ParityCase ranges_case(const LayerShape& shape) {
  const auto whole = [=](Backend& backend, Results& results) {
    const Experts experts = upload(shape, backend);
    const std::vector<Step> steps = make_steps(shape, backend);
    const Tensor out = output(backend, shape.tokens.back(), shape.dim);
    backend.operations().reserve(limits_of(shape));
    for (const Step& step : steps) {
      const Tensor y = out.first(step.x.rows);
      for (const Write write : {Write::kReplace, Write::kAdd}) {
        backend.operations().experts({y, write}, {step.x}, step.routing, experts, ExpertPath::kFused);
        results.add(step.name + (write == Write::kAdd ? "_added" : ""), backend, y);
      }
    }
  };
  const int64_t entries = shape.routed.count + shape.shared.count;
  const std::vector<std::vector<ExpertRange>> cuts = {
      {{0, entries}}, {{entries - 1, 1}, {0, entries - 1}}, {{2, entries - 2}, {0, 1}, {1, 1}, {0, 0}}};
  ParityCase parity_case{shape.name, {{"whole", whole}}};
  for (const std::vector<ExpertRange>& ranges : cuts) {
    parity_case.variants.push_back({fmt::format("{} ranges", ranges.size()), [=](Backend& backend, Results& results) {
                                      run_in_ranges(shape, ranges, backend, results);
                                    }});
  }
  return parity_case;
}

std::vector<ParityCase> range_cases() {
  const WeightFormat bit3 = affine(3, 64), bit8 = affine(8, 64), bf16 = dense(DType::kBF16);
  return {ranges_case({"routed_and_shared", 192, {6, 64, bit3, bit3}, {1, 192, bit8, bit8}, 3, kFewTokens}),
          ranges_case({"routed_alone", 192, {6, 64, bit3, bit3}, {}, 2, kFewTokens}),
          ranges_case({"dense", 100, {5, 24, bf16, bf16}, {1, 40, bf16, bf16}, 2, kFewTokens})};
}

// A dense MLP: a table of one expert and no routing.
void run_dense_mlp(const WeightFormat& format, Backend& backend, Results& results) {
  const LayerShape shape = {label(format), 192, {1, 320, format, format}, {}, 1, kAllTokens};
  const Experts experts = upload(shape, backend);
  const Tensor x = tensor(backend, activations(kMaxTokens, shape.dim, 7), shape.dim);
  const Tensor out = output(backend, kMaxTokens, shape.dim);
  reserve(backend, kMaxTokens);
  for (const int64_t tokens : kTokenCounts) {
    for (const auto& [path, name] : kPaths) {
      backend.operations().experts({out.first(tokens)}, {x.first(tokens)}, {}, experts, path);
      results.add(fmt::format("{}T{}", name, tokens), backend, out.first(tokens));
    }
  }
}

std::vector<ParityCase> dense_mlp_cases() {
  std::vector<ParityCase> cases;
  for (const WeightFormat& format : {affine(4, 64), dense(DType::kBF16)}) {
    cases.push_back(
        single(label(format), [=](Backend& backend, Results& results) { run_dense_mlp(format, backend, results); }));
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(ExpertRanges, Parity, on_every_candidate(range_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(DenseMlp, Parity, on_every_candidate(dense_mlp_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(ExpertFormats, Parity, on_every_candidate(format_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(ExpertMixes, Parity, on_every_candidate(mixed_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(ExpertLayers, Parity, on_every_candidate(layer_cases()), test_name);

}  // namespace
}  // namespace moebius::internal::testing
