// Hours of everything that users do, at once. Random requests on the demo model are submitted, cancelled, forked and
// preempted in any order, with every way to speculate, with scarce and with plentiful memory. Every answer is compared
// with that of an engine without prefix cache, speculation and other requests. ./do soak [MINUTES [SEED]] runs this
// program for as long as one likes. As a test it runs for 12 seconds.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "moebius/engine.h"

namespace moebius::internal {
namespace {

constexpr const char* kModel = MOEBIUS_SOURCE_DIR "/models/demo";
constexpr int64_t kScarce = 6 << 20;    // in bytes; running sequences must make room for each other
constexpr int64_t kPlenty = 256 << 20;  // in bytes; many prompt tokens are reused
constexpr size_t kMaxOpen = 12;

constexpr SpeculationMode kSpeculation[] = {{},
                                            kSpeculateFreely,
                                            {.mtp = true, .depth = 1},
                                            {.mtp = true, .depth = 3},
                                            {.ngram = true, .depth = 4},
                                            {.mtp = true},
                                            {.ngram = true}};
const char* const kQuestions[] = {"What is 47+38?",
                                  "Tell me a short story about a fox.",
                                  "Sort these words: tiger, pear, sand, fern, apple",
                                  "Tell me a story about a brave mouse.",
                                  "Reverse these words: sand, fern, apple",
                                  "What is 512 - 77?",
                                  "Count these words: pear, sand, fern"};

uint64_t resident_bytes() {
  uint64_t pages = 0, resident = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%lu %lu", &pages, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * 4096;
}

// An open request, and what has come of its answer so far.
struct Open {
  Request request;
  std::vector<int32_t> prompt;
  std::vector<int32_t> answer = {};
  Reply reply = {};
};

class Soak {
 public:
  Soak(uint64_t seed, double minutes, int64_t memory_bytes);
  int run();

 private:
  void act();
  void submit();
  void fork_one();
  void take(const Event& event);
  void remember(const Open& open);
  void compare(RequestId id, const Open& open, const EndEvent& end);
  std::vector<int32_t> plain_answer(const Open& open);
  void tell(double elapsed_s);
  uint64_t pick(uint64_t n) { return random_() % n; }
  Request random_request();

