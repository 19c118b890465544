// The implementation of the public Engine. It turns requests into sequences, and the progress of sequences into events.
// Any thread may call it; a step runs on one thread at a time. This file reads no files: engine.cpp loads the model,
// and tests use a fake model.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dialogue/model_text.h"
#include "dialogue/prompt.h"
#include "dialogue/transcripts.h"
#include "moebius/request.h"
#include "schedule/scheduler.h"

namespace moebius::internal {

struct EngineParts {
  Model* model = nullptr;         // must outlive the engine
  Backend* backend = nullptr;     // must outlive the engine
  std::optional<ModelText> text;  // nullopt for a checkpoint without tokenizer.json
  std::vector<int32_t> stop_ids;  // the stop ids of the checkpoint's config files
  SpeculationMode speculation;    // the default for requests without a mode
  SchedulerOptions scheduler;
};

class EngineCore {
 public:
  explicit EngineCore(EngineParts parts);

  // These functions work as in Engine.
  RequestId submit(const Request& request);
  RequestId fork(RequestId parent, int64_t at, const Request& request);
  void cancel(RequestId id);
  bool step();
  std::vector<Event> drain_events();
  [[nodiscard]] Stats stats() const;
  [[nodiscard]] std::vector<int32_t> tokens(RequestId id) const;

  [[nodiscard]] const std::optional<ModelText>& text() const { return text_; }
  [[nodiscard]] int32_t vocab() const { return vocab_; }
  [[nodiscard]] int64_t context() const { return model_.options().context; }

  static constexpr size_t kRemembered = 64;  // how many ended requests fork() and tokens() still know

 private:
  // What the engine keeps about a request, besides its sequence.
  struct Record {
    std::vector<int32_t> tokens;  // the prompt, then the answer so far
    Prompt prompt;                // `tokens` begins with the ids of the prompt
    std::vector<int32_t> stop_ids;
  };

  [[nodiscard]] const ModelText* text_of() const { return text_ ? &*text_ : nullptr; }
  [[nodiscard]] SequenceSpec spec_of(const Request& request, const Prompt& prompt) const;
  void check(const SequenceSpec& spec) const;
  RequestId enqueue(SequenceSpec spec, Prompt prompt);
  [[nodiscard]] const Record& record(RequestId id) const;  // the caller holds mutex_
  void update_record(const Event& event);                  // the caller holds mutex_
  void remember(const Record& ended);

  Model& model_;
  std::optional<ModelText> text_;
  std::vector<int32_t> stop_ids_;       // for requests of tokens
  std::vector<int32_t> text_stop_ids_;  // for requests with text
  SpeculationMode speculation_;
  int32_t vocab_;
  Transcripts transcripts_;

  std::mutex step_mutex_;  // guards scheduler_; must be locked before mutex_
  Scheduler scheduler_;

  mutable std::mutex mutex_;  // guards all members below
  RequestId last_id_ = 0;
  std::vector<SequenceSpec> submitted_;
  std::vector<RequestId> cancelled_;
  std::vector<Event> events_;
  std::map<RequestId, Record> records_;
  std::deque<RequestId> ended_;
  Stats stats_;
};

}  // namespace moebius::internal
