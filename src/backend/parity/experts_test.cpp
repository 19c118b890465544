// Parity of experts() on its three paths: formats and widths of routed and shared experts, uneven routing, broken rows,
// and the layer shape of the 35B model.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "backend/parity/testing/parity.h"

namespace moebius::parity {
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
  testing::HostMatrix gate, up, down;
  ExpertGroupSpec spec;
};

struct HostLayer {
  explicit HostLayer(const LayerShape& shape)
      : routed(shape.routed, shape.dim, 1), shared(shape.shared, shape.dim, 11) {}
  HostGroup routed, shared;
};

// Weights are the same for every backend of a case: made once, and given back when the next case begins.
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

enum class Spread { kRandom, kSkewed };  // skewed: expert 0 serves every token, the last one none

Routing random_routing(const LayerShape& shape, int64_t tokens, Spread spread, Backend& backend) {
  testing::Random random(static_cast<uint64_t>(tokens) + (spread == Spread::kSkewed ? 1000 : 0));
  const int64_t slots = shape.top_k + shape.shared.count;
  std::vector<int32_t> ids;
  std::vector<float> weights;
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
    ids.insert(ids.end(), order.begin(), order.begin() + shape.top_k);
    if (shape.shared.count > 0) ids.push_back(static_cast<int32_t>(shape.routed.count));
    for (int64_t slot = 0; slot < slots; ++slot) weights.push_back(std::fabs(random.normal(0.3f)));
  }
  return {testing::tensor(backend, ids, slots), testing::tensor(backend, weights, slots)};
}

struct Step {
  std::string name;
  Tensor x;
  Routing routing;
};

std::vector<Step> make_steps(const LayerShape& shape, Backend& backend) {
  std::vector<Step> steps;
  for (const int64_t tokens : shape.tokens) {
    const auto x =
        testing::tensor(backend, testing::activations(tokens, shape.dim, static_cast<uint64_t>(tokens)), shape.dim);
    steps.push_back({fmt::format("T{}", tokens), x, random_routing(shape, tokens, Spread::kRandom, backend)});
    if (shape.top_k > shape.routed.count - 1) continue;
    steps.push_back({fmt::format("skewed_T{}", tokens), x, random_routing(shape, tokens, Spread::kSkewed, backend)});
  }
  const int64_t tokens = shape.tokens.back();
  const auto bad = testing::tensor(backend, testing::non_finite_activations(tokens, shape.dim, 3), shape.dim);
  steps.push_back({"non_finite", bad, random_routing(shape, tokens, Spread::kRandom, backend)});
  return steps;
}

void run(const LayerShape& shape, Backend& backend, Results& results) {
  const HostLayer& host = host_layer(shape);
  ExpertsSpec spec{"experts", shape.dim, host.routed.spec, {}};
  if (shape.shared.count > 0) spec.shared = host.shared.spec;
  const Experts experts = backend.upload(spec);
  const std::vector<Step> steps = make_steps(shape, backend);
  const Tensor out = backend.allocate(DType::kF32, shape.tokens.back(), shape.dim);
  backend.reserve(shape.tokens.back());
  constexpr std::pair<ExpertPath, const char*> kPaths[] = {
      {ExpertPath::kFused, "fused_"}, {ExpertPath::kConcat, "concat_"}, {ExpertPath::kUnfused, "unfused_"}};
  for (const Step& step : steps) {
    for (const auto& [path, name] : kPaths) {
      const Tensor y = out.first(step.x.rows);
      backend.experts(y, step.x, step.routing, experts, path);
      results.add(name + step.name, backend, y);
      const Traffic traffic = backend.take_traffic();
      results.add(fmt::format("{}{}_experts", name, step.name), {static_cast<float>(traffic.distinct_experts)}, 1);
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
    cases.push_back(experts_case({fmt::format("dense_{}", testing::label(dense)),
                                  100,
                                  {5, 24, dense, dense},
                                  {1, 40, dense, dense},
                                  2,
                                  kAllTokens}));
    for (const int bits : {2, 3, 4, 5, 6, 8}) {
      for (const int group : {32, 64, 128}) {
        const WeightFormat format = testing::affine(bits, group, dtype);
        // Group 32 also has widths that are not multiples of 64.
        const int64_t width = group == 32 ? 96 : 128;
        cases.push_back(experts_case({testing::label(format),
                                      group * 5,
                                      {5, width, format, format},
                                      {1, 2 * width, format, format},
                                      2,
                                      kFewTokens}));
      }
    }
  }
  const WeightFormat mxfp4 = testing::mxfp4();
  cases.push_back(experts_case({"mxfp4", 160, {5, 96, mxfp4, mxfp4}, {1, 192, mxfp4, mxfp4}, 2, kAllTokens}));
  return cases;
}

std::vector<ParityCase> mixed_cases() {
  const WeightFormat bit3 = testing::affine(3, 64), bit4 = testing::affine(4, 64), bit6 = testing::affine(6, 32);
  const WeightFormat bit8 = testing::affine(8, 64), bf16 = testing::dense(DType::kBF16),
                     f32 = testing::dense(DType::kF32);
  const WeightFormat mxfp4 = testing::mxfp4();
  return {
      experts_case({"mxfp4_gate_up", 192, {6, 96, mxfp4, testing::affine(4, 32)}, {1, 64, bit8, mxfp4}, 3, kAllTokens}),
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

// D 2048, F 512, top-8 and a shared expert; 16 experts instead of 256.
std::vector<ParityCase> layer_cases() {
  std::vector<ParityCase> cases;
  for (const WeightFormat& format :
       {testing::affine(3, 64), testing::affine(4, 64), testing::affine(8, 32), testing::mxfp4()}) {
    cases.push_back(experts_case({fmt::format("layer_35b_{}", testing::label(format)),
                                  2048,
                                  {16, 512, format, format},
                                  {1, 512, format, format},
                                  8,
                                  {1, 3}}));
  }
  const WeightFormat bf16 = testing::dense(DType::kBF16);
  cases.push_back(experts_case({"layer_35b_bf16", 2048, {9, 512, bf16, bf16}, {1, 512, bf16, bf16}, 8, {1}}));
  return cases;
}

INSTANTIATE_TEST_SUITE_P(ExpertFormats, Parity, every_isa(format_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(ExpertMixes, Parity, every_isa(mixed_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(ExpertLayers, Parity, every_isa(layer_cases()), test_name);

}  // namespace
}  // namespace moebius::parity
