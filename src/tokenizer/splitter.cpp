// The patterns that have a scanner. A pattern is compared with them letter by letter.
#include "tokenizer/splitter.h"

#include "tokenizer/regex_splitter.h"
#include "tokenizer/scanners.h"

namespace moebius::internal {

constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen3_5Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

struct WordPattern {
  std::string_view pattern;
  WordRules rules;
};

constexpr WordPattern kWordPatterns[] = {
    {kQwen2Pattern, {.word = kLetter, .number_digits = 1}},
    {kQwen3_5Pattern, {.word = kLetter | kMark, .number_digits = 1}},
    // Llama 3, cl100k
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     {.word = kLetter, .number_digits = 3}},
};

// PieceEnd: a function that gives the end of the piece that begins at a place of the text.
template <typename PieceEnd>
class ScannerSplitter : public Splitter {
 public:
  explicit ScannerSplitter(PieceEnd piece_end) : piece_end_(piece_end) {}

  void split(std::string_view text, PieceSink& sink) const override {
    for (size_t at = 0; at < text.size();) {
      const size_t end = piece_end_(text, at);
      sink.piece(text.substr(at, end - at));
      at = end;
    }
  }

 private:
  PieceEnd piece_end_;
};

}  // namespace

std::unique_ptr<const Splitter> make_splitter(const std::string& pattern, const std::string& where) {
  for (const WordPattern& known : kWordPatterns) {
    if (known.pattern != pattern) continue;
    const auto piece_end = [rules = known.rules](std::string_view text, size_t at) {
      return word_piece_end(text, at, rules);
    };
    return std::make_unique<const ScannerSplitter<decltype(piece_end)>>(piece_end);
  }
  if (pattern == kGpt2Pattern)
    return std::make_unique<const ScannerSplitter<decltype(&gpt2_piece_end)>>(&gpt2_piece_end);
  return make_regex_splitter(pattern, where);
}

}  // namespace moebius::internal
