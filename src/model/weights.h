// A WeightBinder binds canonical tensor names to the weights of a model, in two passes. The first pass binds
// everything: each call checks presence, dtype and shape, and reads nothing. The second pass uploads everything in one
// stream. This file knows what becomes of a tensor (matrix, vector, norm with its +1, convolution, experts). It does
// not know which tensors a model has: decoder.cpp, attention.cpp, delta_net.cpp, mlp.cpp and mtp.cpp do.
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

  // Each bind function names a tensor, and upload() fills `out`. `out` must not move until then.
  struct MatrixShape {
    int64_t rows, cols;
  };
  void matrix(Matrix& out, const std::string& module, MatrixShape shape,
              ActivationKind activations = ActivationKind::kInt8);
  // Binds runs of rows of a module, one after another, as a matrix. name: how the backend calls the matrix.
  struct RowRun {
    int64_t first, count;
  };
  struct MatrixRows {
    std::string module;
    MatrixShape shape;  // shape of the whole module
    std::vector<RowRun> runs;
  };
  void matrix(Matrix& out, const std::string& name, const MatrixRows& rows,
              ActivationKind activations = ActivationKind::kInt8);
  void vector(Tensor& out, const std::string& name, int64_t size);  // [1, size], widened to f32 and not changed
  // Binds the weight of an RMSNorm, [1, size]. A family with zero-centred norms gets 1 + w from a raw checkpoint, and w
  // from a converted one.
  void norm(Tensor& out, const std::string& name, int64_t size);
  // Binds a convolution, [channels, 1, taps] (raw) or [channels, taps, 1] (converted). This shape is the only sign that
  // tells a raw checkpoint from a converted one.
  void convolution(Convolution& out, const std::string& name, int64_t channels, int64_t taps);
  // Says whether the checkpoint is raw. Needed where no convolution tells.
  void set_raw(bool raw) { raw_ = raw; }
  // Binds routed experts, in any form of expert_forms.h, and the shared expert. mlp: "model.layers.3.mlp".
  void experts(Experts& out, const std::string& mlp, const ExpertsShape& shape);
  // Binds {gate,up,down}_proj of a dense MLP as a table of one routed expert. shape: [F, D].
  void dense_mlp(Experts& out, const std::string& mlp, MatrixShape shape);
  [[nodiscard]] bool has(const std::string& name) const { return tensors_.has(name); }
  [[nodiscard]] std::string where(const std::string& name) const;  // place of a present tensor, for messages
  // Allows tensors of this module to be present although nothing binds them.
  void skip_module(const std::string& module) { tensors_.skip_module(module); }

  // Called after the last binding. Refuses unknown tensors. Refuses zero-centred norms when nothing tells whether the
  // checkpoint is raw.
  void check_complete() const;
  // Uploads everything in one streaming pass. Call it once.
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
  std::optional<bool>
      raw_;  // true: norms and convolutions as in Hugging Face files; the first convolution or set_raw() sets it
};

}  // namespace moebius::internal
