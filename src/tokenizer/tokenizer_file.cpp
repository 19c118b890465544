// Vocabulary, merges and added tokens, each checked against the others.
#include "tokenizer/tokenizer_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/duplicates.h"
#include "base/json.h"
#include "base/quote.h"
#include "moebius/error.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/nfc.h"
#include "tokenizer/tokenizer_pipeline.h"

namespace moebius::internal {
namespace {

// A published file has 250,000 tokens, as many merges (three values each), and 20 MB.
constexpr JsonLimits kLimits{.max_bytes = 128 << 20, .max_values = 8 << 20, .max_depth = 32};
constexpr size_t kMaxIds = 4 << 20;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kBadTokenizer, where, what, kTokenizerHint);
}

std::string element(const std::string& list, size_t index) { return fmt::format("{}[{}]", list, index); }

// ---- added tokens --------------------------------------------------------------------------------------------------

TokenizerFile::Added read_added_token(const JsonObject& object) {
  TokenizerFile::Added added;
  added.token.id = static_cast<int32_t>(object.integer("id", 0, kMaxIds - 1));
  added.token.content = object.string("content");
  added.token.is_special = object.boolean("special", false);
  added.in_normalized_text = object.boolean("normalized", !added.token.is_special);
  if (added.token.content.empty()) refuse(object.where("content"), "is empty");
  if (added.token.content.size() > kMaxAddedTokenBytes) {
    refuse(object.where("content"), fmt::format("has more than {} bytes", kMaxAddedTokenBytes));
  }
  for (const char* key : {"single_word", "lstrip", "rstrip"}) {
    if (object.boolean(key, false)) refuse(object.where(key), "true is not supported, only false");
  }
  return added;
}

// A token that is looked for in normalized text is normalized itself. No two tokens may be the same after that.
void set_searched(TokenizerFile& file, const std::string& where) {
  const bool is_nfc = file.normalizer == TokenizerFile::Normalizer::kNfc;
  for (TokenizerFile::Added& added : file.added) {
    const std::string& content = added.token.content;
    added.searched = is_nfc && added.in_normalized_text ? to_nfc({content, {}}).text : content;
  }
  const auto searched = [&](size_t i) -> const std::string& { return file.added[i].searched; };
  if (const std::optional<size_t> twice = first_duplicate(file.added.size(), searched)) {
    refuse(element(where, *twice), in_quotes(searched(*twice)) + " is there twice");
  }
}

void read_added_tokens(const JsonObject& root, TokenizerFile& file) {
  if (!root.has("added_tokens")) return;
  const std::string where = root.where("added_tokens");
  for (const Json& token : root.array("added_tokens")) {
    file.added.push_back(read_added_token({token, element(where, file.added.size())}));
  }
  set_searched(file, where);
}

// ---- vocabulary ----------------------------------------------------------------------------------------------------

// An added token's id, and whether the vocabulary has the token too.
struct Listed {
  int32_t id;
  bool in_vocabulary = false;
};
using AddedByContent = std::map<std::string_view, Listed>;

// Reads the tokens of the vocabulary by id. A token is bytes, or a text that is not spelled in bytes. Marks the added
// tokens that the vocabulary has too.
Vocabulary read_vocabulary(const JsonObject& vocab, AddedByContent& added) {
  const Json::object_t::Container& entries = vocab.json().get_ref<const Json::object_t&>();
  const size_t count = entries.size();
  if (count > kMaxIds) refuse(vocab.where(""), fmt::format("has more than {} tokens", kMaxIds));
  std::vector<Vocabulary::Token> tokens(count);
  for (const auto& [spelling, value] : entries) {
    // A negative id is not unsigned. The ids of n tokens are 0 to n - 1, so none is missing.
    if (!value.is_number_unsigned() || value.get<uint64_t>() >= count) {
      refuse(vocab.where(spelling), fmt::format("expected an id from 0 to {}, got {}", count - 1,
                                                value.is_primitive() ? to_text(value) : value.type_name()));
    }
    const auto id = value.get<size_t>();
    if (spelling.empty()) refuse(vocab.where(spelling), "is a token without a character");
    if (!tokens[id].bytes.empty()) refuse(vocab.where(spelling), fmt::format("id {} is given twice", id));
    const std::optional<std::string> bytes = bytes_of_spelling(spelling);
    tokens[id] = {.bytes = bytes.value_or(spelling), .is_found = bytes.has_value()};
    const auto also = added.find(spelling);
    if (also == added.end()) continue;
    also->second.in_vocabulary = true;
    if (also->second.id != static_cast<int32_t>(id)) {
      refuse(vocab.where(spelling), fmt::format("has id {} here and {} in added_tokens", id, also->second.id));
    }
  }
  return Vocabulary(std::move(tokens));
}

