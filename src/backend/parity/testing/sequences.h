// Sequences for the parity of attention and delta_net: the same tokens whole, in chunks, or side by side in one batch
// must give every sequence the same bits. Header only.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "backend/parity/testing/parity.h"

namespace moebius::internal::testing {

// The rows of one sequence in a step. In a draft, only the first `rows` rows stay; the `rejected` rows behind them hold
// other inputs than the ones that come next in the sequence.
struct Piece {
  size_t sequence;
  int64_t rows;
  int64_t rejected = 0;
  bool draft = false;
};
// The steps of a script. The pieces of a step share a batch.
struct Script {
  std::string name;
  std::vector<std::vector<Piece>> steps;
  bool foreign_pages = false;  // keys and values lie in pages that the states do not own
};

inline Script on_foreign_pages(Script script) {
  script.name += " on foreign pages";
  script.foreign_pages = true;
  return script;
}

// Each sequence alone, `chunk` rows at a time.
inline Script in_chunks(const std::vector<int64_t>& lengths, int64_t chunk) {
  Script script{.name = fmt::format("chunks of {}", chunk), .steps = {}};
  for (size_t s = 0; s < lengths.size(); ++s) {
    for (int64_t done = 0; done < lengths[s]; done += chunk) {
      script.steps.push_back({{s, std::min(chunk, lengths[s] - done)}});
    }
  }
  return script;
}

inline Script whole(const std::vector<int64_t>& lengths) {
  Script script = in_chunks(lengths, *std::max_element(lengths.begin(), lengths.end()));
  script.name = "whole";
  return script;
}

// All sequences in every batch, `chunk` rows of each.
inline Script side_by_side(const std::vector<int64_t>& lengths, int64_t chunk) {
  Script script{.name = fmt::format("side by side, {} rows each", chunk), .steps = {}};
  const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  for (int64_t done = 0; done < longest; done += chunk) {
    std::vector<Piece> step;
    for (size_t s = 0; s < lengths.size(); ++s) {
      if (done < lengths[s]) step.push_back({s, std::min(chunk, lengths[s] - done)});
    }
    script.steps.push_back(step);
  }
  return script;
}

// Each sequence alone. Drafts of `drafted` rows alternate with a plain row. The number of draft rows that stay goes
// round: none, one, two, ... all.
inline Script in_drafts(const std::vector<int64_t>& lengths, int64_t drafted) {
  Script script{.name = fmt::format("drafts of {}", drafted), .steps = {}};
  int64_t kept = 0;
  for (size_t s = 0; s < lengths.size(); ++s) {
    for (int64_t done = 0; done < lengths[s];) {
      const int64_t rows = std::min(kept, lengths[s] - done - 1);
      script.steps.push_back({{s, rows, drafted - rows, true}});
      script.steps.push_back({{s, 1}});
      done += rows + 1;
      kept = (kept + 1) % (drafted + 1);
    }
  }
  return script;
}

// All sequences in every batch. Drafts of `drafted` rows, of which `kept` stay, alternate with a plain row.
inline Script drafts_side_by_side(const std::vector<int64_t>& lengths, int64_t drafted, int64_t kept) {
  Script script{.name = fmt::format("side by side, {} of {} draft rows", kept, drafted), .steps = {}};
  std::vector<int64_t> done(lengths.size(), 0);
  while (done != lengths) {
    std::vector<Piece> draft, plain;
    for (size_t s = 0; s < lengths.size(); ++s) {
      if (done[s] == lengths[s]) continue;
      const int64_t rows = std::min(kept, lengths[s] - done[s] - 1);
      draft.push_back({s, rows, drafted - rows, true});
      plain.push_back({s, 1});
      done[s] += rows + 1;
    }
    script.steps.push_back(draft);
    script.steps.push_back(plain);
  }
  return script;
}

// Row-wise inputs of one sequence: one array [length, cols] for each argument of the operation.
using SequenceInputs = std::vector<std::vector<float>>;

struct SequenceProgram {
  std::vector<int64_t> cols;  // of each argument
  int64_t out_cols;
  StateSpec state;
  StepLimits shapes;                   // shapes of the layers; the script decides the number of rows
  std::vector<SequenceInputs> inputs;  // of each sequence
  std::vector<int64_t> lengths;        // of each sequence
  // load() uploads the weights and returns the operation. It is called once per backend, before reserve().
  using Operation = std::function<void(const MixedRows& out, const std::vector<Tensor>& in, Batch batch)>;
  std::function<Operation(Backend&)> load;
};

// `shapes` for steps of `rows` rows.
inline StepLimits with_rows(StepLimits shapes, int64_t rows) {
  shapes.rows = shapes.sequences = shapes.logit_rows = rows;
  return shapes;
}

// The states of a script's sequences. Foreign pages are created one by one, when a sequence needs them, so the pages of
// the sequences alternate.
class States {
 public:
  States(Memory& memory, const SequenceProgram& program, const Script& script)
      : memory_(memory), spec_(program.state), pages_(script.foreign_pages ? program.lengths.size() : 0) {
    if (script.foreign_pages) spec_.context = 0;
    for (size_t s = 0; s < program.lengths.size(); ++s) states_.push_back(memory.create_state(spec_));
  }
  ~States() {
    for (const State state : states_) memory_.free_state(state);
    for (const std::vector<KvPage>& pages : pages_) {
      for (const KvPage page : pages) memory_.free_page(page);
    }
  }
  States(const States&) = delete;
  States& operator=(const States&) = delete;

