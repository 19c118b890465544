// A checkpoint directory that checks its tensors. The caller asks for each tensor with the shape that it must have, so
// presence, dtype and shape of all tensors are checked before the first byte of a weight is read. The directory
// remembers the tensors that were asked for, so a tensor that nobody asked for is an error. It knows how a matrix is
// stored (dense, or quantized by MLX). It knows no model and reads no data.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "checkpoint/model_dir.h"

namespace moebius::internal {

using Shape = std::vector<int64_t>;

std::string to_string(const Shape& shape);  // "[256, 512, 2048]"

// A matrix, or a stack of matrices, as it lies in the files. scales and biases are null where the format has none.
struct StoredMatrix {
  WeightFormat format;
  const ModelDir::Entry* weights = nullptr;
  const ModelDir::Entry* scales = nullptr;
  const ModelDir::Entry* biases = nullptr;
};

class CheckedDir {
 public:
  explicit CheckedDir(const ModelDir& directory) : directory_(directory) {}

  [[nodiscard]] const ModelDir& directory() const { return directory_; }
  [[nodiscard]] bool has(const std::string& name) const { return directory_.find(name) != nullptr; }

  // A tensor in F32, F16 or BF16 of exactly this shape. Throws kMissingTensor, kBadTensor.
  const ModelDir::Entry& floats(const std::string& name, const Shape& shape);
  // A tensor in F32, F16 or BF16 of one of several shapes. Throws kMissingTensor, kBadTensor.
  const ModelDir::Entry& floats_of(const std::string& name, const std::vector<Shape>& shapes);
  // `<module>.weight`, either dense, or codes with `<module>.scales` and, when affine, `<module>.biases`. shape: the
  // logical shape, whose last dimension is the inputs. Throws kMissingTensor, kBadTensor.
  StoredMatrix matrix(const std::string& module, const Shape& shape);
  // Makes the tensors of this module known: refuse_unknown() accepts them although nobody asks for them.
  void skip_module(const std::string& module);

  // Throws kUnknownTensor, listing up to five tensors, when there are tensors that nobody asked for. Accepts `mtp.*`
  // always.
  void refuse_unknown() const;
  [[nodiscard]] uint64_t asked_bytes() const { return asked_bytes_; }

 private:
  const ModelDir::Entry& ask(const std::string& name);
  StoredMatrix quantized_matrix(const std::string& module, const Shape& shape, const QuantizationParams& params);
  const ModelDir::Entry& scales(const std::string& module, const Shape& shape, QuantMode mode);
  const ModelDir::Entry& biases(const std::string& module, const Shape& shape, const ModelDir::Entry& scales);

  const ModelDir& directory_;
  std::set<const ModelDir::Entry*> asked_;
  uint64_t asked_bytes_ = 0;
};

}  // namespace moebius::internal
