// Parity of delta_net(): one to four value heads per key head, head sizes that fill no vector, both output gates,
// kernels, chunks and batches.
#include <algorithm>

#include "backend/parity/testing/sequences.h"

namespace moebius::parity {
namespace {

constexpr int64_t kDraftRows = 16;

struct Shape {
  std::string name;
  int64_t key_heads, value_heads, key_head_dim, value_head_dim;
  int64_t conv_kernel = 4;
  bool sigmoid_gate = false;
  [[nodiscard]] int64_t value_dim() const { return value_heads * value_head_dim; }
  [[nodiscard]] int64_t conv_dim() const { return 2 * key_heads * key_head_dim + value_dim(); }
};

Tensor convolution(const Shape& shape, Backend& backend, uint64_t seed) {
  return testing::tensor(backend, testing::normals(shape.conv_dim() * shape.conv_kernel, seed, 0.5f),
                         shape.conv_kernel);
}

// Without the rows of a step.
DeltaNetArgs arguments(const Shape& shape, Backend& backend) {
  DeltaNetArgs args;
  args.conv = convolution(shape, backend, 1);
  args.a_log = testing::tensor(backend, testing::normals(shape.value_heads, 2), shape.value_heads);
  args.dt_bias = testing::tensor(backend, testing::normals(shape.value_heads, 3, 4.0f), shape.value_heads);
  args.norm = testing::tensor(backend, testing::normals(shape.value_head_dim, 4), shape.value_head_dim);
  args.key_heads = shape.key_heads;
  args.value_heads = shape.value_heads;
  args.key_head_dim = shape.key_head_dim;
  args.value_head_dim = shape.value_head_dim;
  args.conv_kernel = shape.conv_kernel;
  args.eps = 1e-6f;
  args.sigmoid_gate = shape.sigmoid_gate;
  args.layer = 1;
  return args;
}

void run(Backend& backend, Tensor out, DeltaNetArgs args, const std::vector<Tensor>& in,
         const std::vector<SequenceRows>& sequences) {
  args.qkv = in[0];
  args.z = in[1];
  args.b = in[2];
  args.a = in[3];
  backend.delta_net(out, args, sequences);
}

SequenceProgram::Operation load(const Shape& shape, Backend& backend) {
  const DeltaNetArgs args = arguments(shape, backend);
  return [args, &backend](Tensor out, const std::vector<Tensor>& in, const std::vector<SequenceRows>& sequences) {
    run(backend, out, args, in, sequences);
  };
}

SequenceProgram program(const Shape& shape, const std::vector<int64_t>& lengths, bool non_finite = false) {
  SequenceProgram p;
  p.cols = {shape.conv_dim(), shape.value_dim(), shape.value_heads, shape.value_heads};
  p.out_cols = shape.value_dim();
  p.state.delta_layers = 2;
  p.state.conv_dim = shape.conv_dim();
  p.state.conv_kernel = shape.conv_kernel;
  p.state.value_heads = shape.value_heads;
  p.state.key_head_dim = shape.key_head_dim;
  p.state.value_head_dim = shape.value_head_dim;
  p.state.draft_rows = kDraftRows;
  p.lengths = lengths;
  uint64_t seed = 10;
  for (const int64_t length : lengths) {
    SequenceInputs inputs;
    for (const int64_t cols : p.cols) inputs.push_back(testing::activations(length, cols, ++seed));
    if (non_finite) inputs[0] = testing::non_finite_activations(length, p.cols[0], ++seed);
    p.inputs.push_back(std::move(inputs));
  }
  p.load = [=](Backend& backend) { return load(shape, backend); };
  return p;
}

const Shape kShapes[] = {
    {"R1_Dk16_Dv16", 2, 2, 16, 16},
    {"R2_Dk32_Dv16", 2, 4, 32, 16},
    {"R3_Dk24_Dv40", 1, 3, 24, 40},
    {"R4_Dk64_Dv32", 2, 8, 64, 32},
    {"R2_Dk40_Dv20", 1, 2, 40, 20},  // neither a multiple of 16, Dk over a segment of 32
    {"R1_Dk5_Dv3", 3, 3, 5, 3},
    {"R2_Dk16_Dv24_sigmoid", 2, 4, 16, 24, 4, true},
    {"R1_Dk16_Dv16_kernel1", 2, 2, 16, 16, 1},
    {"R1_Dk16_Dv16_kernel2", 2, 2, 16, 16, 2},
    {"R3_Dk20_Dv16_kernel3", 1, 3, 20, 16, 3},
};

std::vector<ParityCase> shape_cases() {
  std::vector<ParityCase> cases;
  const std::vector<int64_t> lengths = {65};
  for (const Shape& shape : kShapes) {
    std::vector<Script> scripts = {whole(lengths)};
    for (const int64_t chunk : {1, 2, 3, 16, 33}) scripts.push_back(in_chunks(lengths, chunk));
    for (const int64_t drafted : {1, 2, 5, 16}) scripts.push_back(in_drafts(lengths, drafted));
    cases.push_back(sequence_case(shape.name, program(shape, lengths), scripts));
  }
  cases.push_back(sequence_case("non_finite", program(kShapes[1], {9}, true), {whole({9}), in_chunks({9}, 2)}));
  return cases;
}

std::vector<ParityCase> layer_cases() {
  const std::vector<int64_t> lengths = {17};
  const std::vector<Script> scripts = {whole(lengths), in_chunks(lengths, 1), in_chunks(lengths, 16),
                                       in_drafts(lengths, 6)};
  return {
      sequence_case("layer_35b", program({"", 16, 32, 128, 128}, lengths), scripts),
      sequence_case("layer_27b", program({"", 16, 48, 128, 128}, {3}), {whole({3}), in_chunks({3}, 1)}),
  };
}

std::vector<ParityCase> batch_cases() {
  const Shape& shape = kShapes[1];
  const std::vector<int64_t> two = {20, 41}, three = {1, 17, 5};
  return {
      sequence_case("two_sequences", program(shape, two),
                    {whole(two), side_by_side(two, 1), side_by_side(two, 30), drafts_side_by_side(two, 5, 2)}),
      sequence_case("three_sequences", program(shape, three),
                    {whole(three), side_by_side(three, 1), side_by_side(three, 4), drafts_side_by_side(three, 4, 3)}),
  };
}

// A state that is reset is as good as new.
void reset(Backend& backend, Results& results) {
  const SequenceProgram p = program(kShapes[1], {6});
  const SequenceProgram::Operation operation = p.load(backend);
  std::vector<Tensor> in;
  for (size_t i = 0; i < p.cols.size(); ++i) in.push_back(testing::tensor(backend, p.inputs[0][i], p.cols[i]));
  const Tensor out = backend.allocate(DType::kF32, 6, p.out_cols);
  backend.reserve(6);
  const State state = backend.create_state(p.state);
  for (const char* round : {"first", "continued", "reset"}) {
    if (std::string(round) == "reset") backend.reset_state(state);
    operation(out, in, {{state, 0, 6, 0}});
    results.add(round, backend, out);
  }
}

// Weights of a convolution that come to lie where others were: nothing of those may be left.
void replace_convolution(Backend& backend, Results& results) {
  const SequenceProgram p = program(kShapes[1], {6});
  std::vector<Tensor> in;
  for (size_t i = 0; i < p.cols.size(); ++i) in.push_back(testing::tensor(backend, p.inputs[0][i], p.cols[i]));
  const Tensor out = backend.allocate(DType::kF32, 6, p.out_cols);
  DeltaNetArgs args = arguments(kShapes[1], backend);
  backend.reserve(6);
  for (const uint64_t seed : {1, 2}) {
    backend.free_tensor(args.conv);
    args.conv = convolution(kShapes[1], backend, seed);
    const State state = backend.create_state(p.state);
    run(backend, out, args, in, {{state, 0, 6, 0}});
    results.add(fmt::format("weights{}", seed), backend, out);
  }
}

INSTANTIATE_TEST_SUITE_P(DeltaNet, Parity, every_isa(shape_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(DeltaNetLayers, Parity, every_isa(layer_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(DeltaNetBatch, Parity, every_isa(batch_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(DeltaNetReset, Parity, every_isa({single("state", reset)}), test_name);
INSTANTIATE_TEST_SUITE_P(DeltaNetReplaced, Parity, every_isa({single("convolution", replace_convolution)}), test_name);

}  // namespace
}  // namespace moebius::parity
