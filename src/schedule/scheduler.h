// Runs many sequences on one model, a step for all of them at a time: those that decode with one token and their
// drafts, those with a prompt with a piece of it. Memory that runs out is made by dropping cached prefixes, then by
// letting the youngest sequence wait; it goes on later as if nothing had been. What a sequence says never depends on
// the others: rows of a step do not see each other, drafts must equal what is drawn, and what is cached has the bits
// that would be computed. For one thread; no text in here.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "moebius/request.h"
#include "schedule/drafting.h"
#include "schedule/kv_pool.h"
#include "schedule/sequence.h"

namespace moebius::internal {

struct SchedulerOptions {
  int64_t memory_bytes = 0;
  int64_t max_sequences = 16;
  int64_t prompt_rows = 64;  // of a step in which others decode
  bool prefix_cache = true;
  Drafting::Clock clock;  // seconds; a test counts instead
  std::string name;       // of the model, for messages
};

class Scheduler {
 public:
  // The model and its backend outlive it.
  Scheduler(Model& model, Backend& backend, const SchedulerOptions& options);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Throws kUnavailable when so many tokens do not fit into memory even alone.
  void check_fits(int64_t tokens) const;
  void add(SequenceSpec spec);
  void cancel(RequestId id);
  // False when there was nothing to do.
  bool step();
  std::vector<Event> drain_events() { return std::exchange(events_, {}); }
  [[nodiscard]] Stats stats();

 private:
  using SequencePtr = std::unique_ptr<Sequence>;

  // The rows of one sequence in a step.
  struct Part {
    Sequence* sequence = nullptr;
    int64_t position = 0;  // of its first row
    int64_t rows = 0;      // tokens of the sequence, without drafts
    bool decodes = false;
    bool is_drawn_from = false;  // behind its rows comes a token that is not known yet
    std::span<const int32_t> drafts = {};
    int64_t first_row = 0;    // of the step
    int64_t first_logit = 0;  // of the rows of logits, when it is drawn from

    Part(Sequence& of, int64_t count)
        : sequence(&of),
          position(of.computed),
          rows(count),
          decodes(of.decodes()),
          is_drawn_from(count == of.missing()) {}
    [[nodiscard]] int64_t all_rows() const { return rows + std::ssize(drafts); }
  };

  // scheduler.cpp: who runs
  void admit();
  bool start(Sequence& sequence);
  bool allocate(Sequence& sequence, const PrefixCache::Match& match);
  void restore(Sequence& sequence, const PrefixCache::Match& match);
  bool grow(Sequence& sequence, int64_t tokens);
  void make_room();
  bool release_recorders();
  void preempt_youngest();
  [[nodiscard]] bool is_published(const Sequence& sequence) const;
  void publish(Sequence& sequence);
  void publish_with_head(Sequence& sequence);
  void release(Sequence& sequence);
  void finish_ended();
  void finish(Sequence& sequence);
  Sequence* find(RequestId id);

  // scheduler_step.cpp: what they do in a step
  void record_snapshots();
  std::vector<Part> plan_parts();
  void add_prompts(std::vector<Part>& parts);
  Batch stage(std::vector<Part>& parts);
  void draw(std::span<const Part> parts, Batch batch, Tensor logits);
  DraftOutcome finish_part(const Part& part, const SequenceDraws* draws);
  DraftOutcome append_draws(const Part& part, const SequenceDraws& draws);
  void append(Sequence& sequence, const Draw& draw);
  void append_text(Sequence& sequence, int32_t id);
  void update_head(std::span<const Part> parts);
  void explain_failure(Sequence& sequence);

  Model& model_;
  Backend& backend_;
  SchedulerOptions options_;
  KvPool pool_;
  std::unique_ptr<DraftHead> head_;
  Drafting drafting_;
  std::vector<SequencePtr> running_;  // in the order in which they started
  std::deque<SequencePtr> waiting_;
  bool is_full_ = false;  // nobody starts before somebody ends
  std::vector<Event> events_;
  Tensor kept_;                       // i32 [max_sequences, 1]: rows of each sequence in a step that stay
  std::vector<SequenceDraws> draws_;  // of the step, of the sequences that are drawn from
  int64_t bytes_before_ = 0;          // that the backend had moved when the scheduler was made
  Stats stats_;
};

}  // namespace moebius::internal
