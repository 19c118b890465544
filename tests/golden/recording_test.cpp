// A device may record what a step enqueues and repeat it in every later step of the same shape. This test runs whole
// models on a backend that does so (backend/testing/step_recorder.h). They have the same bits as without recording,
// although sequences, positions, drafts and logs differ between the steps. bitwise_test.cpp tests that backends agree.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "backend/testing/step_recorder.h"
#include "golden.h"
#include "load/make_backend.h"

namespace moebius::internal::golden {
namespace {

constexpr int64_t kDraftRows = 6;

// A sequence of at most one page, with a log of what its delta layers take in.
struct Logged {
  Logged(Memory& memory, const StateSpec& spec) : state(memory.create_state(spec)), page(memory.create_page(spec)) {
    memory.set_pages(state, {&page, 1});
    if (spec.delta_layers > 0) log = memory.create_log(spec, kPagePositions);
  }

  [[nodiscard]] SequenceRows rows(int64_t first_row, int64_t position, int64_t count) const {
    return {state, first_row, count, position, false, log, position};
  }

  State state;
  KvPage page;
  DeltaLog log;
};

// A model on a backend, and a fixed series of steps to run on it.
class Player {
 public:
  Player(const std::string& checkpoint, std::unique_ptr<Backend> backend)
      : backend_(std::move(backend)), has_head_(std::ranges::find(kMtp, checkpoint) != kMtp.end()) {
    model_ = load_model(
        Checkpoint(checkpoint_directory(checkpoint)), *backend_,
        {.context = 512, .max_rows = 16, .draft_rows = kDraftRows, .mtp = std::string(has_head_ ? kBundledMtp : "")});
  }

  [[nodiscard]] Model& model() { return *model_; }

  // Runs all steps. Returns their logits in order.
  std::vector<float> play(std::span<const int32_t> tokens) {
    logits_.clear();
    step_alone(tokens);
    step_together(tokens);
    return logits_;
  }

 private:
  // Runs chunks, each followed by the draft head. Then runs drafts of which 0, 1, 2, ... tokens are kept.
  void step_alone(std::span<const int32_t> tokens) {
    Stepper stepper(*model_, *backend_);
    const auto step_head = [&](int64_t position, int64_t rows) {
      if (has_head_ && rows > 0) add(stepper.step_draft_head(tokens.subspan(position + 1, rows)));
    };
    for (const int64_t rows : {16, 7, 16, 1, 1}) {
      const int64_t position = stepper.position();
      add(stepper.step(tokens.subspan(position, rows), {.first = rows - 1, .count = 1}));
      step_head(position, rows);
    }
    add(stepper.append_all(tokens.subspan(stepper.position(), kDraftRows)));  // the shape of a draft
    for (int64_t kept = 0; kept <= kDraftRows; ++kept) {
      const int64_t position = stepper.position();
      add(stepper.append_draft(tokens.subspan(position, kDraftRows)));
      stepper.keep(kept);
      step_head(position, kept);
      add(stepper.append(tokens.subspan(stepper.position(), 1)));
    }
  }

  // Runs two steps of two sequences each; six rows are also the shape of a draft. Then replays both from their logs.
  void step_together(std::span<const int32_t> tokens) {
    Memory& memory = backend_->memory();
    StateSpec spec = model_->state_spec();
    spec.context = 0;
    const Logged one(memory, spec), other(memory, spec);
    step({one.rows(0, 0, 4), other.rows(4, 0, 2)}, tokens.first(6));
    step({one.rows(0, 4, 2), other.rows(2, 2, 4)}, tokens.subspan(6, 6));
    for (const Logged* sequence : {&one, &other}) {
      memory.reset_state(sequence->state);
      model_->replay(sequence->state, sequence->log, 0, 6);
      step({sequence->rows(0, 6, 1)}, tokens.subspan(12, 1));
    }
  }

  void step(const std::vector<SequenceRows>& sequences, std::span<const int32_t> tokens) {
    std::vector<int32_t> rows(tokens.size());
    std::iota(rows.begin(), rows.end(), 0);
    const Tensor logits = model_->forward(backend_->operations().stage({tokens, sequences, rows}));
    std::vector<float> values(static_cast<size_t>(logits.rows * logits.cols));
    backend_->memory().read(values.data(), logits);
    add(values);
  }
  void add(const std::vector<float>& logits) { logits_.insert(logits_.end(), logits.begin(), logits.end()); }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Model> model_;
  bool has_head_;
  std::vector<float> logits_;
};

class Recording : public ::testing::TestWithParam<std::string> {};

TEST_P(Recording, is_made_once_a_shape_and_has_the_bits_of_every_step) {
  auto recorder = std::make_unique<testing::StepRecorder>(make_backend({}));
  const testing::RecordedOperations& operations = recorder->operations();
  Player recording(GetParam(), std::move(recorder));
  Player plain(GetParam(), make_backend({}));
  std::vector<int32_t> tokens = read_expected(GetParam()).tokens;
  for (const ExpertPath path : {ExpertPath::kFused, ExpertPath::kConcat, ExpertPath::kUnfused}) {
    plain.model().set_expert_path(path);
    recording.model().set_expert_path(path);
    const int64_t before = operations.recorded();
    int64_t shapes = 0;
    for (int turn = 0; turn < 3; ++turn) {
      EXPECT_EQ(first_difference(recording.play(tokens), plain.play(tokens), plain.model().config().vocab), "");
      if (turn == 0) shapes = operations.recorded();
      EXPECT_EQ(operations.recorded(), shapes) << "a step was enqueued whose shape had been seen";
      std::ranges::rotate(tokens, tokens.begin() + 29);
    }
    EXPECT_GT(shapes, before) << "the path is part of the shape";
  }
  EXPECT_GT(operations.runs(), 8 * operations.recorded());
}

INSTANTIATE_TEST_SUITE_P(Golden, Recording,
                         ::testing::Values("mtp_qwen3_5_moe", "mtp_qwen3_next", "mtp_qwen3_5", "q3_g64",
                                           "qwen3_moe_tied_step", "qwen3_next_r2_dense", "long_inputs"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace moebius::internal::golden
