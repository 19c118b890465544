// Implements the search for transcripts. It hashes the prefixes of a text at the lengths that transcripts have, in one
// pass, and then compares the text of a transcript that it found.
#include "dialogue/transcripts.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <ranges>
#include <string_view>
#include <utility>

#include "base/hash.h"
#include "base/marked_view.h"
#include "base/utf8_repair.h"

namespace moebius::internal {
namespace {

// Hashes ever longer prefixes of a text. The hashes of full blocks are chained, so that only the bytes of a partial
// block are read more than once.
class PrefixHash {
 public:
  PrefixHash(std::string_view text, uint64_t seed) : text_(text), chain_(seed) {}

  // The lengths must ascend from call to call.
  uint64_t up_to(size_t length) {
    for (; length - done_ >= kBlockBytes; done_ += kBlockBytes) {
      chain_ = seeded_hash(text_.substr(done_, kBlockBytes), chain_);
    }
    return seeded_hash(text_.substr(done_, length - done_), chain_);
  }

 private:
  static constexpr size_t kBlockBytes = 256;

  std::string_view text_;
  uint64_t chain_;
  size_t done_ = 0;
};

std::vector<int32_t> added_among(std::span<const int32_t> ids, const Tokenizer& tokenizer) {
  std::vector<int32_t> added;
  std::ranges::copy_if(ids, std::back_inserter(added), [&](int32_t id) {
    return std::ranges::binary_search(tokenizer.added_tokens(), id, {}, &AddedToken::id);
  });
  return added;
}

// Returns the text of a reply, if the text can only mean these ids: wherever the text spells an added token, the ids
// have that token. Otherwise an <|im_end|> of the template could be mistaken for the same characters in an answer that
// quoted them.
std::optional<std::string> reply_text(std::span<const int32_t> ids, const Tokenizer& tokenizer) {
  std::string text = tokenizer.decode(ids);
  if (first_invalid_utf8(text) != text.size()) return std::nullopt;
  if (added_among(tokenizer.encode(text), tokenizer) != added_among(ids, tokenizer)) return std::nullopt;
  return text;
}

bool ends_with_users(const MarkedText& marked) {
  return !marked.user.empty() && marked.user.back().end == marked.text.size();
}

// Whether the tokens of a text part at `at`, because an added token begins there. One that looks at the text before it
// (lstrip, single_word) does not count.
bool added_token_begins(const MarkedText& marked, size_t at, const Tokenizer& tokenizer) {
  const std::string_view rest = std::string_view(marked.text).substr(at);
  return std::ranges::any_of(tokenizer.added_tokens(), [&](const AddedToken& token) {
    return !token.lstrip && !token.single_word && rest.starts_with(token.content) &&
           ranges_within(marked.user, {at, at + token.content.size()}).empty();
  });
}

std::vector<size_t> ends_of(std::span<const ByteRange> ranges) {
  std::vector<size_t> ends;
  for (const ByteRange& range : ranges) ends.insert(ends.end(), {range.begin, range.end});
  return ends;
}

bool is_word_outside_tokens(std::string_view text, ByteRange word, const Tokenizer& tokenizer) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!std::ranges::all_of(text.substr(word.begin, word.end - word.begin), is_letter)) return false;
  return std::ranges::none_of(tokenizer.added_tokens(), [&](const AddedToken& token) {
    const size_t bytes = token.content.size();
    const std::string_view around = text.substr(0, word.end + bytes - 1);
    return around.find(token.content, word.begin < bytes ? 0 : word.begin - bytes + 1) != std::string_view::npos;
  });
}

// Whether a prompt has the same tokens with both sets of marks. The marks may differ in one word, the role: a template
// opens the answer with its own word for the role, and prints the role of the message when the answer comes back.
bool reads_alike(const MarkedView& prompt, std::span<const ByteRange> other_user, const Tokenizer& tokenizer) {
  std::vector<size_t> differing;
  std::ranges::set_symmetric_difference(ends_of(prompt.user), ends_of(other_user), std::back_inserter(differing));
  if (differing.empty()) return true;
  return differing.size() == 2 && is_word_outside_tokens(prompt.text, {differing[0], differing[1]}, tokenizer);
}

MarkedText rest_of(const MarkedText& marked, size_t at) {
  return {marked.text.substr(at), ranges_within(marked.user, {at, marked.text.size()})};
}

}  // namespace

