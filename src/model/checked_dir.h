// A checkpoint directory whose tensors are asked for with the shape they must have, and that remembers which were asked
// for: so that presence, dtype and shape of everything are known before the first byte of a weight is read, and what
// nobody asked for is an error. Knows how a matrix is stored (dense, or quantized by MLX); knows no model and reads no
// data.
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

// A matrix, or a stack of them, as it lies in the files. scales and biases are null where the format has none.
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

  // F32, F16 or BF16 of exactly this shape. Throws kMissingTensor, kBadTensor.
  const ModelDir::Entry& floats(const std::string& name, const Shape& shape);
  // The same of one of several shapes.
  const ModelDir::Entry& floats_of(const std::string& name, const std::vector<Shape>& shapes);
  // `<module>.weight`, dense, or codes with `.scales` and, when affine, `.biases`. shape: the logical one, inputs last.
  StoredMatrix matrix(const std::string& module, const Shape& shape);
  // Tensors of this module need not be asked for.
  void skip_module(const std::string& module);

  // Throws kUnknownTensor listing up to five tensors that nobody asked for; `mtp.*` is not counted.
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
