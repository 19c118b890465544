// Each field has one function. An absent field, null and a value that does nothing mean the same.
#include "tokenizer/tokenizer_pipeline.h"

#include <fmt/format.h>

#include <optional>

#include "base/quote.h"
#include "moebius/error.h"
#include "tokenizer/splitter.h"

namespace moebius::internal {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kBadTokenizer, where, what, kTokenizerHint);
}

[[noreturn]] void refuse_value(const std::string& where, std::string_view got, std::string_view supported) {
  refuse(where, fmt::format("{} is not supported, only {}", in_quotes(got), supported));
}

// The steps of a field, in order. The field holds one step, or a Sequence of steps.
std::vector<JsonObject> steps_of(const JsonObject& root, std::string_view field, std::string_view list) {
  if (!root.has(field)) return {};
  const JsonObject step = root.object(field);
  if (step.string("type") != "Sequence") return {step};
  std::vector<JsonObject> steps;
  for (const Json& element : step.array(list)) {
    steps.emplace_back(element, fmt::format("{}[{}]", step.where(list), steps.size()));
  }
  return steps;
}

void refuse_true(const JsonObject& object, std::string_view key) {
  if (object.boolean(key, false)) refuse(object.where(key), "true is not supported, only false");
}

void read_normalizer(const JsonObject& root, TokenizerFile& file) {
  for (const JsonObject& step : steps_of(root, "normalizer", "normalizers")) {
    const std::string type = step.string("type");
    if (type != "NFC") refuse_value(step.where("type"), type, "NFC or none");
    file.normalizer = TokenizerFile::Normalizer::kNfc;  // NFC twice is NFC once
  }
}

std::string pattern_of_split(const JsonObject& split) {
  const std::string behavior = split.string("behavior");
  if (behavior != "Isolated") refuse_value(split.where("behavior"), behavior, "Isolated");
  refuse_true(split, "invert");
  const JsonObject pattern = split.object("pattern");
  if (!pattern.has("Regex")) refuse(split.where("pattern"), "is not a Regex, and nothing else is supported");
  return pattern.string("Regex");
}

void read_pre_tokenizer(const JsonObject& root, TokenizerFile& file) {
  const std::vector<JsonObject> steps = steps_of(root, "pre_tokenizer", "pretokenizers");
  const auto is = [&](size_t i, std::string_view type) { return steps[i].string("type") == type; };
  const bool splits = steps.size() == 2 && is(0, "Split");
  if (steps.empty() || !is(steps.size() - 1, "ByteLevel") || (steps.size() == 2 && !splits) || steps.size() > 2) {
    refuse(root.where("pre_tokenizer"), "is not supported, only ByteLevel, or Split and ByteLevel");
  }
  const JsonObject& byte_level = steps.back();
  refuse_true(byte_level, "add_prefix_space");
  const bool use_regex = byte_level.boolean("use_regex", true);
  if (splits == use_regex) {
    refuse(byte_level.where("use_regex"), splits ? "true is not supported behind a Split, only false"
                                                 : "false is not supported without a Split, only true");
  }
  file.pattern = splits ? pattern_of_split(steps.front()) : std::string(kGpt2Pattern);
  file.pattern_where = splits ? steps.front().where("pattern") : byte_level.where("use_regex");
}

// Whether a TemplateProcessing adds no token to a text: its template for one text is that text and nothing else.
bool adds_nothing(const JsonObject& step) {
  const Json& single = step.array("single");
  if (single.size() != 1) return false;
  const JsonObject piece(single[0], step.where("single"));
  return piece.has("Sequence") && piece.object("Sequence").string("id", "A") == "A";
}

// What a post-processor of the wheel adds (begin-of-text tokens) is the chat template's business in these families.
void check_post_processor(const JsonObject& root) {
  for (const JsonObject& step : steps_of(root, "post_processor", "processors")) {
    const std::string type = step.string("type");
    if (type == "ByteLevel") continue;
    if (type != "TemplateProcessing") {
      refuse_value(step.where("type"), type, "ByteLevel, TemplateProcessing or none");
    }
    if (!adds_nothing(step)) refuse(step.where("single"), "adds tokens to a text, which is not supported");
  }
}

void check_decoder(const JsonObject& root) {
  const std::vector<JsonObject> steps = steps_of(root, "decoder", "decoders");
  if (steps.size() != 1) refuse(root.where("decoder"), "is not ByteLevel, and nothing else is supported");
  const std::string type = steps.front().string("type");
  if (type != "ByteLevel") refuse_value(steps.front().where("type"), type, "ByteLevel");
}

// unk_token, fuse_unk and byte_fallback are not read: every byte has a token, so nothing is ever unknown.
void read_model(const JsonObject& root, TokenizerFile& file) {
  const JsonObject model = root.object("model");
  const std::string type = model.string("type", "BPE");
  if (type != "BPE") refuse_value(model.where("type"), type, "BPE");
  if (model.number("dropout", 0, 1, 0) != 0) refuse(model.where("dropout"), "makes ids random, which is not supported");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const std::string affix = model.string(key, "");
    if (!affix.empty()) refuse_value(model.where(key), affix, "none");
  }
  file.ignores_merges = model.boolean("ignore_merges", false);
}

}  // namespace

// truncation and padding are not read: they are settings of the program that saved the file, and `transformers` takes
// no notice of them either.
void read_pipeline(const JsonObject& root, TokenizerFile& file) {
  read_normalizer(root, file);
  read_pre_tokenizer(root, file);
  check_post_processor(root);
  check_decoder(root);
  read_model(root, file);
}

void set_family_pipeline(const TokenizerTexts& texts, TokenizerFile& file) {
  const std::string where = texts.config ? texts.config->where : texts.vocabulary->where;
  const Json config = texts.config ? parse_json(texts.config->text, where) : Json::object();
  const JsonObject fields(config, where);
  refuse_true(fields, "add_prefix_space");
  std::string type = fields.string("tokenizer_class", "Qwen2Tokenizer");
  if (type.ends_with("Fast")) type.resize(type.size() - 4);
  if (type != "Qwen2Tokenizer" && type != "Qwen3_5Tokenizer") {
    refuse(fields.where("tokenizer_class"),
           in_quotes(type) + " is not supported without a tokenizer.json, only Qwen2Tokenizer and Qwen3_5Tokenizer");
  }
  // Published checkpoints of Qwen3.5 say Qwen2Tokenizer, and mean the pattern of their family.
  const bool is_3_5 = type == "Qwen3_5Tokenizer" || texts.model_type.starts_with("qwen3_5");
  file.normalizer = TokenizerFile::Normalizer::kNfc;
  file.pattern = is_3_5 ? kQwen3_5Pattern : kQwen2Pattern;
  file.pattern_where = texts.vocabulary->where;
}

}  // namespace moebius::internal
