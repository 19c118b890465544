// Cuts text into the pieces within which byte pairs are merged. Hand-written scanners cut by the patterns that
// published models use, PCRE2 by every other pattern. The pattern's text alone decides which one it is.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace moebius::internal {

// The pattern that a ByteLevel pre-tokenizer uses by itself (use_regex).
extern const std::string_view kGpt2Pattern;
// The patterns of the two families of tokenizers: Qwen2, Qwen3 and Qwen3-Next; Qwen3.5 and Qwen3.6.
extern const std::string_view kQwen2Pattern;
extern const std::string_view kQwen3_5Pattern;

class PieceSink {
 public:
  virtual ~PieceSink() = default;
  virtual void piece(std::string_view bytes) = 0;
};

class Splitter {
 public:
  virtual ~Splitter() = default;
  // Hands the pieces of valid UTF-8 to the sink, from left to right: the matches of the pattern and the text between
  // them. Several threads may call this at once. Throws kBadTokenizer when a regular expression takes too many steps.
  virtual void split(std::string_view text, PieceSink& sink) const = 0;
};

// where: the field, for messages. Throws kBadTokenizer when the pattern is not a regular expression, when it can match
// the empty text, or when PCRE2 reads it differently from the engine it was written for.
std::unique_ptr<const Splitter> make_splitter(const std::string& pattern, const std::string& where);

}  // namespace moebius::internal
