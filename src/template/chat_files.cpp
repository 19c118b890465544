// Reads chat_template.jinja and tokenizer_config.json.
#include "template/chat_files.h"

#include "base/file.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxConfigBytes = 16 << 20;
constexpr const char* kConfig = "tokenizer_config.json";
constexpr const char* kTemplate = "chat_template.jinja";

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kBadTokenizer, where, what, "correct the field, or download the file again");
}

Json read_config(const fs::path& directory) {
  const fs::path path = directory / kConfig;
  if (!fs::exists(path)) return Json::object();
  Json config = parse_json(read_text(path, kMaxConfigBytes), path.string());
  if (!config.is_object()) refuse(path.string(), "is not an object");
  return config;
}

// A token is a string, or an object that has the string as "content".
SpecialTokens special_tokens(const Json& config, const std::string& where) {
  SpecialTokens out;
  for (const char* name :
       {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}) {
    const auto token = config.find(name);
    if (token == config.end() || token->is_null()) continue;
    const Json& text = token->is_object() && token->contains("content") ? (*token)["content"] : *token;
    if (!text.is_string()) refuse(where + ": " + name, "is no token");
    out.emplace_back(name, text);
  }
  return out;
}

struct Sources {
  std::string standard;
  std::optional<std::string> with_tools;
};

const std::string& text_in(const Json& entry, const char* key, const std::string& where) {
  if (!entry.is_object() || !entry.contains(key) || !entry[key].is_string()) {
    refuse(where, std::string("a template of the list has no ") + key);
  }
  return entry[key].get_ref<const std::string&>();
}

std::optional<Sources> sources_in(const Json& config, const std::string& where) {
  const auto found = config.find("chat_template");
  if (found == config.end() || found->is_null()) return std::nullopt;
  if (found->is_string()) return Sources{found->get<std::string>(), std::nullopt};
  if (!found->is_array()) refuse(where, "is neither a template nor a list of templates");
  std::optional<std::string> standard;
  std::optional<std::string> with_tools;
  for (const Json& entry : *found) {
    const std::string& name = text_in(entry, "name", where);
    if (name == "default") standard = text_in(entry, "template", where);
    if (name == "tool_use") with_tools = text_in(entry, "template", where);
  }
  if (!standard) refuse(where, "has no template with the name \"default\"");
  return Sources{*std::move(standard), std::move(with_tools)};
}

}  // namespace

const ChatTemplate& ChatFiles::choose(const Json& tools) const {
  if (with_tools && tools.is_array() && !tools.empty()) return *with_tools;
  if (standard) return *standard;
  throw Error(
      ErrorCode::kMissingInput, directory, std::string("has no chat template (") + kTemplate + ", " + kConfig + ")",
      "put the model's own beside its weights; without one it only continues text: moebius generate DIR -p TEXT");
}

ChatFiles read_chat_files(const fs::path& directory) {
  const Json config = read_config(directory);
  const std::string where = (directory / kConfig).string();
  ChatFiles files{directory.string(), std::nullopt, std::nullopt, special_tokens(config, where)};
  if (const fs::path file = directory / kTemplate; fs::exists(file)) {
    files.standard = ChatTemplate::parse(read_text(file, jinja::kMaxTemplateBytes), file.string());
    return files;
  }
  std::optional<Sources> sources = sources_in(config, where + ": chat_template");
  if (!sources) return files;
  files.standard = ChatTemplate::parse(std::move(sources->standard), where + ": chat_template");
  if (sources->with_tools) {
    files.with_tools = ChatTemplate::parse(*std::move(sources->with_tools), where + ": chat_template tool_use");
  }
  return files;
}

}  // namespace moebius::internal
