// What a checkpoint that is to be converted holds for each tensor of model_tensors.h: rows, whichever of the forms the
// file keeps them in, with presence, dtype and shape checked before anything is read.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "convert/model_tensors.h"
#include "model/checked_dir.h"
#include "model/row_sources.h"

namespace moebius::internal {

class ConversionSource {
 public:
  explicit ConversionSource(const ModelDir& directory) : directory_(directory), checked_(directory) {}

  // Rows of the tensor, experts one after another. Throws kMissingTensor, kBadTensor, kUnsupported.
  CheckpointRows rows(const ModelTensor& tensor);
  // Nobody will ask for this module, and it may be there.
  void ignore(const std::string& module) { checked_.skip_module(module); }

  // Of the MTP head: how many layers the files hold, 0 without one.
  [[nodiscard]] int64_t mtp_layers() const;
  // Of the linear layers, by the first of them.
  [[nodiscard]] DeltaNetForm delta_net_form(const ModelConfig& config) const;
  // True when norms are stored around 0 (Hugging Face), by the shape of the convolutions, or never when their family
  // does not do so. Call when all rows are known.
  [[nodiscard]] bool has_raw_norms(NormForm norms) const;
  // After the last tensor: throws kUnknownTensor for what has no place in the model; names of the `mtp.` tensors left.
  [[nodiscard]] std::vector<std::string> left_over() const;
  [[nodiscard]] uint64_t bytes() const { return checked_.asked_bytes(); }

 private:
  StoredMatrix convolution(const ModelTensor& tensor);
  StoredMatrix used(const StoredMatrix& matrix);

  const ModelDir& directory_;
  CheckedDir checked_;
  std::set<std::string> used_;
  int raw_convolutions_ = 0;
  int converted_convolutions_ = 0;
};

}  // namespace moebius::internal
