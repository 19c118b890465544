// For tests: a tiny checkpoint on disk, loaded on a backend. This header is not part of any library.
#pragma once

#include <filesystem>
#include <memory>
#include <utility>

#include "backend/reference/reference.h"
#include "model/model.h"
#include "model/testing/tiny_checkpoint.h"

namespace moebius::internal::testing {

class TinyModel {
 public:
  explicit TinyModel(const Json& config = tiny_config(), const TinyTensors& tensors = tiny_tensors(),
                     const ModelOptions& options = {}, std::unique_ptr<Backend> backend = make_reference_backend())
      : backend_(std::move(backend)) {
    write_checkpoint(directory_, config, tensors);
    model_ = load_model(Checkpoint(directory_.path()), *backend_, options);
  }

  [[nodiscard]] Model& model() { return *model_; }
  [[nodiscard]] Backend& backend() { return *backend_; }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Model> model_;
};

}  // namespace moebius::internal::testing
