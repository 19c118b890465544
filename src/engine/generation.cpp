// See generation.h.
#include "engine/generation.h"

#include <algorithm>
#include <utility>

#include "moebius/error.h"

namespace moebius {
namespace {

int32_t ids_in_use(const Tokenizer* tokenizer, std::span<const float> logits) {
  const auto rows = static_cast<int32_t>(logits.size());
  return tokenizer == nullptr ? rows : std::min(rows, tokenizer->vocab_size());
}

}  // namespace

Generation::Generation(Sequence& sequence, std::vector<float> logits, const Tokenizer* tokenizer,
                       GenerationOptions options)
    : sequence_(sequence),
      logits_(std::move(logits)),
      tokenizer_(tokenizer),
      options_(std::move(options)),
      sampler_(options_.sampling, ids_in_use(tokenizer, logits_)),
      stop_strings_(options_.stop) {
  if (tokenizer != nullptr) decoder_.emplace(*tokenizer);
  if (tokenizer == nullptr && !options_.stop.empty()) {
    throw Error(ErrorCode::kUsage, "stop", "stop strings need text, and there is no tokenizer",
                "use ids, or a checkpoint with tokenizer.json");
  }
  for (const int32_t id : sequence.tokens()) history_.add_prompt(id);
}

bool Generation::ends_answer(int32_t id) const {
  return std::ranges::find(options_.stop_ids, id) != options_.stop_ids.end();
}

std::optional<GeneratedToken> Generation::next() {
  if (end_ == GenerationEnd::kNone && count_ >= options_.max_tokens) end_ = GenerationEnd::kLength;
  if (end_ == GenerationEnd::kNone && pending_ && sequence_.position() == sequence_.context()) {
    end_ = GenerationEnd::kLength;
  }
  if (end_ != GenerationEnd::kNone) return std::nullopt;
  if (pending_) logits_ = sequence_.append({*pending_});
  GeneratedToken token;
  token.draw = sampler_.draw(logits_, history_, sequence_.position());
  pending_ = token.draw.token;
  history_.add(token.draw.token);
  count_ += 1;
  token.ends_answer = ends_answer(token.draw.token);
  if (token.ends_answer) {
    end_ = GenerationEnd::kStop;
  } else {
    add_text(token);
  }
  return token;
}

void Generation::add_text(GeneratedToken& token) {
  if (!decoder_) return;
  token.text = stop_strings_.feed(decoder_->push(token.draw.token));
  token.is_whole = token.text == tokenizer_->token_text(token.draw.token);
  if (stop_strings_.match()) end_ = GenerationEnd::kStop;
}

std::string Generation::finish() {
  if (!decoder_) return "";
  std::string text = stop_strings_.feed(decoder_->finish());
  return text + stop_strings_.finish();
}

}  // namespace moebius
