// Maps a model_type to its family. The only list of the families that moebius runs is here.
#include <fmt/format.h>

#include <algorithm>

#include "base/quote.h"
#include "model/decoder.h"
#include "model/family.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

const Family* const kFamilies[] = {&kQwen35Moe, &kQwen35, &kQwen3Next, &kQwen3Moe};

bool accepts(const Family& family, std::string_view model_type) {
  return std::ranges::find(family.accepted, model_type) != family.accepted.end();
}

std::string family_names() {
  std::string names;
  for (const Family* family : kFamilies) {
    names += names.empty() ? "" : ", ";
    names += family->model_type;
  }
  return names;
}

const Family& find_family(const ConfigSource& source) {
  const std::string model_type = source.root().string("model_type");
  for (const Family* family : kFamilies) {
    if (!accepts(*family, model_type)) continue;
    // The text part decides the maths, so this check refuses a wrapper around the text part of another family.
    const std::string text_type = source.text().string("model_type", model_type);
    if (accepts(*family, text_type)) return *family;
    throw Error(ErrorCode::kBadConfig, source.text().where("model_type"),
                fmt::format("expected the text part of {}, got {}", model_type, in_quotes(text_type)));
  }
  throw Error(ErrorCode::kUnsupported, source.root().where("model_type"),
              in_quotes(model_type) + " is not a family that this build runs", "supported: " + family_names());
}

}  // namespace

ModelConfig parse_model_config(const Json& root, const std::string& where) {
  const ConfigSource source(root, where);
  const Family& family = find_family(source);
  ModelConfig config = family.read_config(source);
  config.model_type = family.model_type;
  return config;
}

std::unique_ptr<Model> load_model(const Checkpoint& checkpoint, Backend& backend, const ModelOptions& options) {
  return std::make_unique<Decoder>(checkpoint, backend, options);
}

}  // namespace moebius::internal