  std::mt19937_64 random_;
  double minutes_;
  Engine engine_;
  Engine plain_;
  std::map<RequestId, Open> open_;
  std::vector<RequestId> ended_;  // lately
  std::vector<Chat> chats_;
  int64_t compared_ = 0, cancelled_ = 0, forked_ = 0, differing_ = 0;
  uint64_t resident_start_ = 0;
};

EngineOptions busy_options(int64_t memory_bytes) {
  EngineOptions options;
  options.limits.max_sequences = 6;
  options.limits.prompt_rows = 24;
  options.cache.bytes = memory_bytes;
  return options;
}

EngineOptions plain_options() {
  EngineOptions options;
  options.drafts.mode = {};
  options.cache.keep_prefixes = false;
  options.limits.max_sequences = 1;
  return options;
}

Soak::Soak(uint64_t seed, double minutes, int64_t memory_bytes)
    : random_(seed),
      minutes_(minutes),
      engine_(Engine::load(kModel, busy_options(memory_bytes))),
      plain_(Engine::load(kModel, plain_options())) {}

// Returns a question, a conversation that goes on, or ids whose beginning other requests share.
Request Soak::random_request() {
  Request request;
  const uint64_t kind = pick(4);
  if (kind == 0) {
    const uint64_t shared = 200 + pick(700);
    for (uint64_t i = 0; i < shared; ++i) request.tokens.push_back(static_cast<int32_t>(300 + i * 7 % 1500));
    for (uint64_t i = pick(40); i > 0; --i) request.tokens.push_back(static_cast<int32_t>(300 + pick(1500)));
  } else {
    request.chat = kind == 1 && !chats_.empty() ? chats_[pick(chats_.size())] : Chat();
    request.chat->messages.push_back(Message::user(kQuestions[pick(std::size(kQuestions))]));
  }
  request.sampling.temperature = pick(2) == 0 ? 0.0f : 0.7f;
  request.sampling.seed = pick(50);
  request.max_tokens = static_cast<int64_t>(1 + pick(160));
  request.speculation = kSpeculation[pick(std::size(kSpeculation))];
  request.use_prefix_cache = pick(8) != 0;
  return request;
}

void Soak::submit() {
  Request request = random_request();
  const RequestId id = engine_.submit(request);
  std::vector<int32_t> prompt = engine_.tokens(id);
  open_[id] = {.request = std::move(request), .prompt = std::move(prompt)};
}

void Soak::fork_one() {
  const RequestId parent = !open_.empty() && pick(2) == 0 ? open_.begin()->first
                           : ended_.empty()               ? 0
                                                          : ended_[pick(ended_.size())];
  if (parent == 0) return;
  Request request = random_request();
  request.chat.reset();
  if (request.tokens.size() > 8) request.tokens.resize(pick(8));
  const auto length = engine_.tokens(parent).size();
  const auto at = static_cast<int64_t>(pick(2) == 0 ? length : 1 + pick(length));
  const RequestId id = engine_.fork(parent, at, request);
  std::vector<int32_t> prompt = engine_.tokens(id);
  open_[id] = {.request = std::move(request), .prompt = std::move(prompt)};
  ++forked_;
}

void Soak::act() {
  const uint64_t what = pick(100);
  if (open_.size() < kMaxOpen && what < 25) submit();
  if (open_.size() < kMaxOpen && what >= 90) fork_one();
  if (!open_.empty() && what >= 25 && what < 27) {
    engine_.cancel(std::next(open_.begin(), static_cast<std::ptrdiff_t>(pick(open_.size())))->first);
  }
  engine_.step();
  for (const Event& event : engine_.drain_events()) take(event);
}

void Soak::take(const Event& event) {
  Open& open = open_.at(event.request);
  if (const auto* draw = std::get_if<Draw>(&event.what)) open.answer.push_back(draw->token);
  if (const auto* piece = std::get_if<ReplyEvent>(&event.what)) fold(open.reply, {piece, 1});
  const auto* end = std::get_if<EndEvent>(&event.what);
  if (end == nullptr) return;
  if (end->error) throw Error(*end->error);
  compare(event.request, open, *end);
  if (open.request.chat && end->end == AnswerEnd::kStop) remember(open);
  ended_.push_back(event.request);
  if (ended_.size() > 20) ended_.erase(ended_.begin());
  open_.erase(event.request);
}

// Keeps the conversation, so that a later request can go on with it, as a client would.
void Soak::remember(const Open& open) {
  Chat chat = *open.request.chat;
  chat.messages.push_back(Message::assistant({.reasoning = "", .content = open.reply.content, .tool_calls = {}}));
  if (chat.messages.size() > 8) return;
  chats_.push_back(std::move(chat));
  if (chats_.size() > 10) chats_.erase(chats_.begin());
}

void Soak::compare(RequestId id, const Open& open, const EndEvent& end) {
  std::vector<int32_t> plain = plain_answer(open);
  if (end.end == AnswerEnd::kCancelled) {
    ++cancelled_;
    plain.resize(std::min(plain.size(), open.answer.size()));
  }
  ++compared_;
  if (plain == open.answer) return;
  ++differing_;
  const SpeculationMode mode = open.request.speculation.value_or(kSpeculateFreely);
  fmt::print("DIFFERS: request {}, {} prompt tokens, {} drawn, {} expected, drafts {}{}:{}, reused {}\n", id,
             open.prompt.size(), open.answer.size(), plain.size(), mode.mtp ? "mtp " : "", mode.ngram ? "ngram" : "",
             mode.depth, end.usage.reused_tokens);
}

// Returns the answer of the plain engine. The request is token ids, so that the engine is compared and not the text.
// The stop id of a chat is compared like any other id.
std::vector<int32_t> Soak::plain_answer(const Open& open) {
  Request request;
  request.tokens = open.prompt;
  request.sampling = open.request.sampling;
  request.max_tokens = open.request.max_tokens;
  const RequestId id = plain_.submit(request);
  std::vector<int32_t> answer;
  while (plain_.step()) {
    for (const Event& event : plain_.drain_events()) {
      const auto* draw = std::get_if<Draw>(&event.what);
      if (event.request == id && draw != nullptr) answer.push_back(draw->token);
    }
  }
  return answer;
}

void Soak::tell(double elapsed_s) {
  const Stats stats = engine_.stats();
  fmt::print(
      "{:.1f} min: {} answers compared ({} cancelled, {} forked), {} differ; {} tokens, {} of {} drafts accepted, "
      "{} of {} prompt tokens reused, {} preemptions; memory {} of {} MB, resident {} MB\n",
      elapsed_s / 60, compared_, cancelled_, forked_, differing_, stats.tokens, stats.accepted, stats.drafted,
      stats.reused_tokens, stats.prompt_tokens, stats.preempted, stats.memory_used >> 20, stats.memory_limit >> 20,
      resident_bytes() >> 20);
  std::fflush(stdout);
}

int Soak::run() {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  for (double next = 30; elapsed() < minutes_ * 60;) {
    act();
    if (elapsed() < next) continue;
    if (resident_start_ == 0) resident_start_ = resident_bytes();
    tell(elapsed());
    next += 30;
  }
  while (!open_.empty()) {
    engine_.step();
    for (const Event& event : engine_.drain_events()) take(event);
  }
  tell(elapsed());
  const Stats stats = engine_.stats();
  const bool is_idle = stats.running == 0 && stats.waiting == 0 && stats.memory_used <= stats.memory_limit;
  const bool has_grown = resident_start_ > 0 && resident_bytes() > resident_start_ + (uint64_t{64} << 20);
  fmt::print("{}\n", differing_ == 0 && is_idle && !has_grown ? "soak: passed" : "soak: FAILED");
  return differing_ == 0 && is_idle && !has_grown ? 0 : 1;
}

}  // namespace
}  // namespace moebius::internal

int main(int argc, char** argv) {
  const double minutes = argc > 1 ? std::atof(argv[1]) : 1;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const int scarce = moebius::internal::Soak(seed, minutes / 2, moebius::internal::kScarce).run();
  const int plenty = moebius::internal::Soak(seed + 1, minutes / 2, moebius::internal::kPlenty).run();
  return scarce + plenty == 0 ? 0 : 1;
}
