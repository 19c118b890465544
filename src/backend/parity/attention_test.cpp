// Parity of attention(): head shapes, both cache dtypes, contexts over several blocks of 256 positions, chunks,
// batches, and pages that states own, are given, or share.
#include <cmath>
#include <initializer_list>

#include "backend/parity/testing/sequences.h"

namespace moebius::internal::testing {
namespace {

struct Shape {
  std::string name;
  int64_t heads, kv_heads, head_dim, rotary_dim;
  bool gated = true;
  DType kv_dtype = DType::kF32;
};

AttentionShape attention_shape(const Shape& shape) {
  return {.heads = shape.heads,
          .kv_heads = shape.kv_heads,
          .head_dim = shape.head_dim,
          .rotary_dim = shape.rotary_dim,
          .gated = shape.gated};
}

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
  return backend.weights().upload_table(table, positions, shape.rotary_dim);
}

SequenceProgram::Operation load(const Shape& shape, int64_t context, Backend& backend) {
  AttentionArgs args;
  args.q_norm = tensor(backend, normals(shape.head_dim, 1), shape.head_dim);
  args.k_norm = tensor(backend, normals(shape.head_dim, 2), shape.head_dim);
  args.rope = rope_table(shape, context, backend);
  args.shape = attention_shape(shape);
  args.scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
  args.eps = 1e-6f;
  args.layer = 1;
  return [args, &backend](const MixedRows& out, const std::vector<Tensor>& in, Batch batch) {
    AttentionArgs step = args;
    step.q = in[0];
    step.k = in[1];
    step.v = in[2];
    backend.operations().attention(out, step, batch);
  };
}

SequenceProgram program(const Shape& shape, const std::vector<int64_t>& lengths, bool non_finite = false) {
  SequenceProgram p;
  p.cols = {shape.heads * shape.head_dim * (shape.gated ? 2 : 1), shape.kv_heads * shape.head_dim,
            shape.kv_heads * shape.head_dim};
  p.out_cols = shape.heads * shape.head_dim;
  const int64_t context = *std::max_element(lengths.begin(), lengths.end()) + 16;  // room for rejected rows at the end
  p.state.context = context;
  p.state.kv_dtype = shape.kv_dtype;
  p.state.attention_layers = 2;
  p.state.kv_heads = shape.kv_heads;
  p.state.head_dim = shape.head_dim;
  p.shapes.attention = attention_shape(shape);
  p.lengths = lengths;
  uint64_t seed = 10;
  for (const int64_t length : lengths) {
    SequenceInputs inputs;
    for (const int64_t cols : p.cols) {
      inputs.push_back(non_finite ? non_finite_activations(length, cols, ++seed) : activations(length, cols, ++seed));
    }
    p.inputs.push_back(std::move(inputs));
  }
  p.load = [=](Backend& backend) { return load(shape, context, backend); };
  return p;
}

const Shape kShapes[] = {
    {"H4_K2_D32_R8", 4, 2, 32, 8},
    {"H4_K4_D16_R16_plain", 4, 4, 16, 16, false},
    {"H6_K2_D20_R4", 6, 2, 20, 4},  // head_dim is not a multiple of 16
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

const Shape kLongShapes[] = {{"H2_K1_D32_R8_long", 2, 1, 32, 8},
                             {"H3_K1_D20_R4_long_f16", 3, 1, 20, 4, true, DType::kF16}};

// Each of the positions 255, 256, 257 and 512 begins a chunk and ends a chunk in some case.
std::vector<ParityCase> long_cases() {
  std::vector<ParityCase> cases;
  const std::vector<int64_t> lengths = {530};
  for (const Shape& shape : kLongShapes) {
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

std::vector<ParityCase> page_cases() {
  std::vector<ParityCase> cases;
  for (const Shape& shape : kLongShapes) {
    for (const int64_t length : {255, 256, 257, 600}) {
      const std::vector<int64_t> two = {length, length / 2};
      std::vector<Script> scripts = {whole(two), on_foreign_pages(whole(two)), on_foreign_pages(in_drafts(two, 7))};
      for (const int64_t chunk : {17, 256}) scripts.push_back(on_foreign_pages(side_by_side(two, chunk)));
      cases.push_back(sequence_case(fmt::format("{}_pages_{}", shape.name, length), program(shape, two), scripts));
    }
  }
  return cases;
}

// Two sequences that have the same prefix and go on differently, side by side.
struct Fork {
  Shape shape;
  int64_t prefix;
  int64_t rows;  // of each sequence, behind the prefix
  int64_t chunk;
};

// A layer whose steps take rows of the program's first two sequences. The prefix comes from the first sequence.
class ForkedLayer {
 public:
  ForkedLayer(const Fork& fork, Backend& backend)
      : fork_(fork), program_(program(fork.shape, {fork.prefix + fork.rows, fork.rows})), backend_(backend) {
    operation_ = program_.load(backend);
    const int64_t max_rows = std::max(fork.prefix, 2 * fork.chunk);
    for (const int64_t cols : program_.cols) in_.push_back(output(backend, max_rows, cols));
    out_ = output(backend, max_rows, program_.out_cols);
    backend.operations().reserve(with_rows(program_.shapes, max_rows));
  }
  [[nodiscard]] const SequenceProgram& sequence_program() const { return program_; }

  void run_prefix(State state) { run({{.state = state, .rows = fork_.prefix}}, {{0, 0, fork_.prefix}}); }
  // Both states go on behind the prefix, each with its own inputs.
  void go_on(State a, State b, Results& results) {
    for (int64_t done = 0; done < fork_.rows; done += fork_.chunk) {
      const int64_t n = std::min(fork_.chunk, fork_.rows - done);
      const int64_t position = fork_.prefix + done;
      run({{.state = a, .rows = n, .position = position},
           {.state = b, .first_row = n, .rows = n, .position = position}},
          {{0, position, n}, {1, done, n}});
      results.add(fmt::format("rows{}", done), backend_, out_.first(2 * n));
    }
  }

 private:
  struct Rows {
    size_t sequence;
    int64_t first, count;
  };
  void run(const std::vector<SequenceRows>& sequences, std::initializer_list<Rows> rows) {
    std::vector<Tensor> in;
    for (size_t i = 0; i < in_.size(); ++i) {
      std::vector<float> batch;
      for (const Rows& part : rows) {
        const auto from = program_.inputs[part.sequence][i].begin() + part.first * program_.cols[i];
        batch.insert(batch.end(), from, from + part.count * program_.cols[i]);
      }
      in.push_back(in_[i].first(std::ssize(batch) / program_.cols[i]));
      backend_.memory().write(in.back(), batch.data());
    }
    operation_({out_.first(in[0].rows)}, in, stage(backend_, sequences));
  }

  Fork fork_;
  SequenceProgram program_;
  Backend& backend_;
  SequenceProgram::Operation operation_;
  std::vector<Tensor> in_;
  Tensor out_;
};

void fork_unshared(const Fork& fork, Backend& backend, Results& results) {
  ForkedLayer layer(fork, backend);
  const State a = backend.memory().create_state(layer.sequence_program().state);
  const State b = backend.memory().create_state(layer.sequence_program().state);
  layer.run_prefix(a);
  layer.run_prefix(b);
  layer.go_on(a, b, results);
}

// Both states share the whole pages of the prefix. The last page is copied before the first state writes to it again.
void fork_shared(const Fork& fork, Backend& backend, Results& results) {
  ForkedLayer layer(fork, backend);
  StateSpec spec = layer.sequence_program().state;
  spec.context = 0;
  const State a = backend.memory().create_state(spec);
  const State b = backend.memory().create_state(spec);
  std::vector<KvPage> pages_a, pages_b;
  for (int64_t first = 0; first < fork.prefix + fork.rows; first += kPagePositions) {
    pages_a.push_back(backend.memory().create_page(spec));
    const bool is_shared = first + kPagePositions <= fork.prefix;
    pages_b.push_back(is_shared ? pages_a.back() : backend.memory().create_page(spec));
  }
  backend.memory().set_pages(a, pages_a);
  layer.run_prefix(a);
  const auto last = static_cast<size_t>(fork.prefix / kPagePositions);
  backend.memory().copy_page(pages_b[last], pages_a[last]);
  backend.memory().set_pages(b, pages_b);
  layer.go_on(a, b, results);
}

std::vector<ParityCase> fork_cases() {
  std::vector<ParityCase> cases;
  for (const Shape& shape : kLongShapes) {
    for (const int64_t prefix : {250, 256, 257, 520}) {
      const Fork fork = {shape, prefix, 16, 5};
      cases.push_back({fmt::format("{}_fork_{}", fork.shape.name, prefix),
                       {{"unshared", [fork](Backend& b, Results& results) { fork_unshared(fork, b, results); }},
                        {"shared", [fork](Backend& b, Results& results) { fork_shared(fork, b, results); }}}});
    }
  }
  return cases;
}

// Runs a few tokens, repeats their keys and values over two blocks, and runs a few more tokens behind them.
void attend_to_repeated_context(const Shape& shape, Backend& backend, Results& results) {
  constexpr int64_t kSeen = 7;
  constexpr int64_t kPositions = 300;
  SequenceProgram p = program(shape, {kPositions + kSeen});
  const SequenceProgram::Operation operation = p.load(backend);
  std::vector<Tensor> in;
  for (size_t i = 0; i < p.cols.size(); ++i) {
    in.push_back(output(backend, kSeen, p.cols[i]));
    backend.memory().write(in[i], p.inputs[0][i].data());
  }
  const Tensor out = output(backend, kSeen, p.out_cols);
  backend.operations().reserve(with_rows(p.shapes, kSeen));
  const State state = backend.memory().create_state(p.state);
  operation({out}, in, stage(backend, {{.state = state, .rows = kSeen}}));
  backend.probes().repeat_context(state, kSeen, kPositions);
  operation({out}, in, stage(backend, {{.state = state, .rows = kSeen, .position = kPositions}}));
  results.add("out", backend, out);
  backend.memory().free_state(state);
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

INSTANTIATE_TEST_SUITE_P(Attention, Parity, on_every_candidate(shape_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(AttentionLong, Parity, on_every_candidate(long_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(AttentionRepeated, Parity, on_every_candidate(repeated_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(AttentionPages, Parity, on_every_candidate(page_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(AttentionFork, Parity, on_every_candidate(fork_cases()), test_name);
INSTANTIATE_TEST_SUITE_P(AttentionBatch, Parity, on_every_candidate(batch_cases()), test_name);

}  // namespace
}  // namespace moebius::internal::testing
