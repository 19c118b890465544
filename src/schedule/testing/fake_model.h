// For tests: a model whose logits are a hash of everything that the logits of a hybrid model depend on. This is the
// recurrent state, and the keys and values of all positions up to the row. Each of them depends on all earlier ones. A
// wrong page, a state that was not taken back, or a log replayed from the wrong place therefore changes the answer. The
// draft head is right at a given rate. The model has a simulated clock. It checks the contracts of Model and Backend.
#pragma once

#include <functional>
#include <vector>

#include "model/model.h"
#include "schedule/testing/fake_backend.h"

namespace moebius::internal::testing {

struct FakeOptions {
  int64_t delta_layers = 2;
  int64_t context = 4096;
  int64_t max_rows = 512;
  int64_t draft_rows = 16;
  bool has_head = true;
  double head_accuracy = 0.8;   // how often the logits of the draft head equal those of the model
  int32_t nan_token = -1;       // the token that makes all later logits of the model NaN
  int32_t head_nan_token = -1;  // the token that makes the later logits of the draft head NaN
  std::function<double(int64_t rows)> step_seconds = [](int64_t rows) { return 1 + 0.1 * static_cast<double>(rows); };
  std::function<double(int64_t rows)> head_seconds = [](int64_t rows) {
    return 0.05 + 0.01 * static_cast<double>(rows);
  };
};

class FakeModel : public Model {
 public:
  static constexpr int32_t kVocab = 48;  // the number of ids in use; the logits have two columns more
  static constexpr int32_t kStop = 7;

  FakeModel(FakeBackend& backend, const FakeOptions& options);
  ~FakeModel() override;
  FakeModel(const FakeModel&) = delete;
  FakeModel& operator=(const FakeModel&) = delete;

  // The functions up to head_steps() are for tests.
  [[nodiscard]] double now() const { return now_; }
  void pass(double seconds) { now_ += seconds; }
  [[nodiscard]] int64_t steps() const { return steps_; }
  [[nodiscard]] int64_t rows() const { return rows_; }  // the rows of all steps
  // How often the head looked at a position whose pair was missing or belonged to another sequence.
  [[nodiscard]] int64_t head_gaps() const { return head_gaps_; }
  [[nodiscard]] int64_t head_steps() const { return head_steps_; }

  [[nodiscard]] const ModelConfig& config() const override { return config_; }
  [[nodiscard]] const ModelOptions& options() const override { return options_; }
  [[nodiscard]] StateSpec state_spec() const override { return make_state_spec(config_, options_); }
  Tensor forward(Batch batch, const LayerObserver& observer = nullptr) override;
  [[nodiscard]] Tensor last_hidden(int64_t rows) const override;
  Tensor forward_mtp(Batch batch, std::span<const Tensor> hidden) override;
  Tensor mlp_layer(int64_t, Tensor) override { refuse(); }
  void replay(State state, DeltaLog log, int64_t first, int64_t rows) override;
  void set_expert_path(ExpertPath) override {}

 private:
  // The output of the last layer for a row. Its bytes are stored unchanged in a row of the hidden states.
  struct Hidden {
    static constexpr int32_t kMark = 0x5eed;
    uint64_t recurrent = 0;
    uint64_t attention = 0;
    int32_t is_nan = 0;
    int32_t mark = kMark;  // shows that the row was written
    [[nodiscard]] uint64_t hash() const;
  };
  void check(const StagedBatch& batch) const;
  void run_sequence(const StagedBatch& batch, const SequenceRows& sequence);
  Hidden read_prefix(State state, int64_t positions);
  void advance(FakeState& state, int32_t token) const;
  void run_head(const StagedBatch& batch, const SequenceRows& sequence);
  void count_gaps(State state, int64_t position);
  Tensor write_logits(std::span<const int32_t> rows);
  void observe(const LayerObserver& observer);
  void forget_step();

  FakeMemory& memory_;
  FakeOperations& ops_;
  FakeOptions fake_;
  ModelConfig config_;
  ModelOptions options_;
  Tensor logits_;                // [kMaxLogitRows, V]
  Tensor hidden_;                // [max_rows, sizeof(Hidden)]
  std::vector<Hidden> sources_;  // [rows]: the values from which the logits of each row are made
  double now_ = 0;
  int64_t steps_ = 0;
  int64_t head_steps_ = 0;
  int64_t rows_ = 0;
  int64_t head_gaps_ = 0;
};

}  // namespace moebius::internal::testing
