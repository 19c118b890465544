// What measurements and tests ask of a backend, and nothing that serves a request does.
#pragma once

#include <cstdint>
#include <span>

#include "backend/memory.h"

namespace moebius::internal {

// What the operations had to move, by what they moved, and how often they waited.
struct Traffic {
  int64_t weight_bytes = 0;
  int64_t state_bytes = 0;  // recurrent state and convolution rows, read and written
  int64_t kv_bytes = 0;
  int64_t expert_layers = 0;     // calls of experts()
  int64_t distinct_experts = 0;  // routed experts touched, summed over those calls
  int64_t barriers = 0;          // times that the threads waited for each other
  int64_t int8_macs = 0;         // multiply-adds of int8 activations with quantized weights

  [[nodiscard]] int64_t bytes() const { return weight_bytes + state_bytes + kv_bytes; }

  Traffic& operator+=(const Traffic& other);
  friend Traffic operator-(const Traffic& now, const Traffic& before);
};

class Probes {
 public:
  virtual ~Probes() = default;

  // Since the backend began; readers subtract what they saw before.
  [[nodiscard]] virtual Traffic traffic() const = 0;
  // int8 multiply-adds a second that all threads can do on data in registers, measured now; 0 when there is no such
  // way.
  virtual double measure_int8_macs() = 0;
  // Keys and values of positions [0, seen) again and again up to `positions`, so that a long context costs no long
  // prompt.
  virtual void repeat_context(State state, int64_t seen, int64_t positions) = 0;
  // Experts and weights of the first rows of a routing, [rows, slots]: ids ascending, the shared expert (id E) last.
  virtual void write_routing(Routing routing, std::span<const int32_t> ids, std::span<const float> weights) = 0;
  virtual void read_routing(std::span<int32_t> ids, std::span<float> weights, Routing routing) = 0;
};

}  // namespace moebius::internal