// The wheel numbers the added tokens that the vocabulary lacks by their order, whatever ids the file gives. The file
// must give those same ids.
void check_added_ids(const TokenizerFile& file, const AddedByContent& listed, const std::string& where) {
  int32_t next = file.vocabulary.size();
  for (size_t i = 0; i < file.added.size(); ++i) {
    const AddedToken& token = file.added[i].token;
    if (listed.at(token.content).in_vocabulary) continue;
    if (token.id != next) refuse(element(where, i) + ".id", fmt::format("expected {}, got {}", next, token.id));
    ++next;
  }
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

// ---- merges --------------------------------------------------------------------------------------------------------

struct Pair {
  std::string_view left;
  std::string_view right;
};

// Reads a merge that is written as "a b" or as ["a", "b"].
Pair read_pair(const Json& value, const std::string& where) {
  if (value.is_string()) {
    const std::string_view text = value.get_ref<const std::string&>();
    const size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
      refuse(where, in_quotes(text) + " is not two tokens with one space between");
    }
    return {text.substr(0, space), text.substr(space + 1)};
  }
  const bool is_pair = value.is_array() && value.size() == 2 && value[0].is_string() && value[1].is_string();
  if (!is_pair) refuse(where, "expected two tokens, in one string or in an array");
  return {value[0].get_ref<const std::string&>(), value[1].get_ref<const std::string&>()};
}

class MergeReader {
 public:
  MergeReader(const Vocabulary& vocabulary, std::string where) : vocabulary_(vocabulary), where_(std::move(where)) {}

  Merge read(const Json& value, size_t rank) const {
    const std::string where = element(where_, rank);
    const Pair pair = read_pair(value, where);
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
  std::string where_;
};

void read_merges(const JsonObject& model, TokenizerFile& file) {
  const MergeReader reader(file.vocabulary, model.where("merges"));
  const Json& merges = model.array("merges");
  file.merges.reserve(merges.size());
  for (const Json& merge : merges) file.merges.push_back(reader.read(merge, file.merges.size()));
}

// --------------------------------------------------------------------------------------------------------------------

TokenizerFile read(std::string_view text, const std::string& where) {
  const Json json = parse_json(text, where, kLimits);
  const JsonObject root(json, where);
  TokenizerFile file;
  read_pipeline(root, file);
  read_added_tokens(root, file);
  const JsonObject model = root.object("model");
  const JsonObject vocab = model.object("vocab");
  AddedByContent listed;
  for (const TokenizerFile::Added& added : file.added) listed.emplace(added.token.content, Listed{added.token.id});
  file.vocabulary = read_vocabulary(vocab, listed);
  check_added_ids(file, listed, root.where("added_tokens"));
  read_byte_ids(vocab, file);
  read_merges(model, file);
  return file;
}

// Gives the error of the JSON layer the code of this file, kBadTokenizer. Text and hint stay.
Error as_bad_tokenizer(const Error& error, const std::string& where) {
  std::string_view what = error.what();
  const std::string hint = "; " + error.hint();
  if (what.ends_with(hint)) what.remove_suffix(hint.size());
  const std::string prefix = where + ": ";
  if (what.starts_with(prefix)) what.remove_prefix(prefix.size());
  return {ErrorCode::kBadTokenizer, where, std::string(what), error.hint()};
}

}  // namespace

TokenizerFile TokenizerFile::parse(std::string_view json, const std::string& where) {
  try {
    return read(json, where);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kBadTokenizer) throw;
    throw as_bad_tokenizer(error, where);
  }
}

}  // namespace moebius::internal
