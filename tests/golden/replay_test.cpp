// A snapshot and a log of what the delta layers took in (src/model/delta_log.h) make the state of every token behind
// the snapshot: what is appended to it has, bit for bit, the logits of a run that was never interrupted. Keys and
// values lie in pages that the restored sequence shares with the one that was logged. Not here: who keeps snapshots,
// logs and pages.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "golden.h"
#include "load/make_backend.h"
#include "model/model.h"

namespace moebius::golden {
namespace {

constexpr int64_t kMostRows = 16;  // of a step: replays of more rows are cut
constexpr int64_t kDraftRows = 6;

struct OnBackend {
  std::string backend, isa, checkpoint;
};

void PrintTo(const OnBackend& value, std::ostream* out) {
  *out << value.backend << value.isa << "_" << value.checkpoint;
}

std::vector<OnBackend> every_backend_and_checkpoint() {
  std::vector<OnBackend> all;
  for (const std::string& checkpoint : all_checkpoints()) {
    all.push_back({"reference", "", checkpoint});
    for (const char* isa : {"portable", "avx2", "avx512"}) all.push_back({"cpu", isa, checkpoint});
  }
  return all;
}

// A sequence whose pages are made as it grows.
struct Paged {
  State state;
  std::vector<KvPage> pages;
  int64_t position = 0;
};

// Rows of one sequence in a step.
struct Part {
  Paged* sequence;
  std::span<const int32_t> tokens;
  const DeltaLog* log = nullptr;  // rows are logged at their position
  bool draft = false;
};

class Replay : public ::testing::TestWithParam<OnBackend> {
 protected:
  void SetUp() override {
    try {
      backend_ = make_backend({.backend = GetParam().backend, .isa = GetParam().isa});
    } catch (const Error& error) {
      if (GetParam().isa == "portable" || error.code() != ErrorCode::kUnavailable) throw;
      GTEST_SKIP() << "NOT TESTED: this machine has no " << GetParam().isa << " (" << error.what() << ")";
    }
    model_ = load_model(ModelDir(checkpoint_directory(GetParam().checkpoint)), *backend_,
                        {.context = 512, .max_rows = kMostRows, .draft_rows = kDraftRows});
    // Into a second page, where that is quick.
    const std::vector<int32_t> expected = read_expected(GetParam().checkpoint).tokens;
    const bool slow = GetParam().backend == "reference" || GetParam().isa == "portable";
    const int64_t length = std::min<int64_t>(slow ? 60 : 270, model_->options().context);
    while (std::ssize(tokens_) < length) tokens_.insert(tokens_.end(), expected.begin(), expected.end());
    tokens_.resize(static_cast<size_t>(length));
  }

  [[nodiscard]] int64_t length() const { return std::ssize(tokens_); }
  [[nodiscard]] std::span<const int32_t> tokens(int64_t first, int64_t n) const {
    return std::span(tokens_).subspan(first, n);
  }
  [[nodiscard]] int64_t vocab() const { return model_->config().vocab; }

  [[nodiscard]] StateSpec spec() const {
    StateSpec spec = model_->state_spec();
    spec.context = 0;
    return spec;
  }
  [[nodiscard]] Paged start() const { return {.state = backend_->create_state(spec()), .pages = {}}; }
  [[nodiscard]] State snapshot_of(const Paged& sequence) const {
    const State snapshot = backend_->create_state(spec());
    backend_->copy_recurrent(snapshot, sequence.state);
    return snapshot;
  }

  // Logits of all rows of a step over all parts, in order.
  std::vector<float> step(const std::vector<Part>& parts) const {
    std::vector<int32_t> tokens;
    std::vector<SequenceRows> sequences;
    std::vector<LoggedRows> logged;
    for (const auto& [sequence, part, log, draft] : parts) {
      const int64_t rows = std::ssize(part);
      while (std::ssize(sequence->pages) * kPagePositions < sequence->position + rows) {
        sequence->pages.push_back(backend_->create_page(spec()));
      }
      backend_->set_pages(sequence->state, sequence->pages);
      sequences.push_back({sequence->state, std::ssize(tokens), rows, sequence->position, draft});
      if (log != nullptr) logged.push_back({log, std::ssize(tokens), rows, sequence->position});
      if (!draft) sequence->position += rows;
      tokens.insert(tokens.end(), part.begin(), part.end());
    }
    std::vector<int32_t> rows(tokens.size());
    std::iota(rows.begin(), rows.end(), 0);
    const Tensor logits = model_->forward({tokens, sequences, rows, logged});
    std::vector<float> values(static_cast<size_t>(logits.rows * logits.cols));
    backend_->read(values.data(), logits);
    return values;
  }

  // Appends tokens_ from where the sequence stands up to `end`; logits of these rows.
  std::vector<float> append_until(Paged& sequence, int64_t end, const DeltaLog* log = nullptr,
                                  int64_t chunk = 7) const {
    std::vector<float> all;
    while (sequence.position < end) {
      const int64_t rows = std::min(chunk, end - sequence.position);
      const std::vector<float> logits = step({{&sequence, tokens(sequence.position, rows), log}});
      all.insert(all.end(), logits.begin(), logits.end());
    }
    return all;
  }

