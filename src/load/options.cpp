// Words to options.
#include "load/options.h"

#include <algorithm>

#include "base/quote.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

[[noreturn]] void refuse(const std::string& option, const std::string& expected, const std::string& got) {
  throw Error(ErrorCode::kUsage, option, "expected " + expected + ", got " + in_quotes(got));
}

ActivationKind parse_activations(const std::string& word) {
  if (word == "int8") return ActivationKind::kInt8;
  if (word == "f32") return ActivationKind::kF32;
  refuse("activations", "int8 or f32", word);
}

BackendOptions backend_options(const EngineOptions& options) {
  return {.backend = options.backend,
          .isa = options.isa,
          .threads = options.threads,
          .activations = parse_activations(options.activations)};
}

}  // namespace

ExpertPath parse_expert_path(const std::string& word) {
  for (const ExpertPath path : {ExpertPath::kUnfused, ExpertPath::kConcat, ExpertPath::kFused}) {
    if (word == name(path)) return path;
  }
  refuse("experts", "unfused, concat or fused", word);
}

std::string_view name(ExpertPath path) {
  switch (path) {
    case ExpertPath::kFused:
      return "fused";
    case ExpertPath::kConcat:
      return "concat";
    case ExpertPath::kUnfused:
      return "unfused";
  }
  return "";
}

DType parse_kv_dtype(const std::string& word) {
  if (word == "f32") return DType::kF32;
  if (word == "f16") return DType::kF16;
  refuse("kv", "f32 or f16", word);
}

PackedUse parse_packed_use(const std::string& word) {
  if (word == "off") return PackedUse::kOff;
  if (word == "auto") return PackedUse::kAuto;
  if (word == "make") return PackedUse::kMake;
  refuse("packed", "off, auto or make", word);
}

void resolve_draft_head(ModelOptions& options, const ModelDir& directory) {
  if (options.mtp != "auto") return;
  // Its first tensor: some exports leave odd ones of a head behind.
  options.mtp = directory.tensors().contains("mtp.pre_fc_norm_embedding.weight") ? kBundledMtp : "";
}

ModelOptions model_options(const EngineOptions& options) {
  ModelOptions model;
  model.context = options.context;
  model.max_rows = options.max_rows;
  model.draft_rows = std::min(options.draft_rows, options.max_rows);
  model.mtp = options.mtp;
  model.kv_dtype = parse_kv_dtype(options.kv);
  model.experts = parse_expert_path(options.experts);
  if (options.progress) {
    model.progress = [report = options.progress](const LoadProgress& progress) {
      report(progress.bytes_done, progress.bytes_total);
    };
  }
  return model;
}

LoadOptions load_options(const EngineOptions& options) {
  LoadOptions load;
  load.backend = backend_options(options);
  load.model = model_options(options);
  load.packed = {.use = parse_packed_use(options.packed),
                 .verify = options.verify_packed,
                 .cache_directory = options.cache_directory,
                 .notice = options.notice,
                 .progress = load.model.progress};
  return load;
}

}  // namespace moebius::internal
