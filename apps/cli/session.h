// A loaded model and a sequence on it, for the commands that need more than the engine shows: traces, expert
// paths, bytes moved, several sequences at chosen positions. Loading says on stderr what it needs, how far it is, and
// one line when it is ready.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cli/options.h"
#include "engine/runner.h"
#include "load/load.h"

namespace moebius::apps {

// The last part of the path: what people call the model.
std::string model_name(const std::string& directory);

struct Loaded {
  std::string name;
  MemoryPlan plan;
  double load_s = 0;
  LoadedModel parts;

  [[nodiscard]] Model& model() const { return *parts.model; }
  [[nodiscard]] Backend& backend() const { return *parts.backend; }
};

// options.engine says what for. Throws kUsage, kUnavailable, and what opening and loading throw.
Loaded load(const std::string& directory, const CommonOptions& options, bool measure_ops = false);

// The stderr side of loading, shared with the commands that load an engine or a runner: the plan before, progress, the
// line after.
struct Ready {
  std::string name;
  MemoryPlan plan;
  double load_s = 0;
};
Ready load_with_progress(const std::string& directory, const CommonOptions& options,
                         const std::function<void(const EngineOptions& with_progress)>& load);

struct ReadyEngine {
  Ready ready;
  Engine engine;
};
ReadyEngine load_engine(const std::string& directory, const CommonOptions& options);
Runner load_runner(const std::string& directory, const CommonOptions& options);

// Token ids that the model has rows for, padding included: known before it is loaded.
int32_t vocab_rows(const std::string& directory);

class Session {
 public:
  explicit Session(const Loaded& loaded);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void reset();  // to position 0, caches empty
  // The position from which the next step continues: the bench measures every repetition at the same one.
  void seek(int64_t position) { position_ = position; }

  // Appends at most max_rows tokens in one step; logits of rows [first, first + count) of them, on the backend.
  Tensor step(std::span<const int32_t> tokens, int64_t first, int64_t count, const LayerObserver& observer = nullptr);
  // The draft head behind the last step: tokens [T] follow its first T rows, the first of which is at `position`.
  Tensor guess(std::span<const int32_t> tokens, int64_t position);
  // Appends tokens that may be taken back; all rows of logits. keep(rows, drafted) must follow: the first rows stay.
  Tensor draft(std::span<const int32_t> tokens);
  void keep(int64_t rows, int64_t drafted);
  // To `position` at once, with keys and values of the positions so far, again and again: a long context to measure on.
  void pretend(int64_t position);
  // Any number of tokens in steps of max_rows, without logits.
  void skip(std::span<const int32_t> tokens);

  [[nodiscard]] State state() const { return state_; }

 private:
  Tensor run(const SequenceRows& sequence, std::span<const int32_t> tokens, int64_t first, int64_t count,
             const LayerObserver& observer = nullptr);

  const Loaded& loaded_;
  State state_;
  int64_t position_ = 0;
  std::vector<int32_t> rows_;  // of the step that want logits
};

}  // namespace moebius::apps
