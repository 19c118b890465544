// The input is config.json as text. The target reads the model's facts from it.
#include <cmath>

#include "model/config.h"
#include "only_error.h"

using namespace moebius;
using namespace moebius::internal;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return only_error([&] {
    const ModelConfig config = parse_model_config(parse_json(as_text(data, size), "fuzz"), "fuzz");
    require(config.layers > 0 && config.dim > 0 && config.vocab > 0);
    require(static_cast<int64_t>(config.layer_kinds.size()) == config.layers);
    require(static_cast<int64_t>(config.mlp_kinds.size()) == config.layers);
    require(config.experts == 0 || (config.top_k > 0 && config.top_k <= config.experts));
    require((config.count(MlpKind::kMoe) > 0) == (config.experts > 0));
    require((config.count(MlpKind::kDense) > 0) == (config.dense_width > 0));
    for (const float frequency : rope_frequencies(config.rope())) require(std::isfinite(frequency));
  });
}
