// The chat templates of a checkpoint's directory, and the special tokens that they may print. This file chooses among
// all places where a template can be, as `transformers` does. The engine of templates is in template/jinja.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "template/chat_template.h"

namespace moebius::internal {

struct ChatFiles {
  std::string directory;                   // for messages
  std::optional<ChatTemplate> standard;    // the template with the name "default"
  std::optional<ChatTemplate> with_tools;  // the template with the name "tool_use"
  std::vector<std::string> other_names;    // of templates that no request asks for; for messages
  SpecialTokens special_tokens;

  // Returns the template for a request with these tools (null or empty: no tools). Throws kMissingInput when the
  // directory has none for it: such a model only continues text.
  const ChatTemplate& choose(const Json& tools) const;
};

// Returns the names of the files that read_chat_files() may read, relative to the directory. Files that are not there
// can be among them. Throws kUnreadable, and kBadTokenizer for more than 64 files in additional_chat_templates.
std::vector<std::filesystem::path> chat_file_names(const std::filesystem::path& directory);

// Takes the templates of the first place that has any:
//   1. chat_template.jinja, and each additional_chat_templates/NAME.jinja;
//   2. "chat_template" of tokenizer_config.json, processor_config.json or chat_template.json, in this order. It is a
//      template, a list of {"name", "template"}, or an object that maps names to templates.
// A template without a name has the name "default". PreTrainedTokenizerBase of `transformers` knows the first place and
// tokenizer_config.json. Its ProcessorMixin reads the two other files, and the tokenizer's word goes before.
// Throws kBadTokenizer when a JSON file is malformed, and what chat_file_names() and ChatTemplate::parse throw.
ChatFiles read_chat_files(const std::filesystem::path& directory);

}  // namespace moebius::internal
