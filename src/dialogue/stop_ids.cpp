// Implements the reading of stop ids from config.json and generation_config.json, the two files that have them as
// numbers.
#include "dialogue/stop_ids.h"

#include <fmt/format.h>

#include <set>

#include "base/file.h"
#include "base/json.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr const char* kKey = "eos_token_id";

int32_t checked_id(const Json& value, const std::string& where, int64_t vocab) {
  const bool fits = value.is_number_integer() && value >= 0 && value < vocab;
  if (fits) return value.get<int32_t>();
  throw Error(ErrorCode::kBadConfig, where, fmt::format("expected token ids from 0 to {}", vocab - 1));
}

void collect(std::set<int32_t>& ids, const JsonObject& object, int64_t vocab) {
  if (!object.has(kKey)) return;
  const Json& value = object.json().at(kKey);
  if (!value.is_array()) {
    ids.insert(checked_id(value, object.where(kKey), vocab));
    return;
  }
  for (const Json& id : value) ids.insert(checked_id(id, object.where(kKey), vocab));
}

}  // namespace

std::vector<int32_t> read_stop_ids(const ModelDir& directory, int64_t vocab) {
  std::set<int32_t> ids;
  const JsonObject root(directory.config(), (directory.path() / "config.json").string());
  collect(ids, root, vocab);
  if (root.has("text_config")) collect(ids, root.object("text_config"), vocab);
  const auto path = directory.path() / "generation_config.json";
  if (std::filesystem::exists(path)) {
    const Json generation = parse_json(read_text(path, JsonLimits{}.max_bytes), path.string());
    collect(ids, JsonObject(generation, path.string()), vocab);
  }
  return {ids.begin(), ids.end()};
}

}  // namespace moebius::internal