  // The state of a sequence, with pages for `positions` positions and no more.
  State with_room(size_t sequence, int64_t positions) {
    if (pages_.empty()) return states_[sequence];
    std::vector<KvPage>& pages = pages_[sequence];
    while (std::ssize(pages) * kPagePositions < positions) pages.push_back(memory_.create_page(spec_));
    memory_.set_pages(states_[sequence], pages);
    return states_[sequence];
  }

 private:
  Memory& memory_;
  StateSpec spec_;
  std::vector<State> states_;
  std::vector<std::vector<KvPage>> pages_;  // of each sequence, when they are foreign
};

// Runs a script on new states. The results are the output of the operation for every sequence, and the product of that
// output with a matrix of int8 activations. The product takes the rows that the operation quantized, if it did.
class ScriptRun {
 public:
  ScriptRun(const SequenceProgram& program, const Script& script, Backend& backend)
      : program_(program),
        script_(script),
        backend_(backend),
        operation_(program.load(backend)),
        has_product_(program.out_cols % kGroup == 0),
        position_(program.lengths.size(), 0),
        outputs_(program.lengths.size()),
        products_(program.lengths.size()) {
    const int64_t rows = max_rows();
    for (const int64_t cols : program.cols) in_.push_back(output(backend, rows, cols));
    out_ = {output(backend, rows, program.out_cols), backend.memory().allocate_quantized(rows, program.out_cols)};
    if (has_product_) {
      const HostMatrix w(kProducts, program.out_cols, affine(4, kGroup), 99);
      matrix_ = upload(backend, w);
      product_ = output(backend, rows, kProducts);
    }
    backend.operations().reserve(with_rows(program.shapes, rows));
  }

  void run(Results& results) {
    States states(backend_.memory(), program_, script_);
    for (const std::vector<Piece>& step : script_.steps) run_step(step, states);
    for (size_t s = 0; s < outputs_.size(); ++s) {
      results.add(fmt::format("sequence{}", s), outputs_[s], program_.out_cols);
      if (has_product_) results.add(fmt::format("product{}", s), products_[s], kProducts);
    }
  }

 private:
  static constexpr int kGroup = 32;
  static constexpr int64_t kProducts = 20;

  [[nodiscard]] int64_t max_rows() const {
    int64_t most = 0;
    for (const std::vector<Piece>& step : script_.steps) {
      int64_t rows = 0;
      for (const Piece& piece : step) rows += piece.rows + piece.rejected;
      most = std::max(most, rows);
    }
    return most;
  }

