// See model_text.h. The files are small and of strangers: contained in the directory, bounded, validated.
#include "engine/model_text.h"

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "checkpoint/contained_path.h"
#include "checkpoint/model_dir.h"
#include "engine/stop_ids.h"
#include "model/config.h"
#include "moebius/error.h"
#include "text/chat_files.h"

namespace moebius {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxTokenizerBytes = uint64_t{64} << 20;  // Qwen3.5's has 20 MB

std::optional<JsonObject> read_object(Json& storage, const fs::path& directory, const char* name) {
  const fs::path path = contained_path(directory, name);
  if (!fs::exists(path)) return std::nullopt;
  storage = parse_json(read_text(path, JsonLimits{}.max_bytes), path.string());
  return JsonObject(storage, path.string());
}

// tokenizer_config.json names the end of a turn by its text.
void add_eos_token(std::vector<int32_t>& ids, const ChatFiles& files, const Tokenizer& tokenizer) {
  const auto eos = files.special_tokens.find("eos_token");
  if (eos == files.special_tokens.end()) return;
  const auto id = tokenizer.token_id(eos->second);
  if (id && std::ranges::find(ids, *id) == ids.end()) ids.push_back(*id);
}

}  // namespace

const ChatTemplate& ModelText::chat_template() const {
  if (chat) return *chat;
  throw Error(ErrorCode::kMissingInput, directory, "has no chat template (chat_template.jinja, tokenizer_config.json)",
              "it only continues text: moebius generate DIR -p TEXT");
}

Tokenizer load_tokenizer(const std::string& directory) {
  const fs::path path = contained_path(directory, "tokenizer.json");
  if (fs::is_directory(directory) && !fs::exists(path)) {
    throw Error(ErrorCode::kMissingInput, path.string(), "there is none, so this checkpoint knows no text",
                "copy it from the original model, or use token ids: moebius generate DIR --tokens 1,2,3");
  }
  return Tokenizer::parse(read_text(path, kMaxTokenizerBytes), path.string());
}

ModelText load_model_text(const std::string& directory) {
  ModelText text{.directory = directory, .tokenizer = load_tokenizer(directory)};
  return text;
}

}  // namespace moebius
