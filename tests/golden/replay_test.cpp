// A snapshot and a log of what the delta layers took in (DeltaLog) give the state at every token after the snapshot.
// Tokens appended to such a state get, bit for bit, the logits of a run that was never interrupted. Keys and values lie
// in pages that the restored sequence shares with the logged one. This file does not test who keeps snapshots, logs and
// pages.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "backend/delta_log.h"
#include "golden.h"

namespace moebius::internal::golden {
namespace {

constexpr int64_t kMostRows = 16;  // most rows of a step; longer replays are cut
constexpr int64_t kDraftRows = 6;

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
  DeltaLog log = {};  // if set, rows are logged at their positions
  bool draft = false;
};

class Replay : public ::testing::TestWithParam<OnBackend> {
 protected:
  void SetUp() override {
    if (!runs_here(GetParam().compute))
      GTEST_SKIP() << "NOT TESTED: this machine has no " << name_of(GetParam().compute);
    EngineOptions options = on(GetParam().compute);
    options.limits.context = 512;
    options.limits.max_rows = kMostRows;
    options.drafts.max_rows = kDraftRows;
    options.drafts.head = DraftHeadUse::kNone;
    loaded_ = load(GetParam().checkpoint, options);
    kept_ = memory().allocate(DType::kI32, 1, 1);
    // The text reaches into a second page where the backend is quick.
    const std::vector<int32_t> expected = read_expected(GetParam().checkpoint).tokens;
    const ComputeOptions& compute = GetParam().compute;
    const bool slow =
        compute.backend == BackendKind::kReference || compute.instruction_set == InstructionSet::kPortable;
    const int64_t length = std::min<int64_t>(slow ? 60 : 270, loaded_.model->options().context);
    while (std::ssize(tokens_) < length) tokens_.insert(tokens_.end(), expected.begin(), expected.end());
    tokens_.resize(static_cast<size_t>(length));
  }

  [[nodiscard]] int64_t length() const { return std::ssize(tokens_); }
  [[nodiscard]] std::span<const int32_t> tokens(int64_t first, int64_t n) const {
    return std::span(tokens_).subspan(first, n);
  }
  [[nodiscard]] int64_t vocab() const { return loaded_.model->config().vocab; }
  [[nodiscard]] Memory& memory() const { return loaded_.backend->memory(); }

  [[nodiscard]] StateSpec spec() const {
    StateSpec spec = loaded_.model->state_spec();
    spec.context = 0;
    return spec;
  }
  [[nodiscard]] Paged start() const { return {.state = memory().create_state(spec()), .pages = {}}; }
  // Creates a log. Returns an empty one for a model without delta layers, which has nothing to replay.
  [[nodiscard]] DeltaLog create_log(int64_t capacity) const {
    return spec().delta_layers == 0 ? DeltaLog{} : memory().create_log(spec(), capacity);
  }
  void free_log(DeltaLog log) const {
    if (log.id >= 0) memory().free_log(log);
  }
  [[nodiscard]] State snapshot_of(const Paged& sequence) const {
    const State snapshot = memory().create_state(spec());
    memory().copy_recurrent(snapshot, sequence.state);
    return snapshot;
  }

  // Runs a step over all parts. Returns the logits of all rows, in order.
  std::vector<float> step(const std::vector<Part>& parts) {
    std::vector<int32_t> tokens;
    std::vector<SequenceRows> sequences;
    for (const auto& [sequence, part, log, draft] : parts) {
      const int64_t rows = std::ssize(part);
      while (std::ssize(sequence->pages) * kPagePositions < sequence->position + rows) {
        sequence->pages.push_back(memory().create_page(spec()));
      }
      memory().set_pages(sequence->state, sequence->pages);
      const int64_t position = sequence->position;
      sequences.push_back({sequence->state, std::ssize(tokens), rows, position, draft, log, position});
      if (!draft) sequence->position += rows;
      tokens.insert(tokens.end(), part.begin(), part.end());
    }
    std::vector<int32_t> rows(tokens.size());
    std::iota(rows.begin(), rows.end(), 0);
    batch_ = loaded_.backend->operations().stage({tokens, sequences, rows});
    const Tensor logits = loaded_.model->forward(batch_);
    std::vector<float> values(static_cast<size_t>(logits.rows * logits.cols));
    memory().read(values.data(), logits);
    return values;
  }
  // Keeps the first `count` tokens of the draft that was the last step.
  void keep(int64_t count) {
    const auto rows = static_cast<int32_t>(count);
    memory().write(kept_, &rows);
    loaded_.backend->operations().keep(batch_, kept_);
  }

  // Appends tokens_ from the position of the sequence up to `end`. Returns the logits of these rows.
  std::vector<float> append_until(Paged& sequence, int64_t end, DeltaLog log = {}, int64_t chunk = 7) {
    std::vector<float> all;
    while (sequence.position < end) {
      const int64_t rows = std::min(chunk, end - sequence.position);
      const std::vector<float> logits = step({{&sequence, tokens(sequence.position, rows), log}});
      all.insert(all.end(), logits.begin(), logits.end());
    }
    return all;
  }

