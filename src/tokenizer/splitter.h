// How text is cut into the pieces that byte pairs are merged in: hand-written scanners for the patterns that published
// models use, PCRE2 for every other. Which one it is depends on the pattern's text alone.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace moebius::internal {

// The pattern that a ByteLevel pre-tokenizer has of its own (use_regex).
extern const std::string_view kGpt2Pattern;

class PieceSink {
 public:
  virtual ~PieceSink() = default;
  virtual void piece(std::string_view bytes) = 0;
};

class Splitter {
 public:
  virtual ~Splitter() = default;
  // Hands the pieces of valid UTF-8 to the sink, from left to right: matches of the pattern and what lies between.
  // From several threads at once. A regular expression throws kBadTokenizer when it takes too many steps.
  virtual void split(std::string_view text, PieceSink& sink) const = 0;
};

// where: the field, for messages. Throws kBadTokenizer when the pattern is none, can match nothing, or means something
// else to PCRE2 than to the engine it was written for.
std::unique_ptr<const Splitter> make_splitter(const std::string& pattern, const std::string& where);

}  // namespace moebius::internal
