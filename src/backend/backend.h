// A backend is four interfaces, cut by purpose. A model's forward pass is written once, over these interfaces. The
// `reference` backend implements them in plain loops and is the specification: every other backend is compared with it
// bit by bit (parity/).
//
//   weights.h      at load: matrices, experts, convolutions, tables
//   memory.h       between steps: buffers, and what sequences keep (states, pages, logs)
//   operations.h   a step: the operations over a staged batch, and the draw of tokens from it
//   probes.h       calls for measurements and tests only
#pragma once

#include "backend/memory.h"
#include "backend/operations.h"
#include "backend/probes.h"
#include "backend/weights.h"

namespace moebius::internal {

class Backend {
 public:
  virtual ~Backend() = default;

  virtual WeightLoader& weights() = 0;
  virtual Memory& memory() = 0;
  virtual Operations& operations() = 0;
  virtual Probes& probes() = 0;
};

}  // namespace moebius::internal
