// Finds the rows of each tensor of model_tensors.h in a checkpoint that is to be converted, whichever form the files
// keep them in. Presence, dtype and shape are checked before anything is read.
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

  // Returns the rows of the tensor, experts one after another. Throws kMissingTensor, kBadTensor, kUnsupported.
  CheckpointRows rows(const ModelTensor& tensor);
  // Allows the files to hold this module, although rows() is never called for it.
  void ignore(const std::string& module) { checked_.skip_module(module); }

  // Returns how many layers of the MTP head the files hold, or 0 without a head.
  [[nodiscard]] int64_t mtp_layers() const;
  // Returns the form of the linear layers, judged by the first of them.
  [[nodiscard]] DeltaNetForm delta_net_form(const ModelConfig& config) const;
  // Tells whether norms are stored around 0 (Hugging Face). The shape of the convolutions decides, but a family with
  // plain norms never stores them so. Call it after rows() was called for every tensor.
  [[nodiscard]] bool has_raw_norms(NormForm norms) const;
  // Call it after the last tensor. Throws kUnknownTensor for a tensor that has no place in the model. Returns the names
  // of the `mtp.` tensors that nothing used.
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
