// The chat template of a checkpoint's directory, and the special tokens that it may print. chat_template.jinja goes
// before what tokenizer_config.json says. A list of named templates in tokenizer_config.json has one for requests with
// tools.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "template/chat_template.h"

namespace moebius::internal {

struct ChatFiles {
  std::string directory;                   // for messages
  std::optional<ChatTemplate> standard;    // none: a model that only continues text
  std::optional<ChatTemplate> with_tools;  // "tool_use" of tokenizer_config.json
  SpecialTokens special_tokens;

  // Returns the template for a request with these tools (null or empty: no tools). Throws kMissingInput when the
  // directory has no template at all.
  const ChatTemplate& choose(const Json& tools) const;
};

// Throws kBadTokenizer when tokenizer_config.json is malformed, and what ChatTemplate::parse throws.
ChatFiles read_chat_files(const std::filesystem::path& directory);

}  // namespace moebius::internal
