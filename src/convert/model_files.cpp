// See model_files.h.
#include "convert/model_files.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace moebius {
namespace {

constexpr uint64_t kCopyBytes = 1 << 20;

bool is_text_file(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames = {"generation_config.json", "vocab.json", "merges.txt",
                                                      "special_tokens_map.json", "added_tokens.json"};
  return name.starts_with("tokenizer") || name.starts_with("chat_template") ||
         std::ranges::find(kNames, name) != kNames.end();
}

void copy_contents(const std::filesystem::path& from, const std::filesystem::path& to) {
  const File source(from);
  FileWriter target(to);
  std::vector<std::byte> chunk(kCopyBytes);
  for (uint64_t offset = 0; offset < source.size(); offset += kCopyBytes) {
    const auto part = std::span(chunk).first(std::min(kCopyBytes, source.size() - offset));
    source.read(offset, part);
    target.write(part);
  }
  target.sync();
}

// A string of the root or of text_config; nullptr when there is none.
const std::string* config_string(const Json& config, const char* part, const char* key) {
  if (part != nullptr && !config.contains(part)) return nullptr;
  const Json& object = part == nullptr ? config : config.at(part);
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get_ptr<const std::string*>() : nullptr;
}

}  // namespace

void add_quantization(Json& config, const Json& block) {
  config["quantization"] = block;
  config["quantization_config"] = block;
}

Json converted_config(const Json& source, const Json& quantization_block) {
  Json config = source;
  for (const char* key : {"_name_or_path", "vision_config", "quantization", "quantization_config"}) config.erase(key);
  if (const auto text = config.find("text_config"); text != config.end()) {
    text->erase("quantization");
    text->erase("quantization_config");
  } else {
    config["model_type"] = "qwen3_5_moe";  // mlx-lm reads text-only exports under this name alone
  }
  add_quantization(config, quantization_block);
  return config;
}

std::optional<DType> config_dtype(const Json& config) {
  constexpr const char* kText = "text_config";
  for (const auto& [part, key] : {std::pair{static_cast<const char*>(nullptr), "torch_dtype"},
                                  {kText, "dtype"},
                                  {nullptr, "dtype"},
                                  {kText, "torch_dtype"}}) {
    const std::string* name = config_string(config, part, key);
    if (name == nullptr) continue;
    if (*name == "bfloat16") return DType::kBF16;
    if (*name == "float16") return DType::kF16;
    if (*name == "float32") return DType::kF32;
  }
  return std::nullopt;
}

void write_config(const std::filesystem::path& directory, const Json& config) {
  FileWriter file(directory / "config.json");
  file.write(config.dump(4) + "\n");
  file.sync();
}

void copy_text_files(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const auto& entry : std::filesystem::directory_iterator(from)) {
    const std::string name = entry.path().filename().string();
    if (is_text_file(name) && entry.is_regular_file()) copy_contents(entry.path(), to / name);
  }
}

}  // namespace moebius
