// Keeps the token ids of earlier answers. A client sends a conversation back as text, and tokenizing the text of an
// answer need not give the ids that the model drew. The model would then read another past than it had, and nothing
// computed for that past could be reused. A transcript therefore keeps the ids of an answer beside the text of prompt
// and answer. The keys, values and states of these ids are in the prefix cache, not here.
//
// User text stays user text: a transcript applies only when the bytes of the prompt have the same marks, except for the
// role that opens the answer. The bytes of the answer may have other marks, because a client sends the answer back as a
// message, and the model itself chose its ids.
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

// The limits of the kept transcripts. When a limit is exceeded, the least recently used transcripts are dropped.
struct TranscriptLimits {
  size_t count = 1024;
  size_t bytes = size_t{64} << 20;
};

// Several threads may call the functions at once. All calls must pass the same tokenizer.
class Transcripts {
 public:
  explicit Transcripts(const TranscriptLimits& limits = {});

  // Adds the transcript of a chat's answer that has ended. `prompt_ids` are the ids that encode(prompt) returned.
  // `reply_ids` are all drawn ids, without the stop id at their end. The answer is not kept when its text is not UTF-8,
  // or when it spells an added token with other tokens.
  void add(const MarkedText& prompt, std::span<const int32_t> prompt_ids, std::span<const int32_t> reply_ids,
           const Tokenizer& tokenizer);

  // Encodes a text: the ids of the longest transcript that the text begins with, then the tokenizer's ids for the rest.
  // The rest must begin with an added token (<|im_end|>). Otherwise its first bytes could form one token with the last
  // bytes of the answer. The time is linear in the length of the text.
  std::vector<int32_t> encode(const MarkedText& rendered, const Tokenizer& tokenizer);

  [[nodiscard]] size_t count() const;
  [[nodiscard]] size_t bytes() const;  // the memory of texts, marks and ids

 private:
  struct Transcript {
    std::string text;             // the prompt, then the reply
    size_t prompt_bytes = 0;      // the size of the prompt in `text`
    std::vector<ByteRange> user;  // the marks of the prompt
    std::vector<int32_t> ids;
    uint64_t hash = 0;  // the hash of `text`
  };
  using Place = std::list<Transcript>::iterator;
  struct Prefix {
    size_t bytes = 0;  // 0: no transcript was found
    std::vector<int32_t> ids;
  };

  Prefix find_longest(const MarkedText& rendered, const Tokenizer& tokenizer);
  static bool begins(const Transcript& transcript, const MarkedText& rendered, const Tokenizer& tokenizer);
  static size_t bytes_of(const Transcript& transcript);
  void forget(Place place);

  const TranscriptLimits limits_;
  const uint64_t seed_;
  mutable std::mutex mutex_;           // guards all members below
  std::list<Transcript> transcripts_;  // the most recently used one comes first
  std::unordered_map<uint64_t, Place> by_hash_;
  std::map<size_t, size_t> lengths_;  // for each length of a text: how many transcripts have this length
  size_t bytes_ = 0;
};

}  // namespace moebius::internal
