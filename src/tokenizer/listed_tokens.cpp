// Reads the lists of tokens. All of them become ListedToken in one order.
#include "tokenizer/listed_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

#include "moebius/error.h"
#include "tokenizer/tokenizer_pipeline.h"

namespace moebius::internal {
namespace {

constexpr const char* kDecoder = "added_tokens_decoder";
constexpr std::array<const char*, 7> kNamed = {"bos_token", "eos_token", "unk_token", "sep_token",
                                               "pad_token", "cls_token", "mask_token"};

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kBadTokenizer, where, what, kTokenizerHint);
}

// A token that is looked for as it stands, without any flag.
ListedToken plain_token(std::string content, std::string where) {
  ListedToken listed;
  listed.token.content = std::move(content);
  listed.where = std::move(where);
  return listed;
}

ListedToken token_of(const JsonObject& object, const std::string& where, bool is_special) {
  ListedToken listed = plain_token(object.string("content"), where);
  AddedToken& token = listed.token;
  token.is_special = object.boolean("special", is_special);
  token.single_word = object.boolean("single_word", false);
  token.lstrip = object.boolean("lstrip", false);
  token.rstrip = object.boolean("rstrip", false);
  listed.in_normalized_text = object.boolean("normalized", !token.is_special);
  return listed;
}

ListedToken special_token(const Json& value, const std::string& where) {
  if (!value.is_string() && !value.is_object()) refuse(where, "is no token");
  ListedToken listed =
      value.is_string() ? plain_token(value.get<std::string>(), where) : token_of({value, where}, where, true);
  listed.token.is_special = true;
  return listed;
}

void check_length(const ListedToken& listed) {
  if (listed.token.content.size() <= kMaxAddedTokenBytes) return;
  refuse(listed.where, fmt::format("a token has more than {} bytes", kMaxAddedTokenBytes));
}

// The list, with an index of its contents.
class TokenList {
 public:
  explicit TokenList(std::vector<ListedToken>& list) : list_(list) {
    for (size_t i = 0; i < list.size(); ++i) places_.emplace(list[i].token.content, i);
  }

  // The wheel ignores tokens without a character.
  void add(ListedToken listed) {
    check_length(listed);
    if (listed.token.content.empty() || !places_.emplace(listed.token.content, list_.size()).second) return;
    list_.push_back(std::move(listed));
  }
  void add_or_set_flags(ListedToken listed) {
    const auto known = places_.find(listed.token.content);
    if (known == places_.end()) return add(std::move(listed));
    ListedToken& there = list_[known->second];
    there.token = std::move(listed.token);
    there.in_normalized_text = listed.in_normalized_text;
  }

 private:
  std::vector<ListedToken>& list_;
  std::map<std::string, size_t> places_;
};

Json object_in(const std::optional<FileText>& file) {
  if (!file) return Json::object();
  Json json = parse_json(file->text, file->where);
  if (!json.is_object()) refuse(file->where, "is not an object");
  return json;
}

// Adds what added_tokens_decoder maps from ids in quotes.
void add_decoder(TokenList& list, const JsonObject& decoder) {
  std::map<int32_t, ListedToken> by_id;
  for (const auto& [key, value] : decoder.json().items()) {
    const std::string where = decoder.where(key);
    int32_t id = -1;
    const auto [end, failed] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (failed != std::errc() || end != key.data() + key.size() || id < 0 || id >= kMaxIds) {
      refuse(where, fmt::format("is no id from 0 to {}", kMaxIds - 1));
    }
    ListedToken listed = token_of({value, where}, where, false);
    listed.stated_id = id;
    by_id.insert_or_assign(id, std::move(listed));
  }
  for (auto& [id, listed] : by_id) list.add_or_set_flags(std::move(listed));
}

// The fields of tokenizer_config.json, and those of special_tokens_map.json that stand in their place.
struct SpecialFields {
  Json fields;
  std::string config_where;
  Json from_map = Json::object();
  std::string map_where;

