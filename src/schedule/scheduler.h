// Runs many sequences on one model, in common steps. A decoding sequence has one token and its drafts in a step; a
// sequence with a prompt has a piece of the prompt. When memory runs out, the scheduler drops cached prefixes, then
// preempts the youngest sequence, which later continues with the same answer. An answer never depends on the other
// sequences: sequences of a step do not see each other, an accepted draft equals the drawn token, and cached entries
// have the same bits as computed ones. It is for one thread. AnswerText makes text of tokens, not the scheduler.
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
  int64_t prompt_rows = 64;  // the limit of prompt rows in a step in which other sequences decode
  bool prefix_cache = true;
  Drafting::Clock clock;  // in seconds; a test uses a simulated clock
  std::string name;       // the name of the model, for messages
};

class Scheduler {
 public:
  // The model and its backend must outlive the scheduler.
  Scheduler(Model& model, Backend& backend, const SchedulerOptions& options);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Throws kUnavailable when a sequence of so many tokens does not fit into memory even alone.
  void check_fits(int64_t tokens) const;
  void add(SequenceSpec spec);
  void cancel(RequestId id);
  // Runs one step. Returns false when there was nothing to do.
  bool step();
  std::vector<Event> drain_events() { return std::exchange(events_, {}); }
  [[nodiscard]] Stats stats();

 private:
  using SequencePtr = std::unique_ptr<Sequence>;

  // The rows of one sequence in a step.
  struct Part {
    Sequence* sequence = nullptr;
    int64_t position = 0;  // the position of the first row in the sequence
    int64_t rows = 0;      // how many tokens of the sequence there are, without drafts
    bool decodes = false;
    bool is_drawn_from = false;  // whether the token behind the rows is not known yet and must be drawn
    std::span<const int32_t> drafts = {};
    int64_t first_row = 0;    // the index of the first row in the step
    int64_t first_logit = 0;  // the index of the first row of logits, when is_drawn_from

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

  // scheduler_step.cpp: the work of a step
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
  bool is_full_ = false;  // whether no sequence may start before a running one ends
  std::vector<Event> events_;
  Tensor kept_;                       // i32 [max_sequences, 1]: how many rows of each sequence in a step stay
  std::vector<SequenceDraws> draws_;  // the draws of the step, for each part with is_drawn_from
  int64_t bytes_before_ = 0;          // the bytes that the backend had moved when the scheduler was made
  Stats stats_;
};

}  // namespace moebius::internal
