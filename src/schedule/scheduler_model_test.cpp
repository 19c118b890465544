// Compares random requests, forks and cancellations on a scheduler with little memory and few rows with the simplest
// model of a scheduler: each request runs alone, without cache and drafts. The answers must be the same.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <tuple>

#include "schedule/testing/scheduler_bench.h"
#include "speculate/oracle_drafts.h"

namespace moebius::internal::testing {
namespace {

constexpr int64_t kContext = 1100;
constexpr int32_t kNanToken = FakeModel::kVocab;  // occurs only in prompts

struct Action {
  int kind = 0;
  int choice = 0;  // selects a request, and its digits in several bases select most of its options
  int length = 0;
  int answer = 0;
  int mode = 0;
  std::vector<int64_t> boundaries;
  std::vector<int32_t> suffix;
};

std::ostream& operator<<(std::ostream& os, const Action& action) {
  os << "{" << action.kind << ", " << action.choice << ", " << action.length << ", " << action.answer << ", "
     << action.mode << ", ";
  rc::show(action.boundaries, os);
  rc::show(action.suffix, os);
  return os << "}";
}

// Returns the length of a prompt. It is often short or near the end of a page.
rc::Gen<int> any_length() {
  return rc::gen::oneOf(rc::gen::inRange(1, 20), rc::gen::inRange(250, 262), rc::gen::inRange(505, 520),
                        rc::gen::inRange(760, 780), rc::gen::inRange(1, 1000));
}

rc::Gen<Action> any_action() {
  const auto suffix = rc::gen::resize(6, rc::gen::container<std::vector<int32_t>>(rc::gen::weightedElement<int32_t>(
                                             {{9, 0}, {9, 1}, {9, 2}, {1, kNanToken}})));
  const auto boundaries = rc::gen::resize(8, rc::gen::container<std::vector<int64_t>>(rc::gen::inRange(1, 1000)));
  const auto answer = rc::gen::oneOf(rc::gen::inRange(1, 5), rc::gen::inRange(1, 60), rc::gen::inRange(1, 300));
  return rc::gen::build<Action>(rc::gen::set(&Action::kind, rc::gen::inRange(0, 20)),
                                rc::gen::set(&Action::choice, rc::gen::inRange(0, 10'000)),
                                rc::gen::set(&Action::length, any_length()), rc::gen::set(&Action::answer, answer),
                                rc::gen::set(&Action::mode, rc::gen::inRange(0, 10)),
                                rc::gen::set(&Action::boundaries, boundaries), rc::gen::set(&Action::suffix, suffix));
}

SpeculationMode mode_of(int choice) {
  constexpr const char* kModes[] = {"none", "auto", "mtp", "ngram", "mtp:3", "ngram:5", "mtp:15", "ngram", "ngram:15"};
  return parse_speculation_mode(kModes[choice % std::size(kModes)]);
}

class Machine {
 public:
  explicit Machine(const BenchOptions& options) : options_(options), bench_(options) {}

  void run(const Action& action) {
    if (action.kind < 4) return submit(action);
    if (action.kind < 8) return fork(action);
    if (action.kind == 8) return cancel(action);
    for (int i = action.kind; i < 20; ++i) step();
  }

  void finish() {
    for (int64_t i = 0; step(); ++i) RC_ASSERT(i < 100'000);
    for (const auto& [id, request] : requests_) check(bench_.heard(id), request);
    const Stats stats = bench_.scheduler().stats();
    RC_ASSERT(stats.running + stats.waiting == 0);
    const int64_t spare = bench_.memory().states() - stats.snapshots;
    RC_ASSERT(spare >= 0 && spare <= 2);
    if (!options_.prefix_cache) RC_ASSERT(stats.memory_used == 0);
    bench_.destroy_scheduler();
    const FakeMemory& memory = bench_.memory();
    RC_ASSERT(std::tuple(memory.states(), memory.pages(), memory.logs(), memory.tensors()) == std::tuple(0, 0, 0, 2));
  }

 private:
  struct Request {
    SequenceSpec spec;
    Heard plain;
    bool fits = false;
    bool is_cancelled = false;
  };

  bool step() {
    const bool worked = bench_.step();
    const Stats stats = bench_.scheduler().stats();
    RC_ASSERT(stats.memory_used == bench_.memory().cache_bytes());
    RC_ASSERT(stats.memory_used <= stats.memory_limit);
    return worked;
  }

  void submit(const Action& action) {
    SequenceSpec spec;
    spec.prompt = prompt_of(action.length, action.choice % 3);
    add(action, std::move(spec));
  }

  void fork(const Action& action) {
    if (requests_.empty()) return submit(action);
    const auto& [id, parent] = *std::next(requests_.begin(), action.choice % std::ssize(requests_));
    SequenceSpec spec;
    spec.parent = id;
    spec.prompt = parent.spec.prompt;
    const auto& said = bench_.heard(id).tokens;
    spec.prompt.insert(spec.prompt.end(), said.begin(), said.end());
    if (action.choice % 2 == 0) spec.prompt.resize(1 + action.choice % spec.prompt.size());
    add(action, std::move(spec));
  }

  void add(const Action& action, SequenceSpec spec) {
    spec.prompt.insert(spec.prompt.end(), action.suffix.begin(), action.suffix.end());
    if (std::ssize(spec.prompt) > kContext) spec.prompt.resize(kContext);
    spec.boundaries = action.boundaries;
    std::ranges::sort(spec.boundaries);
    spec.sampling.temperature = static_cast<float>(action.choice / 3 % 3);
    spec.sampling.seed = action.choice / 9 % 3;
    if (action.choice / 27 % 3 == 0) spec.sampling.presence_penalty = 1.5f;
    if (action.choice / 27 % 3 == 1) spec.sampling.repetition_penalty = 1.3f;
    if (action.choice / 81 % 2 == 0) spec.stop_ids = {FakeModel::kStop};
    spec.use_prefix_cache = action.choice / 162 % 8 != 0;
    spec.max_tokens = action.answer;
    Request request;
    request.plain = plain_run(spec, options_.model);
    spec.speculation = mode_of(action.mode);
    if (spec.speculation.ngram && action.choice / 7 % 2 == 0) spec.drafts = oracle(action, spec, request.plain.tokens);
    request.fits = fits(std::min<int64_t>(std::ssize(spec.prompt) + spec.max_tokens, kContext));
    request.spec = copy_of(spec);
    const RequestId id = bench_.add(std::move(spec));
    requests_[id] = std::move(request);
  }

  static std::function<std::vector<int32_t>(int64_t, int64_t)> oracle(const Action& action, const SequenceSpec& spec,
                                                                      const std::vector<int32_t>& plain) {
    constexpr double kRates[] = {0, 0.3, 0.7, 0.95};
    const OracleErrors errors{.rate = kRates[action.choice % 4], .burst = action.choice % 3 * 7, .seed = 1};
    return [drafts = OracleDrafts(plain, errors), start = std::ssize(spec.prompt)](int64_t position, int64_t most) {
      return drafts.propose(position - start, most);
    };
  }

  bool fits(int64_t tokens) {
    try {
      bench_.scheduler().check_fits(tokens);
      return true;
    } catch (const Error& error) {
      RC_ASSERT(error.code() == ErrorCode::kUnavailable);
      return false;
    }
  }

  void cancel(const Action& action) {
    if (requests_.empty()) return;
    auto& [id, request] = *std::next(requests_.begin(), action.choice % std::ssize(requests_));
    if (bench_.heard(id).end == AnswerEnd::kNone) request.is_cancelled = true;
    bench_.scheduler().cancel(id);
  }

  static void check(const Heard& heard, const Request& request) {
    const Heard& plain = request.plain;
    RC_ASSERT(heard.tokens.size() <= plain.tokens.size());
    RC_ASSERT(std::equal(heard.tokens.begin(), heard.tokens.end(), plain.tokens.begin()));
    RC_ASSERT(heard.usage.tokens == std::ssize(heard.tokens));
    if (heard.end == AnswerEnd::kCancelled && request.is_cancelled) return;
    if (heard.error == ErrorCode::kUnavailable && !request.fits) return;
    RC_ASSERT(heard.tokens.size() == plain.tokens.size());
    RC_ASSERT(heard.end == plain.end);
    RC_ASSERT(heard.message == plain.message);
    RC_ASSERT(heard.prompts == 1);
  }

  BenchOptions options_;
  SchedulerBench bench_;
  std::map<RequestId, Request> requests_;
};

BenchOptions any_options(int64_t delta_layers) {
  BenchOptions options;
  options.model.delta_layers = delta_layers;
  options.model.context = kContext;
  options.max_sequences = *rc::gen::inRange(1, 6);
  options.model.max_rows = *rc::gen::element(8, 20, 64, 100, 512);
  options.model.draft_rows = *rc::gen::element(0, 4, 8);
  options.model.has_head = *rc::gen::weightedElement<bool>({{3, true}, {1, false}});
  options.model.head_accuracy = *rc::gen::element(0.0, 0.5, 0.9, 1.0);
  options.model.nan_token = kNanToken;
  options.model.head_nan_token = *rc::gen::element(-1, 5);
  options.prompt_rows = *rc::gen::element(1, 7, 64, 512);
  options.prefix_cache = *rc::gen::weightedElement<bool>({{7, true}, {1, false}});
  FakeBackend backend;
  const FakeModel model(backend, options.model);
  const StateSpec spec = model.state_spec();
  options.memory_bytes =
      *rc::gen::inRange(1, 16) * spec.page_bytes() + *rc::gen::inRange(1, 8) * spec.recurrent_bytes();
  return options;
}

bool says_the_same_as_alone(int64_t delta_layers) {
  return rc::check([=] {
    Machine machine(any_options(delta_layers));
    const auto actions = *rc::gen::container<std::vector<Action>>(any_action());
    for (const Action& action : actions) machine.run(action);
    machine.finish();
  });
}

TEST(SchedulerModel, says_the_same_as_alone_whatever_happens_around) { EXPECT_TRUE(says_the_same_as_alone(2)); }

TEST(SchedulerModel, does_so_for_a_model_without_recurrent_state) { EXPECT_TRUE(says_the_same_as_alone(0)); }

}  // namespace
}  // namespace moebius::internal::testing
