// Implements the engine core of engine_core.h.
#include "engine/engine_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "moebius/error.h"
#include "sample/sampling_options.h"

namespace moebius::internal {
namespace {

int32_t ids_in_use(const std::optional<ModelText>& text, const Model& model) {
  const auto rows = static_cast<int32_t>(model.config().vocab);
  return text ? std::min(rows, text->tokenizer.vocab_size()) : rows;
}

}  // namespace

EngineCore::EngineCore(EngineParts parts)
    : model_(*parts.model),
      text_(std::move(parts.text)),
      stop_ids_(std::move(parts.stop_ids)),
      text_stop_ids_(text_ ? moebius::internal::stop_ids(stop_ids_, *text_) : stop_ids_),
      speculation_(parts.speculation),
      vocab_(ids_in_use(text_, model_)),
      scheduler_(model_, *parts.backend, parts.scheduler),
      stats_(scheduler_.stats()) {
  check_has_head(speculation_, model_);
}

// ---- from any thread

RequestId EngineCore::submit(const Request& request) {
  Prompt prompt = make_prompt(request, text_of(), text_stop_ids_, transcripts_);
  SequenceSpec spec = spec_of(request, prompt);
  check(spec);
  return enqueue(std::move(spec), std::move(prompt));
}

RequestId EngineCore::fork(RequestId parent, int64_t at, const Request& request) {
  if (request.chat || !request.text.empty()) {
    throw Error(ErrorCode::kUsage, "fork", "goes on from tokens, but the request has text",
                "leave chat and text empty; tokens may follow those of the parent");
  }
  Prompt prompt;
  {
    const std::lock_guard lock(mutex_);
    const Record& from = record(parent);
    if (at < 1 || at > std::ssize(from.tokens)) {
      throw Error(ErrorCode::kUsage, "fork",
                  fmt::format("expected a position from 1 to {}, got {}", from.tokens.size(), at));
    }
    prompt.ids.assign(from.tokens.begin(), from.tokens.begin() + at);
    prompt.has_text = from.prompt.has_text;
    // A fork from the beginning of the parent's answer is read like the parent's answer. The answer of a fork from
    // another place is plain text.
    if (at == std::ssize(from.prompt.ids)) prompt.reply = from.prompt.reply;
  }
  prompt.ids.insert(prompt.ids.end(), request.tokens.begin(), request.tokens.end());
  SequenceSpec spec = spec_of(request, prompt);
  spec.parent = parent;
  check(spec);
  return enqueue(std::move(spec), std::move(prompt));
}

SequenceSpec EngineCore::spec_of(const Request& request, const Prompt& prompt) const {
  SequenceSpec spec;
  spec.prompt = prompt.ids;
  spec.boundaries = prompt.boundaries;
  spec.sampling = request.sampling;
  spec.vocab = vocab_;
  spec.stop_ids = prompt.has_text ? text_stop_ids_ : stop_ids_;
  spec.max_tokens = request.max_tokens;
  spec.speculation = request.speculation.value_or(speculation_);
  spec.use_prefix_cache = request.use_prefix_cache;
  if (prompt.has_text && text_) spec.text.emplace(text_->tokenizer, prompt.reply, request.stop);
  return spec;
}

void EngineCore::check(const SequenceSpec& spec) const {
  const auto size = std::ssize(spec.prompt);
  if (size == 0) throw Error(ErrorCode::kUsage, "prompt", "it has no tokens", "say something");
  const auto vocab = static_cast<int32_t>(model_.config().vocab);
  for (const int32_t id : spec.prompt) {
    if (id < 0 || id >= vocab) {
      throw Error(ErrorCode::kUsage, "tokens", fmt::format("expected ids from 0 to {}, got {}", vocab - 1, id));
    }
  }
  if (size > context()) {
    throw Error(ErrorCode::kUsage, "prompt", fmt::format("its {} tokens exceed the context of {}", size, context()),
                context() < model_.config().max_positions ? "load with a larger context (--ctx), or shorten it"
                                                          : "shorten it: the model has no more positions");
  }
  if (spec.max_tokens < 1) {
    throw Error(ErrorCode::kUsage, "max_tokens", fmt::format("expected at least 1, got {}", spec.max_tokens));
  }
  moebius::internal::check(spec.sampling, spec.vocab);
  moebius::internal::check(spec.speculation);
  check_has_head(spec.speculation, model_);
  scheduler_.check_fits(size + 1);
}

RequestId EngineCore::enqueue(SequenceSpec spec, Prompt prompt) {
  const std::lock_guard lock(mutex_);
  spec.id = ++last_id_;
  records_[spec.id] = {.tokens = spec.prompt, .prompt = std::move(prompt), .stop_ids = spec.stop_ids};
  submitted_.push_back(std::move(spec));
  return last_id_;
}

void EngineCore::cancel(RequestId id) {
  const std::lock_guard lock(mutex_);
  cancelled_.push_back(id);
}

std::vector<Event> EngineCore::drain_events() {
  const std::lock_guard lock(mutex_);
  return std::exchange(events_, {});
}

Stats EngineCore::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

std::vector<int32_t> EngineCore::tokens(RequestId id) const {
  const std::lock_guard lock(mutex_);
  return record(id).tokens;
}

const EngineCore::Record& EngineCore::record(RequestId id) const {
  const auto found = records_.find(id);
  if (found != records_.end()) return found->second;
  throw Error(ErrorCode::kUsage, "request", fmt::format("there is no request {}", id),
              fmt::format("of those that ended, the last {} are known", kRemembered));
}

// ---- the thread that steps

bool EngineCore::step() {
  const std::lock_guard step_lock(step_mutex_);
  std::vector<SequenceSpec> submitted;
  std::vector<RequestId> cancelled;
  {
    const std::lock_guard lock(mutex_);
    submitted = std::exchange(submitted_, {});
    cancelled = std::exchange(cancelled_, {});
  }
  for (SequenceSpec& spec : submitted) scheduler_.add(std::move(spec));
  for (const RequestId id : cancelled) scheduler_.cancel(id);
  const bool worked = scheduler_.step();
  const std::lock_guard lock(mutex_);
  for (Event& event : scheduler_.drain_events()) {
    update_record(event);
    events_.push_back(std::move(event));
  }
  stats_ = scheduler_.stats();
  return worked;
}

void EngineCore::update_record(const Event& event) {
  const auto found = records_.find(event.request);
  if (found == records_.end()) return;
  if (const auto* draw = std::get_if<Draw>(&event.what)) found->second.tokens.push_back(draw->token);
  if (!std::holds_alternative<EndEvent>(event.what)) return;
  remember(found->second);
  ended_.push_back(event.request);
  if (ended_.size() <= kRemembered) return;
  records_.erase(ended_.front());
  ended_.pop_front();
}

// Stores the ids of a chat's answer. They are used when the conversation comes back as text.
void EngineCore::remember(const Record& ended) {
  const ModelText* text = text_of();
  if (text == nullptr || !ended.prompt.reply || ended.prompt.rendered.text.empty()) return;
  auto reply = std::span(ended.tokens).subspan(ended.prompt.ids.size());
  if (!reply.empty() && std::ranges::find(ended.stop_ids, reply.back()) != ended.stop_ids.end()) {
    reply = reply.first(reply.size() - 1);
  }
  if (!reply.empty()) transcripts_.add(ended.prompt.rendered, ended.prompt.ids, reply, text->tokenizer);
}

}  // namespace moebius::internal
