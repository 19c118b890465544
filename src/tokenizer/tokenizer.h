// Turns text into ids and ids into text, as the files of a checkpoint say: byte-level BPE of the Qwen, GPT-2 and Llama
// 3 families. Ids are those of the `tokenizers` wheel, for any text. This file does not handle the special ids that
// config files name (stop tokens), nor chat templates.
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
#include "tokenizer/tokenizer_texts.h"

namespace moebius::internal {

// How many steps the merging of a text's pieces took. It is for tests, which must not measure time.
struct EncodeWork {
  uint64_t operations = 0;
};

class Tokenizer {
 public:
  // Throws kBadTokenizer naming the file and the field that is damaged or not supported.
  static Tokenizer parse(const TokenizerTexts& texts);
  // Reads a tokenizer.json alone. where: the file, for messages.
  static Tokenizer parse(std::string_view json, const std::string& where);

  ~Tokenizer();
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Several threads may call this at once. Bytes that are not UTF-8 become U+FFFD, as with Python's errors="replace";
  // first_invalid_utf8() in utf8_repair.h finds them for a warning. Throws kUsage above 2 GiB of text. Throws
  // kBadTokenizer when the file's own split pattern gives up on the text, which a published pattern never does.
  [[nodiscard]] std::vector<int32_t> encode(std::string_view text, EncodeWork* work = nullptr) const;
  // Finds no added token where it would overlap a byte of a user range. User ranges change nothing else.
  [[nodiscard]] std::vector<int32_t> encode(const MarkedText& marked, EncodeWork* work = nullptr) const;

  enum class Special { kKeep, kSkip };
  // Returns the bytes of the ids, which need not be UTF-8 as a whole (StreamDecoder gives text). Throws kUsage for an
  // id that no token has: rows of the embedding past vocab_size() are padding.
  [[nodiscard]] std::string decode(std::span<const int32_t> ids, Special special = Special::kKeep) const;

  // Finds a token's id by its text: first among the added tokens, then by its bytes in the vocabulary.
  [[nodiscard]] std::optional<int32_t> token_id(std::string_view text) const;
  // Returns the bytes that an id stands for. Throws kUsage for an id that no token has.
  [[nodiscard]] const std::string& token_text(int32_t id) const;
  [[nodiscard]] bool is_special(int32_t id) const;                    // false for an id that no token has
  [[nodiscard]] int32_t vocab_size() const;                           // ids 0 .. vocab_size() - 1 are all tokens
  [[nodiscard]] const std::vector<AddedToken>& added_tokens() const;  // in the order of ids

 private:
  struct Parts;
  explicit Tokenizer(std::unique_ptr<const Parts> parts);
  [[nodiscard]] std::vector<int32_t> encode(const MarkedView& marked, EncodeWork* work) const;

  std::unique_ptr<const Parts> parts_;
};

}  // namespace moebius::internal
