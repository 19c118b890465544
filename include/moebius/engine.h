// moebius, the public interface: load a checkpoint, submit requests, step, read events.
//
//   moebius::Engine engine = moebius::Engine::load("models/demo");
//   moebius::Request request;
//   request.chat = moebius::Chat{.messages = {moebius::Message::user("What is 12+9?")}};
//   request.sampling.temperature = 0;
//   engine.submit(request);
//   while (engine.step()) {
//     for (const moebius::Event& event : engine.drain_events()) {
//       if (const auto* piece = std::get_if<moebius::ReplyEvent>(&event.what)) std::cout << piece->text;
//     }
//   }
//
// Requests run together, a step for all of them at a time. An answer is token for token the same alone or among
// others, speculated or not, from the prefix cache or computed. Everything throws moebius::Error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "moebius/engine_options.h"
#include "moebius/export.h"
#include "moebius/request.h"

namespace moebius {

namespace internal {
struct EngineLoader;
}

class MOEBIUS_API Engine {
 public:
  static Engine load(const std::string& directory, const EngineOptions& options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // One thread steps; submit, fork, cancel, drain_events and stats may be called from any.

  // Throws kUsage for a request that cannot be (its prompt exceeds the context, a field is out of range), kUnavailable
  // when its prompt could not be held in memory even alone, kMissingInput for a chat without a template,
  // kBadConversation.
  RequestId submit(const Request& request);
  // Goes on from the first `at` tokens of another request, running or among the last that ended, followed by
  // request.tokens: several answers to one prompt. What is in the prefix cache of them is not computed again.
  // Throws kUsage for a parent that is not known or has fewer tokens.
  RequestId fork(RequestId parent, int64_t at, const Request& request);
  // The request ends at the next step with what it has. Nothing happens to one that has ended.
  void cancel(RequestId id);
  // One step of work for all requests; false when there was nothing to do.
  bool step();
  // What happened since the last call, in order.
  std::vector<Event> drain_events();
  [[nodiscard]] Stats stats() const;

  // Tokens of a request's prompt and answer so far: running, or among the last that ended. Throws kUsage otherwise.
  [[nodiscard]] std::vector<int32_t> tokens(RequestId id) const;
  // As generation_config.json has it for chats.
  [[nodiscard]] SamplingOptions advised_sampling() const;
  [[nodiscard]] int32_t vocab() const;  // ids in use
  [[nodiscard]] int64_t context() const;
  [[nodiscard]] std::vector<int32_t> encode(const std::string& text) const;  // throws kMissingInput without a tokenizer
  [[nodiscard]] std::string token_text(int32_t id) const;                    // its bytes; empty without a tokenizer

 private:
  friend struct internal::EngineLoader;  // of a checkpoint that is open already
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace moebius
