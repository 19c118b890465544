// The files of a checkpoint that say what its tokenizer is, as texts. Who reads them from a directory decides which
// files may be read (dialogue/model_text.h).
#pragma once

#include <optional>
#include <string>

namespace moebius::internal {

struct FileText {
  std::string text;
  std::string where;  // the file, for messages
};

struct TokenizerTexts {
  std::optional<FileText> tokenizer;       // tokenizer.json
  std::optional<FileText> vocabulary;      // vocab.json; it and merges.txt are used where there is no tokenizer.json
  std::optional<FileText> merges;          // merges.txt
  std::optional<FileText> config;          // tokenizer_config.json
  std::optional<FileText> special_tokens;  // special_tokens_map.json
  std::optional<FileText> added_tokens;    // added_tokens.json
  std::string model_type;                  // of config.json, which decides how vocab.json splits text; may be empty
};

}  // namespace moebius::internal
