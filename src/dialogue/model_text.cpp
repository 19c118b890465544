// Reads the text files of a checkpoint. The files are small and come from strangers. The paths must stay inside the
// directory, and the sizes and contents of the files are checked.
#include "dialogue/model_text.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/file.h"
#include "checkpoint/contained_path.h"
#include "dialogue/end_of_turn.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTokenizer = "tokenizer.json";
constexpr const char* kVocabulary = "vocab.json";
constexpr const char* kMerges = "merges.txt";
constexpr uint64_t kMaxTokenizerBytes = uint64_t{64} << 20;  // Qwen3.5's has 20 MB

bool is_there(const fs::path& directory, const char* name) { return fs::exists(directory / name); }

FileText text_of(const fs::path& directory, const char* name) {
  const fs::path path = contained_path(directory, name);
  return {read_text(path, kMaxTokenizerBytes), path.string()};
}

std::optional<FileText> text_if_there(const fs::path& directory, const char* name) {
  return is_there(directory, name) ? std::optional(text_of(directory, name)) : std::nullopt;
}

// Returns model_type of config.json, or nothing where there is no config.json.
std::string model_type(const fs::path& directory) {
  const std::optional<FileText> config = text_if_there(directory, "config.json");
  if (!config) return {};
  const Json json = parse_json(config->text, config->where);
  return JsonObject(json, config->where).string("model_type", "");
}

// Returns the id of eos_token. tokenizer_config.json gives only the text of this token.
std::optional<int32_t> eos_token(const SpecialTokens& tokens, const Tokenizer& tokenizer) {
  for (const auto& [name, text] : tokens) {
    if (name == "eos_token" && text.is_string()) return tokenizer.token_id(text.get_ref<const std::string&>());
  }
  return std::nullopt;
}

void add_once(std::vector<int32_t>& ids, std::optional<int32_t> id) {
  if (id && std::ranges::find(ids, *id) == ids.end()) ids.push_back(*id);
}

// Templates may behave differently where there are tools, and some checkpoints have another template then.
std::vector<int32_t> ends_of_turn(const ModelText& text) {
  const Json function = {{"name", "f"}, {"parameters", Json::object()}};
  const Json some_tool = Json::array({{{"type", "function"}, {"function", function}}});
  std::vector<int32_t> ids;
  add_once(ids, eos_token(text.chat.special_tokens, text.tokenizer));
  for (const Json& tools : {Json(), some_tool}) add_once(ids, written_end_of_turn(text, tools));
  return ids;
}

GenerationDefaults read_defaults(const fs::path& directory) {
  const fs::path path = contained_path(directory, "generation_config.json");
  if (!fs::exists(path)) return {};
  const Json json = parse_json(read_text(path, JsonLimits{}.max_bytes), path.string());
  return read_generation_defaults(JsonObject(json, path.string()));
}

std::tm local_time() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm time{};
  localtime_r(&now, &time);
  return time;
}

}  // namespace

RenderedChat ModelText::render(ChatRequest request) const {
  request.special_tokens = chat.special_tokens;
  request.now = local_time();
  return chat.choose(request.tools).render(request);
}

bool has_tokenizer(const std::string& directory) {
  return is_there(directory, kTokenizer) || (is_there(directory, kVocabulary) && is_there(directory, kMerges));
}

Tokenizer load_tokenizer(const std::string& directory) {
  if (fs::is_directory(directory) && !has_tokenizer(directory)) {
    throw Error(ErrorCode::kMissingInput, (fs::path(directory) / kTokenizer).string(),
                "there is none, so this checkpoint knows no text",
                "copy it, or vocab.json and merges.txt, from the original model; or use token ids: moebius generate "
                "DIR --tokens 1,2,3");
  }
  TokenizerTexts texts;
  texts.config = text_if_there(directory, "tokenizer_config.json");
  texts.special_tokens = text_if_there(directory, "special_tokens_map.json");
  texts.added_tokens = text_if_there(directory, "added_tokens.json");
  if (is_there(directory, kTokenizer) || !is_there(directory, kVocabulary)) {
    texts.tokenizer = text_of(directory, kTokenizer);
  } else {
    texts.vocabulary = text_of(directory, kVocabulary);
    texts.merges = text_of(directory, kMerges);
    texts.model_type = model_type(directory);
  }
  return Tokenizer::parse(texts);
}

ModelText load_model_text(const std::string& directory) {
  contained_path(directory, "additional_chat_templates");
  for (const fs::path& name : chat_file_names(directory)) contained_path(directory, name);
  ModelText text{load_tokenizer(directory), read_chat_files(directory), read_defaults(directory), {}};
  text.ends_of_turn = ends_of_turn(text);
  return text;
}

std::vector<int32_t> stop_ids(std::vector<int32_t> configured, const ModelText& text) {
  for (const int32_t id : text.ends_of_turn) add_once(configured, id);
  return configured;
}

}  // namespace moebius::internal
