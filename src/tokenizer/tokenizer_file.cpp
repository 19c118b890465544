// Vocabulary, merges and added tokens, each checked against the others.
#include "tokenizer/tokenizer_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/check.h"
#include "base/duplicates.h"
#include "base/json.h"
#include "base/quote.h"
#include "moebius/error.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/listed_tokens.h"
#include "tokenizer/nfc.h"
#include "tokenizer/tokenizer_pipeline.h"

namespace moebius::internal {
namespace {

// A published file has 250,000 tokens, as many merges (three values each), and 20 MB.
constexpr JsonLimits kLimits{.max_bytes = 128 << 20, .max_values = 8 << 20, .max_depth = 32};
constexpr size_t kMaxMerges = kMaxIds;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kBadTokenizer, where, what, kTokenizerHint);
}

// ---- vocabulary ----------------------------------------------------------------------------------------------------

// The ids that the vocabulary gives to listed tokens; nothing for those that it lacks.
using IdsInVocabulary = std::map<std::string_view, std::optional<int32_t>>;

// Reads the tokens of the vocabulary by id. A token is bytes, or a text that is not spelled in bytes. Fills in the
// ids of listed tokens that the vocabulary has too.
Vocabulary read_vocabulary(const JsonObject& vocab, IdsInVocabulary& listed) {
  const Json::object_t::Container& entries = vocab.json().get_ref<const Json::object_t&>();
  const size_t count = entries.size();
  if (count > kMaxIds) refuse(vocab.where(""), fmt::format("has more than {} tokens", kMaxIds));
  std::vector<Vocabulary::Token> tokens(count);
  for (const auto& [spelling, value] : entries) {
    // A negative id is not unsigned. The ids of n tokens are 0 to n - 1, so none is missing.
    if (!value.is_number_unsigned() || value.get<uint64_t>() >= count) {
      refuse(vocab.where(spelling), fmt::format("expected an id from 0 to {}, got {}", count - 1,
                                                value.is_primitive() ? value.dump() : value.type_name()));
    }
    const auto id = value.get<size_t>();
    if (spelling.empty()) refuse(vocab.where(spelling), "is a token without a character");
    if (!tokens[id].bytes.empty()) refuse(vocab.where(spelling), fmt::format("id {} is given twice", id));
    const std::optional<std::string> bytes = bytes_of_spelling(spelling);
    tokens[id] = {.bytes = bytes.value_or(spelling), .is_found = bytes.has_value()};
    if (const auto also = listed.find(spelling); also != listed.end()) also->second = static_cast<int32_t>(id);
  }
  return Vocabulary(std::move(tokens));
}

void read_byte_ids(const JsonObject& vocab, TokenizerFile& file) {
  for (size_t byte = 0; byte < file.byte_ids.size(); ++byte) {
    const std::string bytes(1, static_cast<char>(byte));
    const std::optional<int32_t> id = file.vocabulary.find(bytes);
    if (!id) {
      refuse(vocab.where(spelling_of_bytes(bytes)), fmt::format("is missing: byte {:#04x} has no token", byte));
    }
    file.byte_ids[byte] = *id;
  }
}

// ---- added tokens --------------------------------------------------------------------------------------------------

// The wheel numbers the added tokens that the vocabulary lacks by their order, whatever ids the files give. The files
// must give those same ids.
void number_added_tokens(const std::vector<ListedToken>& list, const IdsInVocabulary& in_vocabulary,
                         TokenizerFile& file) {
  int32_t next = file.vocabulary.size();
  for (const ListedToken& listed : list) {
    const std::optional<int32_t> known = in_vocabulary.at(listed.token.content);
    const int32_t id = known ? *known : next++;
    if (listed.stated_id && *listed.stated_id != id) {
      refuse(listed.where + ".id",
             fmt::format("expected {}, {}got {}", id, known ? "as in the vocabulary, " : "", *listed.stated_id));
    }
    file.added.push_back({listed.token, listed.in_normalized_text, {}});
    file.added.back().token.id = id;
  }
}

// A token that is looked for in normalized text is normalized itself. No two tokens may be the same after that.
void set_searched(const std::vector<ListedToken>& list, TokenizerFile& file) {
  const bool is_nfc = file.normalizer == TokenizerFile::Normalizer::kNfc;
  for (TokenizerFile::Added& added : file.added) {
    const std::string& content = added.token.content;
    added.searched = is_nfc && added.in_normalized_text ? to_nfc({content, {}}).text : content;
  }
  const auto searched = [&](size_t i) -> const std::string& { return file.added[i].searched; };
  if (const std::optional<size_t> twice = first_duplicate(file.added.size(), searched)) {
    refuse(list[*twice].where, in_quotes(searched(*twice)) + " is there twice");
  }
}

// ---- merges --------------------------------------------------------------------------------------------------------

struct Pair {
  std::string_view left;
  std::string_view right;
};

Pair split_pair(std::string_view text, const std::string& where) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
    refuse(where, in_quotes(text) + " is not two tokens with one space between");
  }
  return {text.substr(0, space), text.substr(space + 1)};
}

