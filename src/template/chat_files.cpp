// Reads templates as files of their own and as fields of JSON files. All of them become one list of named sources.
#include "template/chat_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/quote.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxConfigBytes = 16 << 20;
constexpr size_t kMaxAdditionalTemplates = 64;
constexpr const char* kConfig = "tokenizer_config.json";
constexpr const char* kSpecialMap = "special_tokens_map.json";
constexpr const char* kTemplate = "chat_template.jinja";
constexpr const char* kAdditional = "additional_chat_templates";
constexpr const char* kSuffix = ".jinja";
constexpr const char* kField = "chat_template";
constexpr const char* kPlacesOfField[] = {kConfig, "processor_config.json", "chat_template.json"};

struct Source {
  std::string text;
  std::string where;
};
using Sources = std::map<std::string, Source>;  // by name

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::kBadTokenizer, where, what, "correct the field, or download the file again");
}

Json read_config(const fs::path& path) {
  if (!fs::exists(path)) return Json::object();
  Json config = parse_json(read_text(path, kMaxConfigBytes), path.string());
  if (!config.is_object()) refuse(path.string(), "is not an object");
  return config;
}

// Reads tokenizer_config.json. In the older form, which has no added_tokens_decoder, special_tokens_map.json goes
// before it, as in `transformers`.
Json read_special_config(const fs::path& directory) {
  Json config = read_config(directory / kConfig);
  if (!config.contains("added_tokens_decoder")) config.update(read_config(directory / kSpecialMap));
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

// Returns the files of additional_chat_templates, relative to the directory. What is no file is no template.
std::vector<fs::path> additional_files(const fs::path& directory) {
  const fs::path folder = directory / kAdditional;
  std::error_code failed;
  if (!fs::is_directory(folder, failed)) return {};
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    std::error_code ignored;
    if (entry->path().extension() != kSuffix || !entry->is_regular_file(ignored)) continue;
    if (files.size() == kMaxAdditionalTemplates) {
      throw Error(ErrorCode::kBadTokenizer, folder.string(),
                  fmt::format("has more than {} templates", kMaxAdditionalTemplates), "remove those that no one uses");
    }
    files.push_back(fs::path(kAdditional) / entry->path().filename());
  }
  if (failed) throw Error(ErrorCode::kUnreadable, folder.string(), failed.message(), "check its permissions");
  std::ranges::sort(files);
  return files;
}

Source source_in(const fs::path& file) { return {read_text(file, jinja::kMaxTemplateBytes), file.string()}; }

Sources sources_in_files(const fs::path& directory) {
  Sources sources;
  if (const fs::path file = directory / kTemplate; fs::exists(file)) sources["default"] = source_in(file);
  for (const fs::path& file : additional_files(directory)) sources[file.stem().string()] = source_in(directory / file);
  return sources;
}

Source source_of(const Json& text, const std::string& where) {
  if (!text.is_string()) refuse(where, "is no template");
  return {text.get<std::string>(), where};
}

const Json& member(const Json& entry, const char* key, const std::string& where) {
  if (!entry.is_object() || !entry.contains(key) || !entry[key].is_string()) {
    refuse(where, std::string("a template of the list has no ") + key);
  }
  return entry[key];
}

Sources sources_in_field(const Json& config, const std::string& file) {
  const std::string where = file + ": " + kField;
  const auto found = config.find(kField);
  if (found == config.end() || found->is_null()) return {};
  if (!found->is_structured()) return {{"default", source_of(*found, where)}};
  Sources sources;
  for (const auto& [key, entry] : found->items()) {
    const std::string name = found->is_object() ? key : member(entry, "name", where).get<std::string>();
    const Json& text = found->is_object() ? entry : member(entry, "template", where);
    sources[name] = source_of(text, where + " " + in_quotes(name));
  }
  return sources;
}

Sources first_sources(const fs::path& directory) {
  Sources sources = sources_in_files(directory);
  for (const char* name : kPlacesOfField) {
    if (!sources.empty()) break;
    const fs::path file = directory / name;
    sources = sources_in_field(read_config(file), file.string());
  }
  return sources;
}

std::optional<ChatTemplate> take(Sources& sources, const char* name) {
  auto node = sources.extract(name);
  if (node.empty()) return std::nullopt;
  return ChatTemplate::parse(std::move(node.mapped().text), node.mapped().where);
}

std::string missing(const std::vector<std::string>& names) {
  if (names.empty()) return fmt::format("has no chat template ({}, {})", kTemplate, kConfig);
  return fmt::format("has chat templates with the names {}, and none with the name \"default\"",
                     fmt::join(names, ", "));
}

}  // namespace

const ChatTemplate& ChatFiles::choose(const Json& tools) const {
  if (with_tools && tools.is_array() && !tools.empty()) return *with_tools;
  if (standard) return *standard;
  std::vector<std::string> names;
  for (const std::string& name : other_names) names.push_back(in_quotes(name));
  if (with_tools) names.emplace_back("\"tool_use\"");
  throw Error(
      ErrorCode::kMissingInput, directory, missing(names),
      "put the model's own beside its weights; without one it only continues text: moebius generate DIR -p TEXT");
}

std::vector<fs::path> chat_file_names(const fs::path& directory) {
  std::vector<fs::path> names = additional_files(directory);
  names.insert(names.end(), {kTemplate, kSpecialMap});
  names.insert(names.end(), std::begin(kPlacesOfField), std::end(kPlacesOfField));
  return names;
}

ChatFiles read_chat_files(const fs::path& directory) {
  const std::string where = (directory / kConfig).string();
  ChatFiles files{directory.string(), {}, {}, {}, special_tokens(read_special_config(directory), where)};
  Sources sources = first_sources(directory);
  files.standard = take(sources, "default");
  files.with_tools = take(sources, "tool_use");
  for (const auto& [name, source] : sources) files.other_names.push_back(name);
  return files;
}

}  // namespace moebius::internal