Transcripts::Transcripts(const TranscriptLimits& limits) : limits_(limits), seed_(secret_seed()) {}

size_t Transcripts::bytes_of(const Transcript& transcript) {
  return sizeof(Transcript) + transcript.text.size() + transcript.user.size() * sizeof(ByteRange) +
         transcript.ids.size() * sizeof(int32_t);
}

void Transcripts::add(const MarkedText& prompt, std::span<const int32_t> prompt_ids, std::span<const int32_t> reply_ids,
                      const Tokenizer& tokenizer) {
  // A prompt that ends with words of the template can only continue with an answer. A prompt that ends with a user's
  // words could also continue with more words of the user, so its answer is not kept.
  if (reply_ids.empty() || ends_with_users(prompt)) return;
  const std::optional<std::string> reply = reply_text(reply_ids, tokenizer);
  if (!reply) return;
  Transcript transcript{prompt.text + *reply, prompt.text.size(), prompt.user, {}, 0};
  transcript.ids.reserve(prompt_ids.size() + reply_ids.size());
  std::ranges::copy(prompt_ids, std::back_inserter(transcript.ids));
  std::ranges::copy(reply_ids, std::back_inserter(transcript.ids));
  transcript.hash = PrefixHash(transcript.text, seed_).up_to(transcript.text.size());

  const std::lock_guard lock(mutex_);
  if (const auto same = by_hash_.find(transcript.hash); same != by_hash_.end()) forget(same->second);
  bytes_ += bytes_of(transcript);
  lengths_[transcript.text.size()] += 1;
  transcripts_.push_front(std::move(transcript));
  by_hash_[transcripts_.front().hash] = transcripts_.begin();
  while (transcripts_.size() > limits_.count || bytes_ > limits_.bytes) forget(std::prev(transcripts_.end()));
}

void Transcripts::forget(Place place) {
  bytes_ -= bytes_of(*place);
  by_hash_.erase(place->hash);
  const auto length = lengths_.find(place->text.size());
  if (--length->second == 0) lengths_.erase(length);
  transcripts_.erase(place);
}

// Whether the rendered text begins with the transcript and may use its ids. The text is compared last, because a hash
// that was found is almost certainly right. This way, only the transcript that is taken pays for the comparison.
bool Transcripts::begins(const Transcript& transcript, const MarkedText& rendered, const Tokenizer& tokenizer) {
  const size_t end = transcript.text.size();
  if (end < rendered.text.size() && !added_token_begins(rendered, end, tokenizer)) return false;
  const std::string_view prompt = std::string_view(transcript.text).substr(0, transcript.prompt_bytes);
  const std::vector<ByteRange> user = ranges_within(rendered.user, {0, prompt.size()});
  return reads_alike({prompt, user}, transcript.user, tokenizer) && rendered.text.starts_with(transcript.text);
}

Transcripts::Prefix Transcripts::find_longest(const MarkedText& rendered, const Tokenizer& tokenizer) {
  const std::lock_guard lock(mutex_);
  std::vector<Place> found;  // these are few, because they are turns of one conversation, or the text is short
  PrefixHash hash(rendered.text, seed_);
  for (const auto& [length, count] : lengths_) {
    if (length > rendered.text.size()) break;
    if (const auto place = by_hash_.find(hash.up_to(length)); place != by_hash_.end()) found.push_back(place->second);
  }
  for (const Place place : found | std::views::reverse) {
    if (!begins(*place, rendered, tokenizer)) continue;
    transcripts_.splice(transcripts_.begin(), transcripts_, place);
    return {place->text.size(), place->ids};
  }
  return {};
}

std::vector<int32_t> Transcripts::encode(const MarkedText& rendered, const Tokenizer& tokenizer) {
  Prefix prefix = find_longest(rendered, tokenizer);
  if (prefix.bytes == 0) return tokenizer.encode(rendered);
  std::ranges::copy(tokenizer.encode(rest_of(rendered, prefix.bytes)), std::back_inserter(prefix.ids));
  return std::move(prefix.ids);
}

size_t Transcripts::count() const {
  const std::lock_guard lock(mutex_);
  return transcripts_.size();
}

size_t Transcripts::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace moebius::internal
