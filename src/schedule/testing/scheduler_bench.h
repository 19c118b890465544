// For tests: a scheduler on a fake model, which collects the events of each request.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "schedule/scheduler.h"
#include "schedule/testing/fake_model.h"

namespace moebius::internal::testing {

struct BenchOptions {
  FakeOptions model = {};
  int64_t memory_bytes = int64_t{1} << 30;
  int64_t max_sequences = 8;
  int64_t prompt_rows = 64;
  bool prefix_cache = true;
};

// The collected events of one request.
struct Heard {
  std::vector<int32_t> tokens;
  std::vector<int64_t> steps;  // for each token: how many steps the model had run when the token came
  AnswerEnd end = AnswerEnd::kNone;
  Usage usage;  // is set at the end of the request
  std::optional<ErrorCode> error;
  std::string message;  // the text of `error`
  int64_t prompts = 0;  // the number of prompt events
  PromptEvent prompt;   // the last prompt event
};

class SchedulerBench {
 public:
  explicit SchedulerBench(const BenchOptions& options = {}) : model_(backend_, options.model) {
    scheduler_ = std::make_unique<Scheduler>(model_, backend_,
                                             SchedulerOptions{.memory_bytes = options.memory_bytes,
                                                              .max_sequences = options.max_sequences,
                                                              .prompt_rows = options.prompt_rows,
                                                              .prefix_cache = options.prefix_cache,
                                                              .clock = [this] { return model_.now(); },
                                                              .name = "fake"});
  }

  RequestId add(SequenceSpec spec) {
    spec.id = ++last_id_;
    spec.vocab = FakeModel::kVocab;
    heard_[spec.id];
    scheduler_->add(std::move(spec));
    return last_id_;
  }

  bool step() {
    const bool worked = scheduler_->step();
    listen();
    return worked;
  }

  // Runs steps until nothing is left to do. Fails when that takes too many steps.
  void run(int64_t max_steps = 100'000) {
    for (int64_t i = 0; step(); ++i) MOEBIUS_CHECK(i < max_steps);
  }

  const Heard& heard(RequestId id) const { return heard_.at(id); }
  Scheduler& scheduler() { return *scheduler_; }
  FakeModel& model() { return model_; }
  FakeMemory& memory() { return backend_.memory(); }
  // Destroys the scheduler, which gives all its memory back. Anything of it that is alive afterwards is a leak.
  void destroy_scheduler() { scheduler_.reset(); }

 private:
  void listen() {
    for (const Event& event : scheduler_->drain_events()) {
      Heard& heard = heard_.at(event.request);
      MOEBIUS_CHECK(heard.end == AnswerEnd::kNone);  // no event may come after the end
      if (const auto* prompt = std::get_if<PromptEvent>(&event.what)) {
        ++heard.prompts;
        heard.prompt = *prompt;
      } else if (const auto* draw = std::get_if<Draw>(&event.what)) {
        MOEBIUS_CHECK(heard.prompts > 0);  // no draw may come before the prompt event
        heard.tokens.push_back(draw->token);
        heard.steps.push_back(model_.steps());
      } else if (const auto* end = std::get_if<EndEvent>(&event.what)) {
        hear_end(heard, *end);
      }
    }
  }

  static void hear_end(Heard& heard, const EndEvent& event) {
    heard.end = event.end;
    heard.usage = event.usage;
    if (heard.prompts > 0) {  // the end must repeat the numbers of the prompt event
      MOEBIUS_CHECK(heard.prompt.prompt_tokens == event.usage.prompt_tokens);
      MOEBIUS_CHECK(heard.prompt.reused_tokens == event.usage.reused_tokens);
    }
    if (!event.error) return;
    heard.error = event.error->code();
    heard.message = event.error->what();
  }

  FakeBackend backend_;
  FakeModel model_;
  std::unique_ptr<Scheduler> scheduler_;
  std::map<RequestId, Heard> heard_;
  RequestId last_id_ = 0;
};

// Returns a prompt of so many tokens. Each seed gives another prompt.
inline std::vector<int32_t> prompt_of(int64_t tokens, uint32_t seed = 1) {
  std::vector<int32_t> prompt;
  uint32_t state = seed * 2654435761u + 12345u;
  for (int64_t i = 0; i < tokens; ++i) {
    state = state * 1664525u + 1013904223u;
    prompt.push_back(static_cast<int32_t>(state >> 16) % FakeModel::kVocab);
  }
  return prompt;
}

inline SequenceSpec request(std::vector<int32_t> prompt, int64_t max_tokens) {
  SequenceSpec spec;
  spec.prompt = std::move(prompt);
  spec.max_tokens = max_tokens;
  return spec;
}

// Returns the bytes of so many states and pages.
inline int64_t bytes_of(int64_t states, int64_t pages, const FakeOptions& options = {}) {
  FakeBackend backend;
  const FakeModel model(backend, options);
  return states * model.state_spec().recurrent_bytes() + pages * model.state_spec().page_bytes();
}

inline std::vector<int32_t> joined(std::vector<int32_t> first, const std::vector<int32_t>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// Copies everything but the text, which cannot be copied.
inline SequenceSpec copy_of(const SequenceSpec& spec) {
  return {.id = spec.id,
          .parent = spec.parent,
          .prompt = spec.prompt,
          .boundaries = spec.boundaries,
          .sampling = spec.sampling,
          .vocab = spec.vocab,
          .stop_ids = spec.stop_ids,
          .max_tokens = spec.max_tokens,
          .speculation = spec.speculation,
          .use_prefix_cache = spec.use_prefix_cache,
          .text = std::nullopt,
          .drafts = spec.drafts};
}

// Runs a request alone, without cache and without drafts.
inline Heard plain_run(const SequenceSpec& spec, const FakeOptions& model) {
  SequenceSpec plain = copy_of(spec);
  plain.speculation = {};
  plain.drafts = nullptr;
  plain.parent = 0;
  SchedulerBench bench({.model = model, .prefix_cache = false});
  const RequestId id = bench.add(std::move(plain));
  bench.run();
  return bench.heard(id);
}

inline std::vector<int32_t> plain_answer(const SequenceSpec& spec, const FakeOptions& model) {
  return plain_run(spec, model).tokens;
}

}  // namespace moebius::internal::testing