  // The rows of one argument: the next rows of the sequence, and behind them, as rejected rows, the first rows of the
  // sequence in reverse order.
  [[nodiscard]] std::vector<float> rows_of(const Piece& piece, size_t argument) const {
    const std::vector<float>& all = program_.inputs[piece.sequence][argument];
    const int64_t cols = program_.cols[argument];
    const auto begin = all.begin() + position_[piece.sequence] * cols;
    std::vector<float> rows(begin, begin + piece.rows * cols);
    for (int64_t row = piece.rejected; row > 0; --row) {
      const auto other = all.begin() + row % program_.lengths[piece.sequence] * cols;
      rows.insert(rows.end(), other, other + cols);
    }
    return rows;
  }

  std::vector<Tensor> write_inputs(const std::vector<Piece>& step, int64_t rows) {
    std::vector<Tensor> in;
    for (size_t i = 0; i < in_.size(); ++i) {
      std::vector<float> batch;
      for (const Piece& piece : step) {
        const std::vector<float> part = rows_of(piece, i);
        batch.insert(batch.end(), part.begin(), part.end());
      }
      in.push_back(in_[i].first(rows));
      backend_.memory().write(in.back(), batch.data());
    }
    return in;
  }

  void run_step(const std::vector<Piece>& step, States& states) {
    std::vector<SequenceRows> sequences;
    std::vector<int32_t> kept;
    int64_t rows = 0;
    for (const Piece& piece : step) {
      const int64_t all_rows = piece.rows + piece.rejected;
      const int64_t position = position_[piece.sequence];
      sequences.push_back({.state = states.with_room(piece.sequence, position + all_rows),
                           .first_row = rows,
                           .rows = all_rows,
                           .position = position,
                           .draft = piece.draft});
      kept.push_back(static_cast<int32_t>(piece.rows));
      rows += all_rows;
    }
    const std::vector<Tensor> in = write_inputs(step, rows);
    const Batch batch = stage(backend_, sequences);
    const MixedRows out = {out_.x.first(rows), out_.quantized};
    operation_(out, in, batch);
    collect(outputs_, step, to_host(backend_, out.x), program_.out_cols);
    if (has_product_) {
      const Projection projection = {{product_.first(rows)}, matrix_};
      backend_.operations().linear({&projection, 1}, {.x = out.x, .quantized = out.quantized});
      collect(products_, step, to_host(backend_, product_.first(rows)), kProducts);
    }
    backend_.operations().keep(batch, counts(backend_, kept));
    for (const Piece& piece : step) position_[piece.sequence] += piece.rows;
  }

  // Appends the rows that stay to the results of their sequences.
  static void collect(std::vector<std::vector<float>>& sequences, const std::vector<Piece>& step,
                      const std::vector<float>& rows, int64_t cols) {
    auto from = rows.begin();
    for (const Piece& piece : step) {
      sequences[piece.sequence].insert(sequences[piece.sequence].end(), from, from + piece.rows * cols);
      from += (piece.rows + piece.rejected) * cols;
    }
  }

  const SequenceProgram& program_;
  const Script& script_;
  Backend& backend_;
  SequenceProgram::Operation operation_;
  bool has_product_;
  std::vector<Tensor> in_;
  MixedRows out_;
  Matrix matrix_;
  Tensor product_;
  std::vector<int64_t> position_;  // of each sequence
  std::vector<std::vector<float>> outputs_, products_;
};

// Makes a case with one variant for each script. The reference runs the first script.
inline ParityCase sequence_case(std::string name, const SequenceProgram& program, const std::vector<Script>& scripts) {
  ParityCase parity_case{std::move(name), {}};
  for (const Script& script : scripts) {
    parity_case.variants.push_back(
        {script.name, [=](Backend& backend, Results& results) { ScriptRun(program, script, backend).run(results); }});
  }
  return parity_case;
}

}  // namespace moebius::internal::testing
