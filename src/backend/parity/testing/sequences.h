// Sequences for the parity of attention and delta_net: the same tokens whole, in chunks, or side by side in one batch
// must give every sequence the same bits. Header only.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "backend/parity/testing/parity.h"

namespace moebius::parity {

// A step of a script: how many more rows of which sequences share a batch. Of a draft, only the first `rows` stay; the
// `rejected` rows behind them hold other inputs than those that come next.
struct Piece {
  size_t sequence;
  int64_t rows;
  int64_t rejected = 0;
  bool draft = false;
};
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

// Each sequence alone, drafts of `drafted` rows of which none, one, two, ... all stay, in turns; then a plain row.
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

// All sequences in every batch: drafts of `drafted` rows of which `kept` stay, then a plain row.
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
  std::vector<SequenceInputs> inputs;  // of each sequence
  std::vector<int64_t> lengths;        // of each sequence
  // Once per backend, before reserve(): uploads the weights and returns the operation.
  using Operation = std::function<void(Tensor out, const std::vector<Tensor>& in, const std::vector<SequenceRows>&)>;
  std::function<Operation(Backend&)> load;
};

// The states of a script's sequences. Foreign pages come one by one, those of the sequences alternating.
class States {
 public:
  States(Backend& backend, const SequenceProgram& program, const Script& script)
      : backend_(backend), spec_(program.state), pages_(script.foreign_pages ? program.lengths.size() : 0) {
    if (script.foreign_pages) spec_.context = 0;
    for (size_t s = 0; s < program.lengths.size(); ++s) states_.push_back(backend.create_state(spec_));
  }
  ~States() {
    for (const State state : states_) backend_.free_state(state);
    for (const std::vector<KvPage>& pages : pages_) {
      for (const KvPage page : pages) backend_.free_page(page);
    }
  }
  States(const States&) = delete;
  States& operator=(const States&) = delete;

  // With pages for that many positions and no more.
  State with_room(size_t sequence, int64_t positions) {
    if (pages_.empty()) return states_[sequence];
    std::vector<KvPage>& pages = pages_[sequence];
    while (std::ssize(pages) * kPagePositions < positions) pages.push_back(backend_.create_page(spec_));
    backend_.set_pages(states_[sequence], pages);
    return states_[sequence];
  }
  [[nodiscard]] State operator[](size_t sequence) const { return states_[sequence]; }

 private:
  Backend& backend_;
  StateSpec spec_;
  std::vector<State> states_;
  std::vector<std::vector<KvPage>> pages_;  // of each sequence, when they are foreign
};

// Runs a script on new states and adds one output per sequence.
inline void run_script(const SequenceProgram& program, const Script& script, Backend& backend, Results& results) {
  int64_t max_rows = 0;
  for (const std::vector<Piece>& step : script.steps) {
    int64_t rows = 0;
    for (const Piece& piece : step) rows += piece.rows + piece.rejected;
    max_rows = std::max(max_rows, rows);
  }
  const SequenceProgram::Operation operation = program.load(backend);
  std::vector<Tensor> in;
  for (const int64_t cols : program.cols) in.push_back(backend.allocate(DType::kF32, max_rows, cols));
  const Tensor out = backend.allocate(DType::kF32, max_rows, program.out_cols);
  backend.reserve(max_rows);

  States states(backend, program, script);
  std::vector<int64_t> position(program.lengths.size(), 0);
  std::vector<std::vector<float>> outputs(program.lengths.size());
  for (const std::vector<Piece>& step : script.steps) {
    std::vector<SequenceRows> sequences;
    std::vector<std::vector<float>> batch(in.size());
    int64_t rows = 0;
    for (const Piece& piece : step) {
      const int64_t first = position[piece.sequence];
      for (size_t i = 0; i < in.size(); ++i) {
        const auto begin = program.inputs[piece.sequence][i].begin() + first * program.cols[i];
        batch[i].insert(batch[i].end(), begin, begin + piece.rows * program.cols[i]);
        for (int64_t row = piece.rejected; row > 0; --row) {  // the first rows of the sequence, backwards
          const auto all = program.inputs[piece.sequence][i].begin();
          const auto other = all + row % program.lengths[piece.sequence] * program.cols[i];
          batch[i].insert(batch[i].end(), other, other + program.cols[i]);
        }
      }
      const int64_t all_rows = piece.rows + piece.rejected;
      const State state = states.with_room(piece.sequence, first + all_rows);
      sequences.push_back({state, rows, all_rows, first, piece.draft});
      position[piece.sequence] += piece.rows;
      rows += all_rows;
    }
    std::vector<Tensor> step_in;
    for (size_t i = 0; i < in.size(); ++i) {
      step_in.push_back(in[i].first(rows));
      backend.write(step_in[i], batch[i].data());
    }
    operation(out.first(rows), step_in, sequences);
    const std::vector<float> host = testing::to_host(backend, out.first(rows));
    auto from = host.begin();
    for (const Piece& piece : step) {
      outputs[piece.sequence].insert(outputs[piece.sequence].end(), from, from + piece.rows * program.out_cols);
      from += (piece.rows + piece.rejected) * program.out_cols;
      if (piece.draft) backend.keep_rows(states[piece.sequence], piece.rows);
    }
  }
  for (size_t s = 0; s < outputs.size(); ++s) {
    results.add(fmt::format("sequence{}", s), outputs[s], program.out_cols);
  }
}

// The first script is what the reference runs.
inline ParityCase sequence_case(std::string name, const SequenceProgram& program, const std::vector<Script>& scripts) {
  ParityCase parity_case{std::move(name), {}};
  for (const Script& script : scripts) {
    parity_case.variants.push_back(
        {script.name, [=](Backend& backend, Results& results) { run_script(program, script, backend, results); }});
  }
  return parity_case;
}

}  // namespace moebius::parity