  // Returns a sequence whose recurrent state is that at `to`. It is made from a snapshot at `from` and the log. The
  // sequence shares the whole pages of `original` and has a copy of the last page.
  Paged restore(const Paged& original, State snapshot, DeltaLog log, int64_t from, int64_t to) const {
    Paged sequence = {.state = memory().create_state(spec()), .pages = original.pages, .position = to};
    sequence.pages.resize(static_cast<size_t>(to / kPagePositions) + 1);
    const KvPage last = sequence.pages.back();
    sequence.pages.back() = memory().create_page(spec());
    memory().copy_page(sequence.pages.back(), last);
    memory().copy_recurrent(sequence.state, snapshot);
    const int64_t halfway = (to - from) / 2;  // two replays, to test that one continues where the other ended
    loaded_.model->replay(sequence.state, log, from, halfway);
    loaded_.model->replay(sequence.state, log, from + halfway, to - from - halfway);
    return sequence;
  }

  // Appends the rest of tokens_ and compares the logits. `expected` holds the logits of all tokens_.
  void expect_goes_on(Paged sequence, const std::vector<float>& expected) {
    const int64_t position = sequence.position;
    const std::vector<float> rest(expected.begin() + position * vocab(), expected.end());
    EXPECT_EQ(first_difference(append_until(sequence, length(), {}, 16), rest, vocab()), "")
        << "restored at " << position;
  }

  LoadedModel loaded_;
  std::vector<int32_t> tokens_;
  Tensor kept_;  // i32 [1, 1]
  Batch batch_;  // batch of the last step
};

TEST_P(Replay, brings_a_snapshot_to_every_token_behind_it) {
  Paged plain = start();
  const std::vector<float> expected = append_until(plain, length(), {}, 16);
  const DeltaLog log = create_log(length());
  Paged logged = start();
  append_until(logged, 21, log);
  const State snapshot = snapshot_of(logged);
  append_until(logged, length(), log);
  for (const int64_t to : {int64_t{21}, int64_t{22}, int64_t{40}, length() - 4}) {
    expect_goes_on(restore(logged, snapshot, log, 21, to), expected);
  }
  free_log(log);
}

// Every step has two sequences with a log each. One log begins in the middle of its sequence.
TEST_P(Replay, keeps_the_rows_of_a_batch_apart) {
  const std::vector<int32_t> forward(tokens_.begin(), tokens_.begin() + 50);
  const std::vector<int32_t> backward(forward.rbegin(), forward.rend());
  const DeltaLog log = create_log(50);
  const DeltaLog other_log = create_log(50);
  Paged one = start(), other = start();
  step({{&other, std::span(backward).first(9)}});
  const State snapshot = snapshot_of(one);
  const State other_snapshot = snapshot_of(other);
  for (int64_t done = 0; done < 40; done += 8) {
    const std::span<const int32_t> rows = std::span(backward).subspan(9 + done, 8);
    step({{&other, rows, other_log}, {&one, tokens(done, 8), log}});
  }
  for (const auto& [tokens, original, begin, kept, from] :
       {std::tuple(&forward, &one, snapshot, log, 0), std::tuple(&backward, &other, other_snapshot, other_log, 9)}) {
    tokens_ = *tokens;
    Paged plain = start();
    expect_goes_on(restore(*original, begin, kept, from, 37), append_until(plain, length(), {}, 16));
  }
  free_log(log);
  free_log(other_log);
}

TEST_P(Replay, forgets_drafted_rows_that_were_not_kept) {
  tokens_.resize(50);
  Paged plain = start();
  const std::vector<float> expected = append_until(plain, length(), {}, 16);
  const DeltaLog log = create_log(length());
  Paged logged = start();
  append_until(logged, 5, log);
  const State snapshot = snapshot_of(logged);
  for (int64_t kept = 0; logged.position + kDraftRows < length(); kept = (kept + 1) % (kDraftRows + 1)) {
    const auto next = tokens(logged.position, kDraftRows);
    std::vector<int32_t> draft(next.begin(), next.end());
    for (int64_t i = kept; i < kDraftRows; ++i) draft[i] = static_cast<int32_t>((draft[i] + 1) % vocab());
    step({{.sequence = &logged, .tokens = draft, .log = log, .draft = true}});
    keep(kept);
    logged.position += kept;
    append_until(logged, logged.position + 1, log);
  }
  for (const int64_t to : {int64_t{5}, int64_t{6}, int64_t{31}, logged.position}) {
    expect_goes_on(restore(logged, snapshot, log, 5, to), expected);
  }
  free_log(log);
}

// Compares log_bytes() with the tensors in which backends keep a log.
TEST_P(Replay, costs_the_bytes_it_says) {
  const StateSpec spec = this->spec();
  if (spec.delta_layers == 0) {
    EXPECT_EQ(spec.log_bytes(10), 0);
    return;
  }
  const LoggedTensors log = allocate_log(memory(), spec, 10);
  EXPECT_EQ(spec.log_bytes(10), log.all.qkv.bytes() + log.all.b.bytes() + log.all.a.bytes());
  moebius::internal::free_log(memory(), log);
}

INSTANTIATE_TEST_SUITE_P(Golden, Replay, ::testing::ValuesIn(on_each(every_backend())),
                         [](const auto& test) { return ::testing::PrintToString(test.param); });

}  // namespace
}  // namespace moebius::internal::golden
