// One name per tensor and module, whatever wrapper the file was saved from.
#include <array>
#include <string>
#include <string_view>

#include "checkpoint/model_dir.h"

namespace moebius::internal {
namespace {

// The name is the path or lies below it: "visual" covers "visual.blocks.0", not "visualizer".
bool is_within(std::string_view name, std::string_view path) {
  return name.starts_with(path) && (name.size() == path.size() || name[path.size()] == '.');
}

constexpr std::array<std::string_view, 4> kVision = {"vision_tower", "model.visual", "visual", "model.vision_tower"};

struct Wrapper {
  std::string_view path;
  std::string_view canonical;
};

constexpr std::array kWrappers = {
    Wrapper{"model.language_model", "model"},
    Wrapper{"language_model.model", "model"},
    Wrapper{"language_model.lm_head", "lm_head"},
    Wrapper{"language_model.mtp", "mtp"},
    Wrapper{"model.mtp", "mtp"},
};

// The names in exports of the bare decoder, without its head, begin with one of these.
constexpr std::array<std::string_view, 3> kBareDecoder = {"embed_tokens", "layers", "norm"};

}  // namespace

std::string canonical_name(std::string_view file_name) {
  for (const std::string_view path : kVision) {
    if (is_within(file_name, path)) return "";
  }
  for (const Wrapper& wrapper : kWrappers) {
    if (is_within(file_name, wrapper.path)) {
      return std::string(wrapper.canonical) + std::string(file_name.substr(wrapper.path.size()));
    }
  }
  for (const std::string_view path : kBareDecoder) {
    if (is_within(file_name, path)) return "model." + std::string(file_name);
  }
  return std::string(file_name);
}

bool is_draft_head(const Json& config) {
  const auto type = config.find("model_type");
  return type != config.end() && type->is_string() && type->get_ref<const std::string&>().ends_with("_mtp");
}

std::string name_in(const Json& config, std::string_view file_name) {
  const bool bare = is_draft_head(config) && !file_name.starts_with("mtp.");
  return bare ? "mtp." + std::string(file_name) : canonical_name(file_name);
}

}  // namespace moebius::internal
