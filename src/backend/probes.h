// What measurements and tests ask of a backend. Code that serves requests does not use it.
#pragma once

#include <cstdint>
#include <span>

#include "backend/memory.h"

namespace moebius::internal {

// How many bytes the operations had to move, by kind of data, and how often the threads waited.
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

  // The traffic since the backend was made. Readers subtract an earlier value.
  [[nodiscard]] virtual Traffic traffic() const = 0;
  // Measures how many int8 multiply-adds a second all threads together can do on data in registers. Returns 0 if the
  // backend has no int8 multiply-adds.
  virtual double measure_int8_macs() = 0;
  // Copies the keys and values of positions [0, seen) again and again, up to `positions`. A measurement gets a long
  // context without a long prompt.
  virtual void repeat_context(State state, int64_t seen, int64_t positions) = 0;
  // These two access the experts and weights of the first rows of a routing, [rows, slots]. The ids of a row ascend;
  // the shared expert (id E) is last.
  virtual void write_routing(Routing routing, std::span<const int32_t> ids, std::span<const float> weights) = 0;
  virtual void read_routing(std::span<int32_t> ids, std::span<float> weights, Routing routing) = 0;
};

}  // namespace moebius::internal
