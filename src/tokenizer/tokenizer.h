// Text <-> ids, as a tokenizer.json says: byte-level BPE of the Qwen, GPT-2 and Llama 3 families. Ids are those of the
// `tokenizers` wheel, for any text. Not here: special ids that config files name (stop tokens), chat templates.
//
//   const Tokenizer tokenizer = Tokenizer::parse(read_text(path, kMaxBytes), path.string());
//   tokenizer.encode("Hello");                 // added tokens in the text (<|im_end|>) become their ids
//   tokenizer.encode(MarkedText{text, user});  // but not where a user wrote them
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/marked_text.h"
#include "tokenizer/added_tokens.h"

namespace moebius::internal {

// What merging the pieces of a text took, in steps: for tests, which must not measure time.
struct EncodeWork {
  uint64_t operations = 0;
};

class Tokenizer {
 public:
  // where: the file, for messages. Throws kBadTokenizer naming the field: damaged, or not supported.
  static Tokenizer parse(std::string_view json, const std::string& where);

  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // From several threads at once. Bytes that are not UTF-8 become U+FFFD, as Python's errors="replace" does it: see
  // first_invalid_utf8() in utf8_repair.h to warn of them. Throws kUsage above 2 GiB of text; kBadTokenizer when the
  // file's own split pattern gives up on the text (never a published one).
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text, EncodeWork* work = nullptr) const;
  // No added token is found where it would overlap a byte of a user range; all else is as without ranges.
  [[nodiscard]] std::vector<int32_t> encode(const MarkedText& marked, EncodeWork* work = nullptr) const;

  enum class Special { kKeep, kSkip };
  // The bytes of the ids, which need not be UTF-8 as a whole (StreamDecoder gives text). Throws kUsage for an id that
  // is no token's: rows of the embedding past vocab_size() are padding.
  [[nodiscard]] std::string decode(std::span<const int32_t> ids, Special special = Special::kKeep) const;

  // The id of a token by its text: an added token's, else the one with these bytes in the vocabulary.
  [[nodiscard]] std::optional<int32_t> token_id(std::string_view text) const;
  // The bytes that an id stands for. Throws kUsage for an id that is no token's.
  [[nodiscard]] const std::string& token_text(int32_t id) const;
  [[nodiscard]] bool is_special(int32_t id) const;                    // false for an id that is no token's
  [[nodiscard]] int32_t vocab_size() const;                           // ids 0 .. vocab_size() - 1 are all tokens
  [[nodiscard]] const std::vector<AddedToken>& added_tokens() const;  // in the order of ids

  // The most bytes of input that one id can stand for: text of more than n times as many has more than n ids.
  [[nodiscard]] size_t longest_token_bytes() const;

 private:
  struct Parts;
  explicit Tokenizer(std::unique_ptr<const Parts> parts);
  [[nodiscard]] std::vector<int32_t> encode(const MarkedView& marked, EncodeWork* work) const;

  std::unique_ptr<const Parts> parts_;
};

}  // namespace moebius::internal
