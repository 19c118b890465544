// Token-true conversations: what was said before keeps its ids. A client sends a conversation back as text, and
// tokenizing what a model wrote token by token need not give its ids back: then the model would read another past than
// it had, and nothing computed for it could be used again. So the ids of every answer are kept beside the text that led
// to them. Not here: keys, values and states of those ids (the prefix cache).
//
// What a user wrote stays what a user wrote: the bytes of the prompt must have the same marks, but for the role that
// opens the answer. Those of the answer may have others (a client sends it back as a message), for the model itself
// chose its ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/marked_text.h"
#include "tokenizer/tokenizer.h"

namespace moebius::internal {

// The least recently used go first.
struct TranscriptLimits {
  size_t count = 1024;
  size_t bytes = size_t{64} << 20;
};

// From several threads at once; always with the same tokenizer.
class Transcripts {
 public:
  explicit Transcripts(const TranscriptLimits& limits = {});

  // A chat's answer has ended. prompt_ids: what encode(prompt) gave. reply_ids: all that were drawn, without the stop
  // id that ended them. Not kept: ids whose text is not UTF-8, or that spell an added token in other tokens.
  void add(const MarkedText& prompt, std::span<const int32_t> prompt_ids, std::span<const int32_t> reply_ids,
           const Tokenizer& tokenizer);

  // Ids of the longest transcript that the text begins with, and of the tokenizer for the rest; the rest must begin
  // with an added token (<|im_end|>), or its first bytes could be one token with the last ones of the answer. Linear in
  // the text.
  std::vector<int32_t> encode(const MarkedText& rendered, const Tokenizer& tokenizer);

  [[nodiscard]] size_t count() const;
  [[nodiscard]] size_t bytes() const;  // of texts, marks and ids

 private:
  struct Transcript {
    std::string text;             // of prompt and reply
    size_t prompt_bytes = 0;      // of these, the prompt's
    std::vector<ByteRange> user;  // of the prompt
    std::vector<int32_t> ids;
    uint64_t hash = 0;  // of the text
  };
  using Place = std::list<Transcript>::iterator;
  struct Prefix {
    size_t bytes = 0;  // 0: none was found
    std::vector<int32_t> ids;
  };

  Prefix find_longest(const MarkedText& rendered, const Tokenizer& tokenizer);
  static bool begins(const Transcript& transcript, const MarkedText& rendered, const Tokenizer& tokenizer);
  static size_t bytes_of(const Transcript& transcript);
  void forget(Place place);

  const TranscriptLimits limits_;
  const uint64_t seed_;
  mutable std::mutex mutex_;           // of all that follows
  std::list<Transcript> transcripts_;  // the one used last comes first
  std::unordered_map<uint64_t, Place> by_hash_;
  std::map<size_t, size_t> lengths_;  // of texts: how many have it
  size_t bytes_ = 0;
};

}  // namespace moebius::internal
