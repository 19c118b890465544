// The engine behind its public face: requests as text become sequences, what sequences do becomes events, from any
// thread. One thread steps. Knows no files: engine.cpp loads, tests put a fake model in.
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
  Model* model = nullptr;  // both outlive the engine
  Backend* backend = nullptr;
  std::optional<ModelText> text;  // none: a checkpoint without tokenizer.json
  std::vector<int32_t> stop_ids;  // of the checkpoint's config files
  SpeculationMode speculation;    // of requests that do not say
  SchedulerOptions scheduler;
};

class EngineCore {
 public:
  explicit EngineCore(EngineParts parts);

  // As in Engine.
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

  static constexpr size_t kRemembered = 64;  // requests that have ended, for fork() and tokens()

 private:
  // What there is to know of a request beside its sequence.
  struct Record {
    std::vector<int32_t> tokens;  // prompt and answer so far
    Prompt prompt;                // its ids are the first of tokens
    std::vector<int32_t> stop_ids;
  };

  [[nodiscard]] const ModelText* text_of() const { return text_ ? &*text_ : nullptr; }
  [[nodiscard]] SequenceSpec spec_of(const Request& request, const Prompt& prompt) const;
  void check(const SequenceSpec& spec) const;
  RequestId enqueue(SequenceSpec spec, Prompt prompt);
  [[nodiscard]] const Record& record(RequestId id) const;  // under mutex_
  void update_record(const Event& event);                  // under mutex_
  void remember(const Record& ended);

  Model& model_;
  std::optional<ModelText> text_;
  std::vector<int32_t> stop_ids_;       // for ids alone
  std::vector<int32_t> text_stop_ids_;  // where there is text
  SpeculationMode speculation_;
  int32_t vocab_;
  Transcripts transcripts_;

  std::mutex step_mutex_;  // of scheduler_; taken before mutex_
  Scheduler scheduler_;

  mutable std::mutex mutex_;  // of all that follows
  RequestId last_id_ = 0;
  std::vector<SequenceSpec> submitted_;
  std::vector<RequestId> cancelled_;
  std::vector<Event> events_;
  std::map<RequestId, Record> records_;
  std::deque<RequestId> ended_;
  Stats stats_;
};

}  // namespace moebius::internal
