// Implements the translation of options.h.
#include "load/options.h"

#include <algorithm>

#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr std::string_view kMtpIfBundled = "if bundled";

std::string draft_head(const DraftOptions& drafts) {
  switch (drafts.head) {
    case DraftHeadUse::kNone:
      return "";
    case DraftHeadUse::kIfBundled:
      return std::string(kMtpIfBundled);
    case DraftHeadUse::kBundled:
      return std::string(kBundledMtp);
    case DraftHeadUse::kDirectory:
      if (!drafts.head_directory.empty()) return drafts.head_directory;
  }
  throw Error(ErrorCode::kUsage, "drafts.head_directory", "is empty, and the draft head is to be read from it",
              "name the checkpoint that has the head, or choose another DraftHeadUse");
}

DType dtype_of(KvType kv) { return kv == KvType::kF16 ? DType::kF16 : DType::kF32; }

}  // namespace

void resolve_draft_head(ModelOptions& options, const ModelDir& directory) {
  if (options.mtp != kMtpIfBundled) return;
  // Some exports leave stray tensors of a head behind, so the first one that a head needs decides.
  options.mtp = directory.tensors().contains("mtp.pre_fc_norm_embedding.weight") ? kBundledMtp : "";
}

ModelOptions model_options(const EngineOptions& options) {
  ModelOptions model;
  model.context = options.limits.context;
  model.max_rows = options.limits.max_rows;
  model.draft_rows = std::min(options.drafts.max_rows, options.limits.max_rows);
  model.mtp = draft_head(options.drafts);
  model.kv_dtype = dtype_of(options.cache.kv);
  model.experts = options.compute.experts;
  if (options.progress) {
    model.progress = [report = options.progress](const LoadProgress& progress) {
      report(progress.bytes_done, progress.bytes_total);
    };
  }
  return model;
}

LoadOptions load_options(const EngineOptions& options) {
  LoadOptions load;
  load.compute = options.compute;
  load.model = model_options(options);
  load.packed = {.options = options.packed, .notice = options.notice, .progress = load.model.progress};
  return load;
}

}  // namespace moebius::internal