  [[nodiscard]] bool has(const std::string& name) const { return fields.contains(name) && !fields[name].is_null(); }
  [[nodiscard]] std::string where(const std::string& name) const {
    return (from_map.contains(name) ? map_where : config_where) + ": " + name;
  }
};

SpecialFields special_fields(const TokenizerTexts& texts) {
  SpecialFields all{.fields = object_in(texts.config),
                    .config_where = texts.config ? texts.config->where : "tokenizer_config.json",
                    .map_where = texts.special_tokens ? texts.special_tokens->where : ""};
  if (all.has(kDecoder)) return all;
  all.from_map = object_in(texts.special_tokens);
  all.fields.update(all.from_map);
  return all;
}

std::vector<ListedToken> special_tokens(const SpecialFields& all, bool has_defaults) {
  std::vector<ListedToken> tokens;
  for (const std::string name : kNamed) {
    const bool is_default = has_defaults && (name == "unk_token" || name == "eos_token" || name == "pad_token");
    if (all.has(name)) {
      tokens.push_back(special_token(all.fields[name], all.where(name)));
    } else if (is_default && !all.fields.contains(name)) {
      tokens.push_back(special_token("<|endoftext|>", all.where(name)));
    }
  }
  for (const auto& [name, value] : all.fields.items()) {
    if (!name.ends_with("_token") || !value.is_string() || std::ranges::find(kNamed, name) != kNamed.end()) continue;
    tokens.push_back(special_token(value, all.where(name)));
  }
  const bool is_old = !all.has("extra_special_tokens") || all.fields["extra_special_tokens"].empty();
  const std::string extra = is_old ? "additional_special_tokens" : "extra_special_tokens";
  if (!all.has(extra)) return tokens;
  for (const Json& value : all.fields[extra]) tokens.push_back(special_token(value, all.where(extra)));
  return tokens;
}

// Adds what added_tokens.json maps from contents. Its tokens have no flags but what follows from their names.
void add_older_tokens(TokenList& list, const JsonObject& ids, const std::vector<ListedToken>& special) {
  std::map<int64_t, ListedToken> by_id;
  for (const auto& [content, value] : ids.json().items()) {
    const int64_t id = ids.integer(content, 0, kMaxIds - 1);
    ListedToken listed = plain_token(content, ids.where(content));
    listed.token.is_special =
        std::ranges::any_of(special, [&](const ListedToken& one) { return one.token.content == content; });
    listed.in_normalized_text = !listed.token.is_special;
    listed.stated_id = static_cast<int32_t>(id);
    by_id.insert_or_assign(id, std::move(listed));
  }
  for (auto& [id, listed] : by_id) list.add(std::move(listed));
}

}  // namespace

std::vector<ListedToken> listed_tokens(const JsonObject& tokenizer) {
  std::vector<ListedToken> list;
  if (!tokenizer.has("added_tokens")) return list;
  for (const Json& token : tokenizer.array("added_tokens")) {
    const std::string where = fmt::format("{}[{}]", tokenizer.where("added_tokens"), list.size());
    const JsonObject object(token, where);
    list.push_back(token_of(object, where, false));
    list.back().stated_id = static_cast<int32_t>(object.integer("id", 0, kMaxIds - 1));
    if (list.back().token.content.empty()) refuse(object.where("content"), "is empty");
    check_length(list.back());
  }
  return list;
}

void add_configured_tokens(std::vector<ListedToken>& list, const TokenizerTexts& texts) {
  TokenList tokens(list);
  const SpecialFields fields = special_fields(texts);
  std::vector<ListedToken> special = special_tokens(fields, !texts.tokenizer);
  if (fields.has(kDecoder)) {
    add_decoder(tokens, {fields.fields[kDecoder], fields.where(kDecoder)});
  } else if (const Json ids = object_in(texts.added_tokens); !ids.empty()) {
    add_older_tokens(tokens, {ids, texts.added_tokens->where}, special);
  }
  for (ListedToken& listed : special) tokens.add(std::move(listed));
}

}  // namespace moebius::internal
