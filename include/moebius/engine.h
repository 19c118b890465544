// The public interface of moebius: load a checkpoint, submit requests, step, read events.
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
// All requests run together: a step works on all of them. An answer has the same tokens alone or among others, drafted
// or not, from the prefix cache or computed. Everything that fails throws moebius::Error.
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
  // Loads the checkpoint in a directory, in the layout of Hugging Face or MLX. Throws kUsage for options that cannot
  // be, kMissingInput, kUnavailable when the memory or the instruction set is not there, and the codes of bad data.
  static Engine load(const std::string& directory, const EngineOptions& options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // Any thread may call any of these functions. One call of step() runs at a time.

  // Queues a request. Throws kUsage for a request that cannot be (its prompt exceeds the context, a field is out of
  // range), kUnavailable when its prompt could not be held in memory even alone, kMissingInput for a chat without a
  // chat template, kBadConversation for messages that the template refuses.
  RequestId submit(const Request& request);
  // Queues a request that goes on from the first `at` tokens of another one, followed by request.tokens. This gives
  // several answers to one prompt. The parent may be running, or be one of the last 64 that ended. Tokens in the prefix
  // cache are not computed again. Throws kUsage for a parent that is not known or has fewer tokens.
  RequestId fork(RequestId parent, int64_t at, const Request& request);
  // Ends a request at the next step, with the tokens that it has. Does nothing to a request that has ended.
  void cancel(RequestId id);
  // Does one step of work for all requests. Returns false when there was nothing to do.
  bool step();
  // Returns what happened since the last call, in order.
  std::vector<Event> drain_events();
  [[nodiscard]] Stats stats() const;

  // Returns the tokens of a request's prompt and of its answer so far. Throws kUsage for a request that is neither
  // running nor one of the last 64 that ended.
  [[nodiscard]] std::vector<int32_t> tokens(RequestId id) const;
  // Returns the sampling that the checkpoint's generation_config.json advises for chats.
  [[nodiscard]] SamplingOptions advised_sampling() const;
  [[nodiscard]] int32_t vocab() const;    // token ids are below this number
  [[nodiscard]] int64_t context() const;  // most tokens of a request, its answer included
  [[nodiscard]] std::vector<int32_t> encode(const std::string& text) const;  // throws kMissingInput without a tokenizer
  [[nodiscard]] std::string token_text(int32_t id) const;  // bytes of a token; empty without a tokenizer

 private:
  friend struct internal::EngineLoader;  // loads a checkpoint that is open already
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace moebius
