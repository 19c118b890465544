// See model_files.h.
#include "convert/model_files.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr const char* kTemplates = "additional_chat_templates";

bool is_text_file(std::string_view name) {
  constexpr std::array<std::string_view, 6> kNames = {
      "generation_config.json",  "vocab.json",        "merges.txt",
      "special_tokens_map.json", "added_tokens.json", "processor_config.json"};
  return name.starts_with("tokenizer") || name.starts_with("chat_template") ||
         std::ranges::find(kNames, name) != kNames.end();
}

void copy_files(const std::filesystem::path& from, const std::filesystem::path& to,
                const std::function<bool(std::string_view name)>& is_wanted) {
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    const std::string name = entry.path().filename().string();
    if (!is_wanted(name) || !entry.is_regular_file()) continue;
    std::error_code failed;
    std::filesystem::copy_file(entry.path(), to / name, failed);
    if (failed) throw Error(ErrorCode::kIo, entry.path().string(), "cannot copy: " + failed.message());
  }
}

// Returns the text part of a vision wrapper, or nullptr when the root is the text config.
const Json* text_part(const Json& config) {
  const auto found = config.find("text_config");
  return found != config.end() && found->is_object() ? &*found : nullptr;
}

std::optional<DType> dtype_called(const Json& name) {
  if (name == "bfloat16") return DType::kBF16;
  if (name == "float16") return DType::kF16;
  if (name == "float32") return DType::kF32;
  return std::nullopt;
}

}  // namespace

void add_quantization(Json& config, const Json& block) {
  config["quantization"] = block;
  config["quantization_config"] = block;
}

Json converted_config(const Json& source, const std::string& model_type, const Json& quantization_block) {
  Json config = source;
  for (const char* key : {"_name_or_path", "vision_config", "quantization", "quantization_config"}) config.erase(key);
  if (text_part(config) != nullptr) {
    config["text_config"].erase("quantization");
    config["text_config"].erase("quantization_config");
  } else {
    config["model_type"] = model_type;
  }
  add_quantization(config, quantization_block);
  return config;
}

std::optional<DType> config_dtype(const Json& config) {
  // The first two places are those of mlx-lm, in its order. The other two are where newer and older files keep the
  // dtype.
  const Json* text = text_part(config);
  const std::pair<const Json*, const char*> places[] = {
      {&config, "torch_dtype"}, {text, "dtype"}, {&config, "dtype"}, {text, "torch_dtype"}};
  for (const auto& [object, key] : places) {
    if (object == nullptr || !object->contains(key)) continue;
    if (const auto dtype = dtype_called(object->at(key))) return dtype;
  }
  return std::nullopt;
}

void write_config(const std::filesystem::path& directory, const Json& config) {
  FileWriter file(directory / "config.json");
  file.write(config.dump(4) + "\n");
  file.sync();
}

void copy_text_files(const std::filesystem::path& from, const std::filesystem::path& to) {
  copy_files(from, to, is_text_file);
  if (const auto templates = from / kTemplates; std::filesystem::is_directory(templates)) {
    std::filesystem::create_directory(to / kTemplates);
    copy_files(templates, to / kTemplates, [](std::string_view name) { return name.ends_with(".jinja"); });
  }
}

}  // namespace moebius::internal
