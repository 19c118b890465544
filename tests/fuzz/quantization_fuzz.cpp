// The input is config.json as text. The target reads its quantization block, and then makes every kind of lookup.
#include "checkpoint/quantization.h"
#include "only_error.h"

using namespace moebius;
using namespace moebius::internal;

static void check_params(const std::optional<QuantizationParams>& params) {
  if (!params) return;
  if (params->mode == QuantMode::kMxfp4) return require(params->bits == 4 && params->group == 32);
  require(params->bits >= 2 && params->bits <= 8 && params->bits != 7);
  require(params->group == 32 || params->group == 64 || params->group == 128);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return only_error([&] {
    const auto config = QuantizationConfig::parse(parse_json(as_text(data, size), "fuzz"), "fuzz");
    for (const char* module : {"model.layers.0.mlp.gate", "lm_head", "model.embed_tokens"}) {
      for (const Scales scales : {Scales::kAbsent, Scales::kPresent}) {
        only_error([&] { check_params(config.lookup(module, scales)); });
      }
    }
  });
}
