// Runs many streams on one model, a step for all of them at a time: those that decode with one token and their drafts,
// those with a prompt with a piece of it. Memory that runs out is made by dropping cached prefixes, then by letting the
// youngest stream wait; it goes on later as if nothing had been. What a stream says never depends on the others: rows
// of a step do not see each other, drafts must equal what is drawn, and what is cached has the bits that would be
// computed. For one thread; no text in here.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "moebius/engine.h"
#include "schedule/cache_pool.h"
#include "schedule/drafting.h"
#include "schedule/stream.h"

namespace moebius {

struct SchedulerOptions {
  int64_t memory_bytes = 0;
  int64_t max_streams = 16;
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
  void add(StreamSpec spec);
  void cancel(RequestId id);
  // False when there was nothing to do.
  bool step();
  std::vector<Event> take_events() { return std::exchange(events_, {}); }
  [[nodiscard]] Stats stats();

 private:
  using StreamPtr = std::unique_ptr<Stream>;

  // The rows of one stream in a step.
  struct Part {
    Stream* stream = nullptr;
    int64_t position = 0;  // of its first row
    int64_t rows = 0;      // tokens of the stream, without drafts
    bool decodes = false;
    bool is_drawn_from = false;  // behind its rows comes a token that is not known yet
    std::span<const int32_t> drafts = {};
    int64_t first_row = 0;    // of the step
    int64_t first_logit = 0;  // of the rows of logits, when it is drawn from

    Part(Stream& of, int64_t count)
        : stream(&of),
          position(of.computed),
          rows(count),
          decodes(of.decodes()),
          is_drawn_from(count == of.missing()) {}
    [[nodiscard]] int64_t all_rows() const { return rows + std::ssize(drafts); }
  };

  // scheduler.cpp: who runs
  void admit();
  bool start(Stream& stream);
  void take_up(Stream& stream, const PrefixCache::Match& match);
  bool take_memory(Stream& stream, const PrefixCache::Match& match);
  bool grow(Stream& stream, int64_t tokens);
  void make_room();
  bool release_recorders();
  void preempt_youngest();
  [[nodiscard]] bool is_published(const Stream& stream) const;
  void publish(Stream& stream);
  void hand_over(Stream& stream);
  void release(Stream& stream);
  void finish_ended();
  void finish(Stream& stream);
  Stream* find(RequestId id);
  Event event_of(const Stream& stream, Event::Kind kind) const;

  // scheduler_step.cpp: what they do in a step
  void record();
  std::vector<Part> plan_parts();
  void add_prompts(std::vector<Part>& parts);
  Tensor run(std::vector<Part>& parts);
  DraftOutcome verify(const Part& part, Tensor logits);
  void take_token(Stream& stream, Draw drawn);
  void keep_hidden(std::span<const Part> parts);
  void explain_failure(Stream& stream);

  Model& model_;
  Backend& backend_;
  SchedulerOptions options_;
  CachePool pool_;
  std::unique_ptr<DraftHead> head_;
  Drafting drafting_;
  std::vector<StreamPtr> running_;  // in the order in which they were taken up
  std::deque<StreamPtr> waiting_;
  bool is_full_ = false;  // nobody is taken up before somebody ends
  std::vector<Event> events_;
  std::vector<float> logits_;  // [V]
  Stats stats_;
};

}  // namespace moebius
