// The first byte says what the input is. A '{' begins a tokenizer.json, and a '#' begins a merges.txt; behind a 'C'
// comes a tokenizer_config.json. The tokenizer is used when it is accepted. Otherwise the rest of the input is a text
// with user ranges for two small tokenizers: one splits with a scanner, the other with PCRE2. Both have added tokens
// with all flags.
#include <fmt/format.h>

#include <array>

#include "base/json.h"
#include "base/utf8_repair.h"
#include "only_error.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/stream_decoder.h"
#include "tokenizer/tokenizer.h"

using namespace moebius;
using namespace moebius::internal;

static Json small_file(const std::string& pattern) {
  Json file = {
      {"added_tokens", Json::array()}, {"normalizer", {{"type", "NFC"}}}, {"decoder", {{"type", "ByteLevel"}}}};
  const Json split = {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}};
  const Json bytes = {{"type", "ByteLevel"}, {"use_regex", false}};
  file["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {split, bytes}}};
  Json vocab;
  for (int byte = 0; byte < 256; ++byte) vocab[spelling_of_bytes(std::string(1, static_cast<char>(byte)))] = byte;
  Json merges = Json::array();
  // The merge of aa comes after a merge that uses aa, so that ranks fall.
  for (const auto& [left, right] : {std::pair{"aa", "aa"}, {"a", "a"}, {"\u0120", "\u0120"}, {"\u0120", "a"}}) {
    merges.push_back({left, right});
    if (!vocab.contains(std::string(left) + right)) vocab[std::string(left) + right] = vocab.size();
    if (std::string_view(left) == "aa") vocab["aa"] = vocab.size();
  }
  int id = static_cast<int>(vocab.size());
  file["model"] = {{"vocab", vocab}, {"merges", merges}};
  for (const bool normalized : {false, true}) {
    for (const char* content : {"<a>", "<", "a\u00e9"}) {
      const std::string text = std::string(normalized ? "N" : "") + content;
      file["added_tokens"].push_back({{"id", id++}, {"content", text}, {"normalized", normalized}});
    }
    for (const char* flag : {"lstrip", "rstrip", "single_word"}) {
      const std::string text = (normalized ? "n" : "r") + std::string(1, flag[0]);
      file["added_tokens"].push_back({{"id", id++}, {"content", text}, {"normalized", normalized}, {flag, true}});
    }
  }
  return file;
}

static const std::array<Tokenizer, 2>& small_tokenizers() {
  static const std::array tokenizers = {
      Tokenizer::parse(
          small_file(
              R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)")
              .dump(),
          "scanner"),
      Tokenizer::parse(small_file(R"(\p{Lu}?[\p{Ll}\p{M}]+|\s+(?!\S)|[^\s\p{L}]{1,3}|\s+)").dump(), "pcre2")};
  return tokenizers;
}

// Checks what must hold for any tokenizer and text.
static void check_text(const Tokenizer& tokenizer, const MarkedText& marked) {
  const std::vector<int32_t> ids = tokenizer.encode(marked);
  const std::string decoded = tokenizer.decode(ids);
  require(first_invalid_utf8(decoded) == decoded.size());
  StreamDecoder stream(tokenizer);
  std::string streamed;
  for (const int32_t id : ids) {
    require(id >= 0 && id < tokenizer.vocab_size());
    const std::string piece = stream.push(id);
    require(first_invalid_utf8(piece) == piece.size());
    streamed += piece;
  }
  require(streamed + stream.finish() == decoded);
}

// Checks that for any ids the stream decoder returns the same text as repairing the whole text at once.
static void check_ids(const Tokenizer& tokenizer, std::string_view bytes) {
  std::vector<int32_t> ids;
  StreamDecoder stream(tokenizer);
  std::string streamed;
  for (const char byte : bytes) {
    ids.push_back(static_cast<uint8_t>(byte));  // in these vocabularies the id of a byte is its value
    streamed += stream.push(ids.back());
  }
  streamed += stream.finish();
  require(streamed == repaired_utf8({tokenizer.decode(ids), {}}).text);
}

// Removes the bytes \x01 and \x02. The text between \x01 and \x02 is the user's.
static MarkedText marked_text(std::string_view bytes) {
  MarkedText marked;
  bool is_user = false;
  for (const char byte : bytes) {
    if (byte == '\x01' || byte == '\x02') {
      is_user = byte == '\x01';
      continue;
    }
    const size_t at = marked.text.size();
    marked.text += byte;
    if (!is_user) continue;
    if (!marked.user.empty() && marked.user.back().end == at) {
      marked.user.back().end = at + 1;
    } else {
      marked.user.push_back({at, at + 1});
    }
  }
  return marked;
}

// A vocabulary and merges, of which the input is one file.
static TokenizerTexts files_with(std::string_view input) {
  const Json file = small_file("a");
  TokenizerTexts texts;
  texts.vocabulary = {file["model"]["vocab"].dump(), "vocab.json"};
  texts.merges = {input[0] == '#' ? std::string(input) : "a a", "merges.txt"};
  if (input[0] == 'C') texts.config = {std::string(input.substr(1)), "tokenizer_config.json"};
  return texts;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text = as_text(data + 1, size - 1);
  const MarkedText sample = {"The \xc3\xa9 <s> a\xcc\x81 12\n", {{4, 6}}};
  return only_error([&] {
    if (data[0] == '{') return check_text(Tokenizer::parse(as_text(data, size), "fuzz"), sample);
    if (data[0] == '#' || data[0] == 'C') {
      return check_text(Tokenizer::parse(files_with(as_text(data, size))), sample);
    }
    for (const Tokenizer& tokenizer : small_tokenizers()) {
      check_text(tokenizer, marked_text(text));
      check_ids(tokenizer, text);
    }
  });
}
