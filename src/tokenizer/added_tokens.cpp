// The tokens are a sorted list. The search narrows it byte by byte.
#include "tokenizer/added_tokens.h"

#include <algorithm>

#include "tokenizer/char_classes.h"

namespace moebius::internal {
namespace {

bool is(const Char& character, CharClass any) { return (CharClasses::get().of(character.code) & any) != 0; }

bool is_part_of_a_word(std::string_view text, ByteRange match) {
  const bool before = match.begin > 0 && is(char_before(text, match.begin), kWord);
  return before || (match.end < text.size() && is(char_at(text, match.end), kWord));
}

}  // namespace

// One search: the text, and the parts so far.
class AddedTokenScan {
 public:
  AddedTokenScan(const AddedTokenFinder& finder, std::string_view text) : finder_(finder), text_(text) {}

  // Finds the tokens that lie within the range.
  void scan(ByteRange allowed) {
    const std::string_view visible = text_.substr(0, allowed.end);
    for (size_t at = allowed.begin; at < allowed.end;) {
      const bool may_begin = finder_.begins_token_[static_cast<uint8_t>(text_[at])];
      const AddedToken* token = may_begin ? finder_.longest_at(visible, at) : nullptr;
      if (token == nullptr) {
        ++at;
        continue;
      }
      add(*token, {at, at + token->content.size()});
      at += token->content.size();
    }
  }

  std::vector<TextPart> finish() {
    add_text_before(text_.size());
    return std::move(parts_);
  }

 private:
  [[nodiscard]] size_t begin_of_rest() const { return parts_.empty() ? 0 : parts_.back().range.end; }

  void add_text_before(size_t end) {
    if (const size_t rest = begin_of_rest(); rest < end) parts_.push_back({{rest, end}, std::nullopt});
  }

  void add(const AddedToken& token, ByteRange match) {
    if (token.single_word && is_part_of_a_word(text_, match)) return;
    const ByteRange taken = {token.lstrip ? begin_of_space(match.begin) : match.begin,
                             token.rstrip ? end_of_space(match.end) : match.end};
    add_text_before(taken.begin);
    parts_.push_back({taken, token.id});
  }

  // Returns where the white space begins that ends at `end`, or the end of the part before, if that is behind it.
  [[nodiscard]] size_t begin_of_space(size_t end) const {
    const size_t rest = begin_of_rest();
    while (end > rest) {
      const Char last = char_before(text_, end);
      if (!is(last, kSpace)) break;
      end -= last.bytes;
    }
    return std::max(end, rest);
  }

  // Tokens that begin in white space can ask for the end of the same white space again and again. It is searched once.
  size_t end_of_space(size_t begin) {
    if (begin >= space_.begin && begin < space_.end) return space_.end;
    space_ = {begin, begin};
    while (space_.end < text_.size()) {
      const Char next = char_at(text_, space_.end);
      if (!is(next, kSpace)) break;
      space_.end += next.bytes;
    }
    return space_.end;
  }

  const AddedTokenFinder& finder_;
  std::string_view text_;
  std::vector<TextPart> parts_;
  ByteRange space_;  // white space that was found last
};

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::sort(tokens_.begin(), tokens_.end(), [](const auto& a, const auto& b) { return a.content < b.content; });
  for (const AddedToken& token : tokens_) begins_token_[static_cast<uint8_t>(token.content.front())] = true;
}

const AddedToken* AddedTokenFinder::longest_at(std::string_view text, size_t at) const {
  const AddedToken* longest = nullptr;
  const AddedToken* first = tokens_.data();
  const AddedToken* last = first + tokens_.size();
  for (size_t depth = 0; at + depth < text.size(); ++depth) {
    // The tokens in [first, last) begin with the same `depth` bytes as the text at `at`, and are longer than that.
    const auto byte = static_cast<uint8_t>(text[at + depth]);
    const auto byte_of = [&](const AddedToken& token) { return static_cast<uint8_t>(token.content[depth]); };
    first = std::partition_point(first, last, [&](const AddedToken& token) { return byte_of(token) < byte; });
    last = std::partition_point(first, last, [&](const AddedToken& token) { return byte_of(token) <= byte; });
    if (first != last && first->content.size() == depth + 1) longest = first++;
    if (first == last) break;
  }
  return longest;
}

std::vector<TextPart> AddedTokenFinder::parts(const MarkedView& marked) const {
  AddedTokenScan scan(*this, marked.text);
  size_t at = 0;
  for (const ByteRange& range : marked.user) {
    scan.scan({at, range.begin});
    at = range.end;
  }
  scan.scan({at, marked.text.size()});
  return scan.finish();
}

}  // namespace moebius::internal