  // The sequence whose recurrent state stands at `to`, from a snapshot at `from`: whole pages are those of `original`,
  // the last one is a copy.
  Paged restore(const Paged& original, State snapshot, const DeltaLog& log, int64_t from, int64_t to) const {
    Paged sequence = {.state = backend_->create_state(spec()), .pages = original.pages, .position = to};
    sequence.pages.resize(static_cast<size_t>(to / kPagePositions) + 1);
    const KvPage last = sequence.pages.back();
    sequence.pages.back() = backend_->create_page(spec());
    backend_->copy_page(sequence.pages.back(), last);
    backend_->copy_recurrent(sequence.state, snapshot);
    const int64_t halfway = (to - from) / 2;  // a replay goes on where another ended
    model_->replay(sequence.state, log, from, halfway);
    model_->replay(sequence.state, log, from + halfway, to - from - halfway);
    return sequence;
  }

  // `expected`: logits of the whole of tokens_.
  void expect_goes_on(Paged sequence, const std::vector<float>& expected) const {
    const int64_t position = sequence.position;
    const std::vector<float> rest(expected.begin() + position * vocab(), expected.end());
    EXPECT_EQ(first_difference(append_until(sequence, length(), nullptr, 16), rest, vocab()), "")
        << "restored at " << position;
  }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Model> model_;
  std::vector<int32_t> tokens_;
};

TEST_P(Replay, brings_a_snapshot_to_every_token_behind_it) {
  Paged plain = start();
  const std::vector<float> expected = append_until(plain, length(), nullptr, 16);
  const DeltaLog log = model_->create_log(length());
  Paged logged = start();
  append_until(logged, 21, &log);
  const State snapshot = snapshot_of(logged);
  append_until(logged, length(), &log);
  for (const int64_t to : {int64_t{21}, int64_t{22}, int64_t{40}, length() - 4}) {
    expect_goes_on(restore(logged, snapshot, log, 21, to), expected);
  }
  model_->free_log(log);
}

// Two sequences in every step, each with its log; one of them does not begin where the log does.
TEST_P(Replay, keeps_the_rows_of_a_batch_apart) {
  const std::vector<int32_t> forward(tokens_.begin(), tokens_.begin() + 50);
  const std::vector<int32_t> backward(forward.rbegin(), forward.rend());
  const DeltaLog log = model_->create_log(50);
  const DeltaLog other_log = model_->create_log(50);
  Paged one = start(), other = start();
  step({{&other, std::span(backward).first(9)}});
  const State snapshot = snapshot_of(one);
  const State other_snapshot = snapshot_of(other);
  for (int64_t done = 0; done < 40; done += 8) {
    const std::span<const int32_t> rows = std::span(backward).subspan(9 + done, 8);
    step({{&other, rows, &other_log}, {&one, tokens(done, 8), &log}});
  }
  for (const auto& [tokens, original, begin, kept, from] :
       {std::tuple(&forward, &one, snapshot, &log, 0), std::tuple(&backward, &other, other_snapshot, &other_log, 9)}) {
    tokens_ = *tokens;
    Paged plain = start();
    expect_goes_on(restore(*original, begin, *kept, from, 37), append_until(plain, length(), nullptr, 16));
  }
  model_->free_log(log);
  model_->free_log(other_log);
}

TEST_P(Replay, forgets_drafted_rows_that_were_not_kept) {
  tokens_.resize(50);
  Paged plain = start();
  const std::vector<float> expected = append_until(plain, length(), nullptr, 16);
  const DeltaLog log = model_->create_log(length());
  Paged logged = start();
  append_until(logged, 5, &log);
  const State snapshot = snapshot_of(logged);
  for (int64_t kept = 0; logged.position + kDraftRows < length(); kept = (kept + 1) % (kDraftRows + 1)) {
    const auto next = tokens(logged.position, kDraftRows);
    std::vector<int32_t> draft(next.begin(), next.end());
    for (int64_t i = kept; i < kDraftRows; ++i) draft[i] = static_cast<int32_t>((draft[i] + 1) % vocab());
    step({{.sequence = &logged, .tokens = draft, .log = &log, .draft = true}});
    backend_->keep_rows(logged.state, kept);
    logged.position += kept;
    append_until(logged, logged.position + 1, &log);
  }
  for (const int64_t to : {int64_t{5}, int64_t{6}, int64_t{31}, logged.position}) {
    expect_goes_on(restore(logged, snapshot, log, 5, to), expected);
  }
  model_->free_log(log);
}

TEST_P(Replay, costs_the_bytes_it_says) {
  const DeltaLog log = model_->create_log(10);
  EXPECT_EQ(model_->log_bytes(10), log.qkv.bytes() + log.b.bytes() + log.a.bytes());
  EXPECT_EQ(model_->log_bytes(10) == 0, model_->state_spec().delta_layers == 0);
  model_->free_log(log);
}

INSTANTIATE_TEST_SUITE_P(Golden, Replay, ::testing::ValuesIn(every_backend_and_checkpoint()),
                         [](const auto& test) { return ::testing::PrintToString(test.param); });

}  // namespace
}  // namespace moebius::golden