// Reads a merge that is written as "a b" or as ["a", "b"].
Pair read_pair(const Json& value, const std::string& where) {
  if (value.is_string()) return split_pair(value.get_ref<const std::string&>(), where);
  const bool is_pair = value.is_array() && value.size() == 2 && value[0].is_string() && value[1].is_string();
  if (!is_pair) refuse(where, "expected two tokens, in one string or in an array");
  return {value[0].get_ref<const std::string&>(), value[1].get_ref<const std::string&>()};
}

class MergeReader {
 public:
  explicit MergeReader(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

  [[nodiscard]] Merge read(const Pair& pair, const std::string& where) const {
    const std::string left = bytes_of(pair.left, where);
    const std::string right = bytes_of(pair.right, where);
    return {id_of(left, where), id_of(right, where), id_of(left + right, where)};
  }

 private:
  static std::string bytes_of(std::string_view spelling, const std::string& where) {
    std::optional<std::string> bytes = bytes_of_spelling(spelling);
    if (!bytes) refuse(where, in_quotes(spelling) + " has a character that stands for no byte");
    return *std::move(bytes);
  }
  [[nodiscard]] int32_t id_of(const std::string& bytes, const std::string& where) const {
    const std::optional<int32_t> id = vocabulary_.find(bytes);
    if (!id) refuse(where, in_quotes(spelling_of_bytes(bytes)) + " is not in the vocabulary");
    return *id;
  }

  const Vocabulary& vocabulary_;
};

void read_merges(const JsonObject& model, TokenizerFile& file) {
  const MergeReader reader(file.vocabulary);
  const Json& merges = model.array("merges");
  file.merges.reserve(merges.size());
  for (const Json& merge : merges) {
    const std::string where = fmt::format("{}[{}]", model.where("merges"), file.merges.size());
    file.merges.push_back(reader.read(read_pair(merge, where), where));
  }
}

// Reads merges.txt, a merge a line. Its lines may end as on Windows. The wheel takes no notice of "#version" lines, and
// the older tokenizer of `transformers` takes none of empty ones.
void read_merges(const FileText& merges, TokenizerFile& file) {
  const MergeReader reader(file.vocabulary);
  std::string_view rest = merges.text;
  for (size_t number = 1; !rest.empty(); ++number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    const std::string where = fmt::format("{}: line {}", merges.where, number);
    if (file.merges.size() == kMaxMerges) refuse(where, fmt::format("is behind {} merges, the most", kMaxMerges));
    file.merges.push_back(reader.read(split_pair(line, where), where));
  }
}

// --------------------------------------------------------------------------------------------------------------------

// Fills in what the vocabulary decides, but the merges.
void read_tokens(const JsonObject& vocab, const std::vector<ListedToken>& list, TokenizerFile& file) {
  IdsInVocabulary in_vocabulary;
  for (const ListedToken& listed : list) in_vocabulary.emplace(listed.token.content, std::nullopt);
  file.vocabulary = read_vocabulary(vocab, in_vocabulary);
  number_added_tokens(list, in_vocabulary, file);
  set_searched(list, file);
  read_byte_ids(vocab, file);
}

TokenizerFile read_tokenizer_json(const TokenizerTexts& texts) {
  const Json json = parse_json(texts.tokenizer->text, texts.tokenizer->where, kLimits);
  const JsonObject root(json, texts.tokenizer->where);
  TokenizerFile file;
  read_pipeline(root, file);
  std::vector<ListedToken> list = listed_tokens(root);
  add_configured_tokens(list, texts);
  const JsonObject model = root.object("model");
  read_tokens(model.object("vocab"), list, file);
  read_merges(model, file);
  return file;
}

TokenizerFile read_vocabulary_and_merges(const TokenizerTexts& texts) {
  TokenizerFile file;
  set_family_pipeline(texts, file);
  std::vector<ListedToken> list;
  add_configured_tokens(list, texts);
  const Json vocab = parse_json(texts.vocabulary->text, texts.vocabulary->where, kLimits);
  read_tokens({vocab, texts.vocabulary->where}, list, file);
  read_merges(*texts.merges, file);
  return file;
}

// Gives the error of the JSON layer the code of this file, kBadTokenizer. Text and hint stay.
Error as_bad_tokenizer(const Error& error, const TokenizerTexts& texts) {
  std::string_view what = error.what();
  const std::string hint = "; " + error.hint();
  if (what.ends_with(hint)) what.remove_suffix(hint.size());
  for (const auto* file : {&texts.tokenizer, &texts.vocabulary, &texts.merges, &texts.config, &texts.special_tokens,
                           &texts.added_tokens}) {
    if (!*file || !what.starts_with((*file)->where + ": ")) continue;
    what.remove_prefix((*file)->where.size() + 2);
    return {ErrorCode::kBadTokenizer, (*file)->where, std::string(what), error.hint()};
  }
  return {ErrorCode::kBadTokenizer, "tokenizer", std::string(what), error.hint()};
}

}  // namespace

TokenizerFile TokenizerFile::parse(const TokenizerTexts& texts) {
  MOEBIUS_CHECK(texts.tokenizer || (texts.vocabulary && texts.merges));
  try {
    return texts.tokenizer ? read_tokenizer_json(texts) : read_vocabulary_and_merges(texts);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kBadTokenizer) throw;
    throw as_bad_tokenizer(error, texts);
  }
}

}  // namespace moebius::internal
