// Parity of attention(): head shapes, both cache dtypes, contexts over several blocks of 256 positions, chunks and
// batches.
#include <cmath>

#include "backend/test_sequences.h"

namespace moebius::parity {
namespace {

struct Shape {
  std::string name;
  int64_t heads, kv_heads, head_dim, rotary_dim;
  bool gated = true;
  DType kv_dtype = DType::kF32;
};

Tensor rope_table(const Shape& shape, int64_t positions, Backend& backend) {
  std::vector<float> table;
  const int64_t half = shape.rotary_dim / 2;
  for (int64_t t = 0; t < positions; ++t) {
    for (const bool sine : {false, true}) {
      for (int64_t i = 0; i < half; ++i) {
        const double exponent = -static_cast<double>(i) / static_cast<double>(half);
        const double angle = static_cast<double>(t) * std::pow(1e7, exponent);
        table.push_back(static_cast<float>(sine ? std::sin(angle) : std::cos(angle)));
      }
    }
  }
  return backend.upload(table, positions, shape.rotary_dim);
}

SequenceProgram::Operation load(const Shape& shape, int64_t context, Backend& backend) {
  AttentionArgs args;
  args.q_norm = test::tensor(backend, test::normals(shape.head_dim, 1), shape.head_dim);
  args.k_norm = test::tensor(backend, test::normals(shape.head_dim, 2), shape.head_dim);
  args.rope = rope_table(shape, context, backend);
  args.heads = shape.heads;
  args.kv_heads = shape.kv_heads;
  args.head_dim = shape.head_dim;
  args.rotary_dim = shape.rotary_dim;
  args.gated = shape.gated;
  args.scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
  args.eps = 1e-6f;
  args.layer = 1;
  return [args, &backend](Tensor out, const std::vector<Tensor>& in, const std::vector<SequenceRows>& sequences) {
    AttentionArgs step = args;
    step.q = in[0];
    step.k = in[1];
    step.v = in[2];
    backend.attention(out, step, sequences);
  };
}

SequenceProgram program(const Shape& shape, const std::vector<int64_t>& lengths, bool non_finite = false) {
  SequenceProgram p;
  p.cols = {shape.heads * shape.head_dim * (shape.gated ? 2 : 1), shape.kv_heads * shape.head_dim,
            shape.kv_heads * shape.head_dim};
  p.out_cols = shape.heads * shape.head_dim;
  const int64_t context = *std::max_element(lengths.begin(), lengths.end()) + 16;  // rejected rows go beyond the end
  p.state.context = context;
  p.state.kv_dtype = shape.kv_dtype;
  p.state.attention_layers = 2;
  p.state.kv_heads = shape.kv_heads;
  p.state.head_dim = shape.head_dim;
  p.lengths = lengths;
  uint64_t seed = 10;
  for (const int64_t length : lengths) {
    SequenceInputs inputs;
    for (const int64_t cols : p.cols) {
      inputs.push_back(non_finite ? test::non_finite_activations(length, cols, ++seed)
                                  : test::activations(length, cols, ++seed));
    }
    p.inputs.push_back(std::move(inputs));
  }
  p.load = [=](Backend& backend) { return load(shape, context, backend); };
  return p;
}

const Shape kShapes[] = {
    {"H4_K2_D32_R8", 4, 2, 32, 8},
    {"H4_K4_D16_R16_plain", 4, 4, 16, 16, false},
    {"H6_K2_D20_R4", 6, 2, 20, 4},  // not a multiple of 16
    {"H3_K1_D24_R24", 3, 1, 24, 24},
    {"H8_K1_D64_R32_f16", 8, 1, 64, 32, true, DType::kF16},
    {"H5_K1_D36_R12_plain_f16", 5, 1, 36, 12, false, DType::kF16},
    {"H16_K2_D256_R64_layer_35b", 16, 2, 256, 64},
    {"H32_K4_D128_R128_layer_30b", 32, 4, 128, 128, false},
};

std::vector<ParityCase> shape_cases() {
  std::vector<ParityCase> cases;
  for (const Shape& shape : kShapes) {
    const std::vector<int64_t> lengths = {33};
    cases.push_back(sequence_case(
        shape.name, program(shape, lengths),
        {whole(lengths), in_chunks(lengths, 1), in_chunks(lengths, 5), in_chunks(lengths, 16), in_drafts(lengths, 7)}));
  }
  cases.push_back(sequence_case("non_finite", program(kShapes[0], {9}, true), {whole({9}), in_chunks({9}, 2)}));
  return cases;
}

// Positions 255, 256, 257 and 512 begin and end chunks somewhere.
std::vector<ParityCase> long_cases() {
  std::vector<ParityCase> cases;
  const std::vector<int64_t> lengths = {530};
  for (const Shape& shape :
       {Shape{"H2_K1_D32_R8_long", 2, 1, 32, 8}, Shape{"H3_K1_D20_R4_long_f16", 3, 1, 20, 4, true, DType::kF16}}) {
    std::vector<Script> scripts = {whole(lengths)};
    for (const int64_t chunk : {1, 7, 16, 64, 255, 256, 257}) scripts.push_back(in_chunks(lengths, chunk));
    cases.push_back(sequence_case(shape.name, program(shape, lengths), scripts));
  }
  return cases;
}

std::vector<ParityCase> batch_cases() {
  const Shape& shape = kShapes[0];
  const std::vector<int64_t> two = {40, 270}, three = {1, 17, 5};
  return {
      sequence_case("two_sequences", program(shape, two),
                    {whole(two), side_by_side(two, 1), side_by_side(two, 33), side_by_side(two, 300),
                     drafts_side_by_side(two, 6, 4)}),
      sequence_case("three_sequences", program(shape, three),
                    {whole(three), side_by_side(three, 1), side_by_side(three, 4)}),
  };
}

// A few tokens, their keys and values repeated over two blocks, and a few more tokens behind.
void attend_to_repeated_context(const Shape& shape, Backend& backend, Results& results) {
  constexpr int64_t kSeen = 7;
  constexpr int64_t kPositions = 300;
  SequenceProgram p = program(shape, {kPositions + kSeen});
  const SequenceProgram::Operation operation = p.load(backend);
  std::vector<Tensor> in;
  for (size_t i = 0; i < p.cols.size(); ++i) {
    in.push_back(backend.allocate(DType::kF32, kSeen, p.cols[i]));
    backend.write(in[i], p.inputs[0][i].data());
  }
  const Tensor out = backend.allocate(DType::kF32, kSeen, p.out_cols);
  backend.reserve(kSeen);
  const State state = backend.create_state(p.state);
  operation(out, in, {{state, 0, kSeen, 0}});
  backend.repeat_context(state, kSeen, kPositions);
  for (size_t i = 0; i < in.size(); ++i) backend.write(in[i], p.inputs[0][i].data());  // keys are normed in place
  operation(out, in, {{state, 0, kSeen, kPositions}});
  results.add("out", backend, out);
  backend.free_state(state);
}

std::vector<ParityCase> repeated_cases() {
  std::vector<ParityCase> cases;
  for (const size_t i : {0, 4}) {
    cases.push_back(single(kShapes[i].name + "_repeated", [i](Backend& backend, Results& results) {
      attend_to_repeated_context(kShapes[i], backend, results);
    }));
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Attention, Parity, every_isa(shape_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(AttentionLong, Parity, every_isa(long_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(AttentionRepeated, Parity, every_isa(repeated_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(AttentionBatch, Parity, every_isa(batch_cases()), test_name);

}  // namespace
}  // namespace moebius::parity
