// Parity of delta_net(): one to four value heads per key head, head sizes that fill no vector, both output gates,
// several kernel lengths, chunks and batches.
#include <algorithm>

#include "backend/parity/testing/sequences.h"

namespace moebius::internal::testing {
namespace {

constexpr int64_t kDraftRows = 16;

struct Shape {
  std::string name;
  int64_t key_heads, value_heads, key_head_dim, value_head_dim;
  int64_t conv_kernel = 4;
  bool sigmoid_gate = false;
  [[nodiscard]] DeltaShape delta() const {
    return {.key_heads = key_heads,
            .value_heads = value_heads,
            .key_head_dim = key_head_dim,
            .value_head_dim = value_head_dim,
            .conv_kernel = conv_kernel};
  }
  [[nodiscard]] int64_t value_dim() const { return delta().value_dim(); }
  [[nodiscard]] int64_t conv_dim() const { return delta().conv_dim(); }
};

// The arguments of the operation without the rows of a step.
DeltaNetArgs arguments(const Shape& shape, Backend& backend) {
  DeltaNetArgs args;
  args.conv = backend.weights().upload_convolution({shape.conv_dim(), shape.conv_kernel},
                                                   normals(shape.conv_dim() * shape.conv_kernel, 1, 0.5f));
  args.a_log = tensor(backend, normals(shape.value_heads, 2), shape.value_heads);
  args.dt_bias = tensor(backend, normals(shape.value_heads, 3, 4.0f), shape.value_heads);
  args.norm = tensor(backend, normals(shape.value_head_dim, 4), shape.value_head_dim);
  args.shape = shape.delta();
  args.eps = 1e-6f;
  args.sigmoid_gate = shape.sigmoid_gate;
  args.layer = 1;
  return args;
}

SequenceProgram::Operation load(const Shape& shape, Backend& backend) {
  const DeltaNetArgs args = arguments(shape, backend);
  return [args, &backend](const MixedRows& out, const std::vector<Tensor>& in, Batch batch) {
    DeltaNetArgs step = args;
    step.qkv = in[0];
    step.z = in[1];
    step.b = in[2];
    step.a = in[3];
    backend.operations().delta_net(out, step, batch);
  };
}

SequenceProgram program(const Shape& shape, const std::vector<int64_t>& lengths, bool non_finite = false) {
  SequenceProgram p;
  p.cols = {shape.conv_dim(), shape.value_dim(), shape.value_heads, shape.value_heads};
  p.out_cols = shape.value_dim();
  p.state.delta_layers = 2;
  p.state.delta = p.shapes.delta = shape.delta();
  p.state.draft_rows = kDraftRows;
  p.lengths = lengths;
  uint64_t seed = 10;
  for (const int64_t length : lengths) {
    SequenceInputs inputs;
    for (const int64_t cols : p.cols) inputs.push_back(activations(length, cols, ++seed));
    if (non_finite) inputs[0] = non_finite_activations(length, p.cols[0], ++seed);
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
    {"R2_Dk40_Dv20", 1, 2, 40, 20},  // Dk and Dv are no multiples of 16; Dk is longer than a segment of 32
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

// The layer of a program with a single sequence.
class DeltaLayer {
 public:
  DeltaLayer(const SequenceProgram& program, Backend& backend)
      : program_(program), backend_(backend), operation_(program.load(backend)) {
    const int64_t rows = program.lengths[0];
    for (size_t i = 0; i < program.cols.size(); ++i) {
      in_.push_back(tensor(backend, program.inputs[0][i], program.cols[i]));
    }
    out_ = output(backend, rows, program.out_cols);
    backend.operations().reserve(with_rows(program.shapes, rows));
  }

  // Runs the rows [sequence.position, sequence.position + sequence.rows) of the inputs.
  Tensor run(const SequenceRows& sequence) {
    std::vector<Tensor> in;
    for (const Tensor& x : in_) in.push_back(x.slice(sequence.position, sequence.rows));
    const Tensor out = out_.first(sequence.rows);
    operation_({out}, in, stage(backend_, {sequence}));
    return out;
  }

 private:
  const SequenceProgram& program_;
  Backend& backend_;
  SequenceProgram::Operation operation_;
  std::vector<Tensor> in_;
  Tensor out_;
};

// A state that is reset gives the results of a new state.
void reset(Backend& backend, Results& results) {
  const SequenceProgram p = program(kShapes[1], {6});
  DeltaLayer layer(p, backend);
  const State state = backend.memory().create_state(p.state);
  for (const char* round : {"first", "continued", "reset"}) {
    if (std::string(round) == "reset") backend.memory().reset_state(state);
    results.add(round, backend, layer.run({.state = state, .rows = 6}));
  }
}

constexpr int64_t kLogged = 21;

// A snapshot of the beginning takes in the first `replayed` rows from a log. The results are those of the rows behind
// them.
void go_on_from_log(const Shape& shape, int64_t replayed, int64_t piece, Backend& backend, Results& results) {
  const SequenceProgram p = program(shape, {kLogged + 4});
  DeltaLayer layer(p, backend);
  const DeltaNetArgs args = arguments(shape, backend);
  Memory& memory = backend.memory();
  const State first = memory.create_state(p.state), second = memory.create_state(p.state);
  const DeltaLog log = memory.create_log(p.state, kLogged + 3);
  layer.run({.state = first, .rows = 4});
  memory.copy_recurrent(second, first);
  for (int64_t done = 0; done < kLogged; done += 7) {  // logs in steps of 7 rows, from row 3 of the log on
    layer.run({.state = first, .rows = 7, .position = 4 + done, .log = log, .log_row = 3 + done});
  }
  for (int64_t done = 0; done < replayed; done += piece) {
    const int64_t rows = std::min(piece, replayed - done);
    const SequenceRows sequence = {.state = second, .rows = rows, .log = log, .log_row = 3 + done};
    backend.operations().replay_delta_net(args, stage(backend, {sequence}));
  }
  results.add("behind", backend, layer.run({.state = second, .rows = kLogged - replayed, .position = 4 + replayed}));
}

// Computes what go_on_from_log() replays: the first `replayed` rows run through the layer again, without a log.
void go_on_computed(const Shape& shape, int64_t replayed, Backend& backend, Results& results) {
  const SequenceProgram p = program(shape, {kLogged + 4});
  DeltaLayer layer(p, backend);
  const State state = backend.memory().create_state(p.state);
  layer.run({.state = state, .rows = 4 + replayed});
  results.add("behind", backend, layer.run({.state = state, .rows = kLogged - replayed, .position = 4 + replayed}));
}

std::vector<ParityCase> replay_cases() {
  std::vector<ParityCase> cases;
  for (const size_t i : {1, 4, 7}) {
    const Shape& shape = kShapes[i];
    for (const int64_t replayed : {1, 8, 20}) {
      ParityCase one = {fmt::format("{}_{}", shape.name, replayed), {}};
      one.variants.push_back(
          {"computed", [=](Backend& backend, Results& results) { go_on_computed(shape, replayed, backend, results); }});
      for (const int64_t piece : {1, 5, 20}) {
        one.variants.push_back({fmt::format("replayed by {}", piece), [=](Backend& backend, Results& results) {
                                  go_on_from_log(shape, replayed, piece, backend, results);
                                }});
      }
      cases.push_back(one);
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(DeltaNet, Parity, on_every_candidate(shape_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(DeltaNetLayers, Parity, on_every_candidate(layer_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(DeltaNetBatch, Parity, on_every_candidate(batch_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(DeltaNetReset, Parity, on_every_candidate({single("state", reset)}), test_name);
INSTANTIATE_TEST_SUITE_P(DeltaNetReplay, Parity, on_every_candidate(replay_cases()), test_name);

}  // namespace
}  // namespace moebius::internal::testing
