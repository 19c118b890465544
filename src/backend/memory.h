// Memory of a backend: buffers, and what sequences keep between steps. The one thread that steps calls all of this, and
// a device orders it behind what was enqueued. Nothing is created or freed between stage() and the last operation of
// its batch.
#pragma once

#include <cstdint>
#include <span>

#include "backend/state.h"
#include "backend/tensor.h"

namespace moebius::internal {

// Rows of activations as a backend quantizes them (N3), for at most the rows and columns that it was made for. Only the
// backend looks into it.
struct QuantizedRows {
  int32_t id = -1;
};
// What a router decided for the rows of a step.
struct Routing {
  int32_t id = -1;
};

class Memory {
 public:
  virtual ~Memory() = default;

  // ---- buffers
  virtual Tensor allocate(DType dtype, int64_t rows, int64_t cols) = 0;  // zeroed
  virtual void free(Tensor tensor) = 0;                                  // as allocate() gave it
  virtual void write(Tensor out, const void* host) = 0;                  // host -> device; the host's bytes are copied
  virtual void read(void* host, Tensor x) = 0;                           // device -> host; waits for what was enqueued
  virtual void copy(Tensor out, Tensor x) = 0;  // f32 or i32, both of one shape; they do not overlap
  // For the workspace of a model: these live as long as the backend.
  virtual QuantizedRows allocate_quantized(int64_t rows, int64_t cols) = 0;
  virtual Routing allocate_routing(int64_t rows, int64_t slots) = 0;

  // ---- recurrent state, keys and values
  virtual State create_state(const StateSpec& spec) = 0;  // zeroed
  virtual void reset_state(State state) = 0;              // back to position 0
  // Convolution rows and S of `from` over those of `to`; keys and values stay where they are. A state without pages
  // (context 0) is what a snapshot is kept in; neither has draft rows pending.
  virtual void copy_recurrent(State to, State from) = 0;
  virtual void free_state(State state) = 0;

  virtual KvPage create_page(const StateSpec& spec) = 0;  // for states of this spec, whatever their context; zeroed
  virtual void copy_page(KvPage to, KvPage from) = 0;
  virtual void free_page(KvPage page) = 0;
  // Where the state keeps positions [0, pages * kPagePositions): for a state of context 0. The list is copied; the
  // pages outlive their use.
  virtual void set_pages(State state, std::span<const KvPage> pages) = 0;

  // For at most `capacity` tokens, of states of this spec with delta layers.
  virtual DeltaLog create_log(const StateSpec& spec, int64_t capacity) = 0;
  virtual void free_log(DeltaLog log) = 0;
};

}  // namespace moebius::internal
