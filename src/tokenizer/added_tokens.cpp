// The tokens are a sorted list. The search narrows it byte by byte.
#include "tokenizer/added_tokens.h"

namespace moebius::internal {
namespace {

size_t begin_of_rest(const std::vector<TextPart>& parts) { return parts.empty() ? 0 : parts.back().range.end; }

}  // namespace

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

void AddedTokenFinder::find_in(std::string_view text, ByteRange allowed, std::vector<TextPart>& parts) const {
  const std::string_view visible = text.substr(0, allowed.end);
  for (size_t at = allowed.begin; at < allowed.end;) {
    const bool may_begin = begins_token_[static_cast<uint8_t>(text[at])];
    const AddedToken* token = may_begin ? longest_at(visible, at) : nullptr;
    if (token == nullptr) {
      ++at;
      continue;
    }
    if (const size_t rest = begin_of_rest(parts); rest < at) parts.push_back({{rest, at}, std::nullopt});
    parts.push_back({{at, at + token->content.size()}, token->id});
    at += token->content.size();
  }
}

std::vector<TextPart> AddedTokenFinder::parts(const MarkedView& marked) const {
  std::vector<TextPart> parts;
  size_t at = 0;
  for (const ByteRange& range : marked.user) {
    find_in(marked.text, {at, range.begin}, parts);
    at = range.end;
  }
  find_in(marked.text, {at, marked.text.size()}, parts);
  if (const size_t rest = begin_of_rest(parts); rest < marked.text.size()) {
    parts.push_back({{rest, marked.text.size()}, std::nullopt});
  }
  return parts;
}

}  // namespace moebius::internal
