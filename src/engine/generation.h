// One answer, token by token: draws from the logits of a sequence, appends what was drawn, and knows when to end. With
// a tokenizer also its text, as soon as a piece is certain: whole characters, none of them part of a stop string.
// Not here: what the text means (text/reply_parser.h), prompts and conversations (conversation.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/runner.h"
#include "sample/sampler.h"
#include "sample/stop_strings.h"
#include "text/stream_decoder.h"

namespace moebius {

struct GenerationOptions {
  SamplingOptions sampling;
  std::vector<std::string> stop;  // strings that end the answer and are not part of it; need a tokenizer
  std::vector<int32_t> stop_ids;  // ids that end the answer
  int64_t max_tokens = 128;
};

enum class GenerationEnd : uint8_t {
  kNone,    // it goes on
  kStop,    // a stop id or a stop string
  kLength,  // max_tokens, or the context is full
};

struct GeneratedToken {
  Draw draw;
  bool ends_answer = false;  // a stop id: its text is not part of the answer
  std::string text;          // what became certain with this token; may be empty, or belong to earlier ones
  bool is_whole = false;     // text is what this token stands for, no less and no more
};

class Generation {
 public:
  // logits: of the last token of the sequence, whose tokens so far are the prompt. tokenizer: null for ids alone.
  // Throws kUsage for options out of range, and for stop strings without a tokenizer.
  Generation(Sequence& sequence, std::vector<float> logits, const Tokenizer* tokenizer, GenerationOptions options);

  // The next token; nullopt when the answer has ended. Throws what Sequence::append() throws.
  std::optional<GeneratedToken> next();
  // After the end, or after the caller has had enough: text that was held back.
  std::string finish();

  [[nodiscard]] GenerationEnd end() const { return end_; }
  [[nodiscard]] int64_t tokens() const { return count_; }  // drawn so far

 private:
  [[nodiscard]] bool ends_answer(int32_t id) const;
  void add_text(GeneratedToken& token);

  Sequence& sequence_;
  std::vector<float> logits_;  // of the last token that was appended
  const Tokenizer* tokenizer_;
  GenerationOptions options_;
  Sampler sampler_;
  TokenCounts history_;
  std::optional<int32_t> pending_;        // drawn, not appended yet: the last one of an answer never is
  std::optional<StreamDecoder> decoder_;  // none without a tokenizer
  StopStrings stop_strings_;
  GenerationEnd end_ = GenerationEnd::kNone;
  int64_t count_ = 0;
};

}  // namespace moebius
