// Runs the stages one after another: repair UTF-8, find added tokens, normalize, find the added tokens of normalized
// text, split, merge. Each stage has its own file. A stage that has nothing to do hands on a view.
#include "tokenizer/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/utf8_repair.h"
#include "moebius/error.h"
#include "tokenizer/bpe.h"
#include "tokenizer/nfc.h"
#include "tokenizer/splitter.h"
#include "tokenizer/tokenizer_file.h"

namespace moebius::internal {
namespace {

constexpr size_t kMaxTextBytes = INT32_MAX;

enum class SearchedText : uint8_t { kRaw, kNormalized };

AddedTokenFinder finder_of(const TokenizerFile& file, SearchedText text) {
  std::vector<AddedToken> tokens;
  for (const TokenizerFile::Added& added : file.added) {
    if (added.in_normalized_text != (text == SearchedText::kNormalized)) continue;
    tokens.push_back(added.token);
    tokens.back().content = added.searched;
  }
  return AddedTokenFinder(std::move(tokens));
}

std::vector<AddedToken> added_by_id(const TokenizerFile& file) {
  std::vector<AddedToken> tokens;
  for (const TokenizerFile::Added& added : file.added) tokens.push_back(added.token);
  std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return tokens;
}

void check_ranges(const MarkedText& marked) {
  size_t end = 0;
  for (const ByteRange& range : marked.user) {
    MOEBIUS_CHECK(range.begin >= end && range.begin < range.end && range.end <= marked.text.size());
    end = range.end;
  }
}

}  // namespace

struct Tokenizer::Parts {
  explicit Parts(TokenizerFile file)
      : normalizer(file.normalizer),
        raw_added(finder_of(file, SearchedText::kRaw)),
        normalized_added(finder_of(file, SearchedText::kNormalized)),
        added(added_by_id(file)),
        splitter(make_splitter(file.pattern, file.pattern_where)),
        bpe(std::move(file.vocabulary), Merges(file.merges, file.byte_ids),
            file.ignores_merges ? Bpe::WholePieces::kTake : Bpe::WholePieces::kMerge) {}

  [[nodiscard]] const AddedToken* find_added(int32_t id) const {
    const auto found = std::ranges::lower_bound(added, id, {}, &AddedToken::id);
    return found != added.end() && found->id == id ? &*found : nullptr;
  }

  TokenizerFile::Normalizer normalizer;
  AddedTokenFinder raw_added;
  AddedTokenFinder normalized_added;
  std::vector<AddedToken> added;  // by id
  std::unique_ptr<const Splitter> splitter;
  Bpe bpe;
};

namespace {

// One call of encode: the stages that follow the repair. They share the output.
template <typename Parts>
class Encoder : public PieceSink {
 public:
  explicit Encoder(const Parts& parts) : parts_(parts) {}

  void encode(const MarkedView& marked) {
    for_each_part(parts_.raw_added, marked, [&](const MarkedView& part) { normalize(part); });
  }
  void piece(std::string_view bytes) override { parts_.bpe.encode(bytes, scratch_, ids_); }

  std::vector<int32_t> take() { return std::move(ids_); }
  [[nodiscard]] uint64_t operations() const { return scratch_.operations(); }

 private:
  // Sends added tokens to the output, and the text between them to the next stage.
  template <typename Next>
  void for_each_part(const AddedTokenFinder& finder, const MarkedView& marked, const Next& next) {
    if (finder.empty()) return next(marked);
    for (const TextPart& part : finder.parts(marked)) {
      if (part.token) {
        ids_.push_back(*part.token);
        continue;
      }
      const std::vector<ByteRange> user = ranges_within(marked.user, part.range);
      next(MarkedView{marked.text.substr(part.range.begin, part.range.end - part.range.begin), user});
    }
  }
  void normalize(const MarkedView& marked) {
    if (parts_.normalizer == TokenizerFile::Normalizer::kNone || is_nfc_inert(marked.text)) return split(marked);
    const MarkedText normal = to_nfc(marked);
    split(view(normal));
  }
  void split(const MarkedView& marked) {
    for_each_part(parts_.normalized_added, marked,
                  [&](const MarkedView& part) { parts_.splitter->split(part.text, *this); });
  }

  const Parts& parts_;
  MergeScratch scratch_;
  std::vector<int32_t> ids_;
};

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::parse(std::string_view json, const std::string& where) {
  TokenizerTexts texts;
  texts.tokenizer = {std::string(json), where};
  return parse(texts);
}

Tokenizer Tokenizer::parse(const TokenizerTexts& texts) {
  return Tokenizer(std::make_unique<const Parts>(TokenizerFile::parse(texts)));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, EncodeWork* work) const {
  return encode(MarkedView{text, {}}, work);
}

std::vector<int32_t> Tokenizer::encode(const MarkedText& marked, EncodeWork* work) const {
  check_ranges(marked);
  return encode(view(marked), work);
}

std::vector<int32_t> Tokenizer::encode(const MarkedView& marked, EncodeWork* work) const {
  if (marked.text.size() > kMaxTextBytes) {
    throw Error(ErrorCode::kUsage, "text", fmt::format("has {} bytes, more than 2 GiB", marked.text.size()),
                "shorten it");
  }
  Encoder encoder(*parts_);
  if (first_invalid_utf8(marked.text) == marked.text.size()) {
    encoder.encode(marked);
  } else {
    const MarkedText repaired = repaired_utf8(marked);
    encoder.encode(view(repaired));
  }
  if (work != nullptr) work->operations += encoder.operations();
  return encoder.take();
}

std::string Tokenizer::decode(std::span<const int32_t> ids, Special special) const {
  std::string text;
  for (const int32_t id : ids) {
    const std::string& bytes = token_text(id);
    if (special == Special::kKeep || !is_special(id)) text += bytes;
  }
  return text;
}

std::optional<int32_t> Tokenizer::token_id(std::string_view text) const {
  const auto added = std::ranges::find(parts_->added, text, &AddedToken::content);
  return added != parts_->added.end() ? added->id : parts_->bpe.vocabulary().find(text);
}

const std::string& Tokenizer::token_text(int32_t id) const {
  if (const AddedToken* token = parts_->find_added(id)) return token->content;
  if (id < 0 || id >= vocab_size()) {
    throw Error(ErrorCode::kUsage, "token id", fmt::format("expected 0 to {}, got {}", vocab_size() - 1, id),
                "give ids of this model");
  }
  return parts_->bpe.vocabulary().bytes(id);
}

bool Tokenizer::is_special(int32_t id) const {
  const AddedToken* token = parts_->find_added(id);
  return token != nullptr && token->is_special;
}

int32_t Tokenizer::vocab_size() const {
  const int32_t last_added = parts_->added.empty() ? -1 : parts_->added.back().id;
  return std::max(parts_->bpe.vocabulary().size(), last_added + 1);
}

const std::vector<AddedToken>& Tokenizer::added_tokens() const { return parts_->added; }

}  // namespace moebius::internal
