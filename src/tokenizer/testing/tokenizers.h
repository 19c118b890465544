// For tests only: tokenizers to try things on. There are those of tests/golden/tokenizer, and tokenizer.json texts
// whose vocabulary is bytes and a few merges.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer.h"

namespace moebius::internal::testing {

inline Json golden_json(const std::string& name) {
  const std::string path = fmt::format("{}/tests/golden/tokenizer/{}.json", MOEBIUS_SOURCE_DIR, name);
  return parse_json(read_text(path, 16 << 20), path);
}

inline Tokenizer tokenizer_of(const Json& file) { return Tokenizer::parse(file.dump(), "tokenizer.json"); }
inline Tokenizer golden_tokenizer(const std::string& name) { return tokenizer_of(golden_json(name)); }

struct SmallMerge {
  std::string_view left;
  std::string_view right;
};

// A byte has its own value as id, the merge of rank r has id 256 + r, and added tokens follow. There is no normalizer,
// and the pattern is GPT-2's.
inline Json small_file(const std::vector<SmallMerge>& merges, const std::vector<std::string>& added = {}) {
  const Json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};
  Json file = {{"added_tokens", Json::array()},
               {"normalizer", nullptr},
               {"pre_tokenizer", byte_level},
               {"post_processor", nullptr},
               {"decoder", byte_level}};
  Json& model = file["model"] = {{"type", "BPE"}, {"vocab", Json::object()}, {"merges", Json::array()}};
  for (int byte = 0; byte < 256; ++byte)
    model["vocab"][spelling_of_bytes(std::string(1, static_cast<char>(byte)))] = byte;
  for (const SmallMerge& merge : merges) {
    const std::string left = spelling_of_bytes(merge.left);
    const std::string right = spelling_of_bytes(merge.right);
    model["merges"].push_back(Json::array({left, right}));
    model["vocab"][left + right] = model["vocab"].size();
  }
  for (const std::string& content : added) {
    const size_t id = model["vocab"].size() + file["added_tokens"].size();
    file["added_tokens"].push_back({{"id", id}, {"content", content}, {"normalized", false}, {"special", true}});
  }
  return file;
}

}  // namespace moebius::internal::testing
