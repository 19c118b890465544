// Binds canonical tensor names to the weights of a model in two passes: bind everything (each call checks presence,
// dtype and shape and reads nothing), then upload everything in one stream. Lives here: what becomes of a tensor
// (matrix, vector, norm with its +1, convolution, experts). Does not live here: which tensors a model has
// (attention.cpp, delta_net.cpp, mlp.cpp, the family files).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backend/weights.h"
#include "model/checked_dir.h"
#include "model/config.h"
#include "model/load_meter.h"
#include "model/row_sources.h"

namespace moebius::internal {

struct ExpertsShape {
  int64_t dim = 0;           // D
  int64_t experts = 0;       // E
  int64_t width = 0;         // F of a routed expert
  int64_t shared_width = 0;  // F of the shared expert, 0 without one
};

class WeightBinder {
 public:
  WeightBinder(const ModelDir& directory, NormForm norms) : tensors_(directory), norms_(norms) {}

  // Each of these names a tensor now and fills `out` in upload(); `out` must stay where it is until then.
  struct MatrixShape {
    int64_t rows, cols;
  };
  void matrix(Matrix& out, const std::string& module, MatrixShape shape,
              ActivationKind activations = ActivationKind::kInt8);
  // The same of some rows of a module: runs of them, one after another. name: what the backend is to call it.
  struct RowRun {
    int64_t first, count;
  };
  struct MatrixRows {
    std::string module;
    MatrixShape shape;  // of the whole module
    std::vector<RowRun> runs;
  };
  void matrix(Matrix& out, const std::string& name, const MatrixRows& rows,
              ActivationKind activations = ActivationKind::kInt8);
  void vector(Tensor& out, const std::string& name, int64_t size);  // as it stands, widened to f32: [1, size]
  // An RMSNorm, [1, size]. In a family that keeps them zero-centred: 1 + w when the checkpoint is raw, w when it is
  // converted.
  void norm(Tensor& out, const std::string& name, int64_t size);
  // [channels, 1, taps] (raw) or [channels, taps, 1] (converted); the one signal that tells the two conventions apart.
  void convolution(Convolution& out, const std::string& name, int64_t channels, int64_t taps);
  // Where there is no convolution to tell.
  void set_raw(bool raw) { raw_ = raw; }
  // Routed experts in any of the four forms, and the shared one. mlp: "model.layers.3.mlp".
  void experts(Experts& out, const std::string& mlp, const ExpertsShape& shape);
  // {gate,up,down}_proj of a dense MLP as a table of one routed expert. shape: [F, D].
  void dense_mlp(Experts& out, const std::string& mlp, MatrixShape shape);
  [[nodiscard]] bool has(const std::string& name) const { return tensors_.has(name); }
  [[nodiscard]] std::string where(const std::string& name) const;  // of a tensor that is there, for messages
  // Tensors of this module may be there and are not wanted.
  void skip_module(const std::string& module) { tensors_.skip_module(module); }

  // After the last binding: refuses unknown tensors, and centred norms without a convolution to tell their convention.
  void check_complete() const;
  // One streaming pass. Once.
  void upload(WeightLoader& loader, const LoadMeter::Callback& progress);

 private:
  struct BoundMatrix {
    Matrix* out;
    std::string name;
    CheckpointRows rows;
    ActivationKind activations;
  };
  struct BoundVector {
    Tensor* out;
    const ModelDir::Entry* entry;
    bool centred = false;  // a norm that may lack its +1
  };
  struct BoundConvolution {
    Convolution* out;
    const ModelDir::Entry* entry;
    ConvolutionSpec spec;
  };
  struct ExpertRows {
    CheckpointRows gate, up, down;
  };
  struct BoundExperts {
    Experts* out;
    std::string name;
    ExpertsShape shape;
    ExpertRows routed;
    std::optional<ExpertRows> shared;
  };

  ExpertRows routed_rows(const std::string& mlp, const ExpertsShape& shape);
  ExpertRows single_rows(const std::string& path, MatrixShape shape);
  void bind_experts(BoundExperts bound);
  static ExpertGroupSpec group_spec(const ExpertRows& rows, int64_t count, int64_t width);

  [[nodiscard]] std::vector<float> read_floats(const ModelDir::Entry& entry) const;
  void upload_vector(WeightLoader& loader, const BoundVector& bound) const;
  static void upload_experts(WeightLoader& loader, const BoundExperts& bound);

  CheckedDir tensors_;
  NormForm norms_;
  std::vector<BoundMatrix> matrices_;
  std::vector<BoundVector> vectors_;
  std::vector<BoundConvolution> convolutions_;
  std::vector<BoundExperts> experts_;
  std::optional<bool> raw_;  // norms and convolution as Hugging Face keeps them; set by the first convolution
};

}  // namespace moebius::internal
