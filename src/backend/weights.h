// Weights: how they come from a checkpoint, and how a backend takes them. Uploads happen at load. Each upload packs its
// weights once.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "backend/tensor.h"
#include "base/dtype.h"
#include "moebius/compute_options.h"
#include "quant/format.h"

namespace moebius::internal {

// How the rows of a matrix lie in the checkpoint.
struct WeightFormat {
  DType dtype = DType::kF32;  // kF32, kF16, kBF16: dense; kU32: quantized, as `quant` says
  QuantFormat quant;

  [[nodiscard]] bool is_quantized() const { return dtype == DType::kU32; }
  [[nodiscard]] int64_t weight_row_bytes(int64_t cols) const {
    return is_quantized() ? code_row_bytes(quant, cols) : cols * size_bytes(dtype);
  }
  // The bytes of the scales, and of the biases, of one row; 0 when the format has none.
  [[nodiscard]] int64_t scale_row_bytes(int64_t cols) const {
    return is_quantized() ? moebius::internal::scale_row_bytes(quant, cols) : 0;
  }
  [[nodiscard]] int64_t bias_row_bytes(int64_t cols) const {
    return is_quantized() ? moebius::internal::bias_row_bytes(quant, cols) : 0;
  }
  [[nodiscard]] int64_t row_bytes(int64_t cols) const {
    return weight_row_bytes(cols) + scale_row_bytes(cols) + bias_row_bytes(cols);
  }
  friend bool operator==(const WeightFormat&, const WeightFormat&) = default;
};

// Rows of a matrix as they stand in the checkpoint. The backend reads each row once, in any order, and several threads
// may read at once. The buffers hold count * weight_row_bytes, count * scale_row_bytes and count * bias_row_bytes; a
// buffer of 0 bytes is null. Scales of mxfp4 are at most kMxfp4LargestScale.
class RowSource {
 public:
  virtual ~RowSource() = default;
  struct Rows {
    std::byte* weights;
    std::byte* scales;
    std::byte* biases;
  };
  virtual void read(int64_t first, int64_t count, const Rows& out) const = 0;
};

struct MatrixSpec {
  std::string name;  // for messages
  int64_t rows = 0;  // outputs
  int64_t cols = 0;  // inputs
  WeightFormat format;
  ActivationKind activations = ActivationKind::kInt8;
};

// The taps of a causal depthwise convolution, [channels, kernel].
struct ConvolutionSpec {
  int64_t channels = 0;
  int64_t kernel = 0;
};

// `count` experts of one width. gate and up [count * width, dim] share a format; down [count * dim, width] has its own.
struct ExpertGroupSpec {
  int64_t count = 0;
  int64_t width = 0;  // F
  WeightFormat gate_up;
  WeightFormat down;
  const RowSource* gate_rows = nullptr;
  const RowSource* up_rows = nullptr;
  const RowSource* down_rows = nullptr;
};

struct ExpertsSpec {
  std::string name;
  int64_t dim = 0;  // D
  ExpertGroupSpec routed;
  ExpertGroupSpec shared;  // count 0 or 1; entry E of the expert table
};

// Memory for packed weights that outlives the process: a file (load/packed_file.h). A backend that packs into memory of
// its own ignores it.
class WeightStore {
 public:
  virtual ~WeightStore() = default;
  struct Place {
    uint8_t* data = nullptr;  // 64-byte aligned; null: the store has no place, and the backend uses its own memory
    bool filled = false;      // true: already holds the packed bytes and is read-only; false: all bytes are zero
  };
  // `name` identifies the weights; it is unique in a model. Throws kBadTensor when the file has no entry of this name,
  // or a shorter one.
  virtual Place place(const std::string& name, int64_t bytes) = 0;
};

// Handles, made and understood by one backend.
struct Matrix {
  int32_t id = -1;
};
struct Experts {
  int32_t id = -1;
};
struct Convolution {
  int32_t id = -1;
};

class WeightLoader {
 public:
  virtual ~WeightLoader() = default;

  // upload_matrix() and upload_experts() throw kUnsupported for a format that the backend lacks. They also pass on what
  // the source throws.
  virtual Matrix upload_matrix(const MatrixSpec& spec, const RowSource& rows) = 0;
  virtual Experts upload_experts(const ExpertsSpec& spec) = 0;
  virtual Convolution upload_convolution(const ConvolutionSpec& spec, std::span<const float> taps) = 0;
  // Uploads f32 values that are used as they are: norms, gates, tables of angles.
  virtual Tensor upload_table(std::span<const float> values, int64_t rows, int64_t cols) = 0;
  [[nodiscard]] virtual int64_t packed_bytes() const = 0;  // bytes of all packed matrices and experts in memory
};

}  // namespace moebius::internal
