// Memory of a backend: buffers, and what sequences keep between steps. Only the thread that runs steps calls this
// interface. A device executes these calls behind the operations that were enqueued before. The caller creates and
// frees nothing between stage() and the last operation of its batch.
#pragma once

#include <cstdint>
#include <span>

#include "backend/state.h"
#include "backend/tensor.h"

namespace moebius::internal {

// A place for rows of activations that the backend quantized (N3). Its size is fixed when it is made. Only the backend
// looks into it.
struct QuantizedRows {
  int32_t id = -1;
};
// The experts, and their weights, that a router chose for the rows of a step.
struct Routing {
  int32_t id = -1;
};

class Memory {
 public:
  virtual ~Memory() = default;

  // ---- buffers
  virtual Tensor allocate(DType dtype, int64_t rows, int64_t cols) = 0;  // zeroed
  virtual void free(Tensor tensor) = 0;                                  // takes exactly what allocate() returned
  virtual void write(Tensor out, const void* host) = 0;                  // host -> device; copies the bytes of the host
  virtual void read(void* host, Tensor x) = 0;                           // device -> host; waits for what was enqueued
  virtual void copy(Tensor out, Tensor x) = 0;  // f32 or i32; both have one shape and do not overlap
  // The workspace of a model needs these two. What they return lives as long as the backend.
  virtual QuantizedRows allocate_quantized(int64_t rows, int64_t cols) = 0;
  virtual Routing allocate_routing(int64_t rows, int64_t slots) = 0;

  // ---- recurrent state, keys and values
  virtual State create_state(const StateSpec& spec) = 0;  // zeroed
  virtual void reset_state(State state) = 0;              // back to position 0
  // Overwrites the convolution rows and S of `to` with those of `from`. Keys and values are not copied. A snapshot is
  // kept in a state without pages (context 0). Neither state has draft rows pending.
  virtual void copy_recurrent(State to, State from) = 0;
  virtual void free_state(State state) = 0;

  virtual KvPage create_page(const StateSpec& spec) = 0;  // for states of this spec with any context; zeroed
  virtual void copy_page(KvPage to, KvPage from) = 0;
  virtual void free_page(KvPage page) = 0;
  // Sets the pages in which a state of context 0 keeps the positions [0, pages.size() * kPagePositions). The list is
  // copied. The caller keeps the pages alive as long as the state uses them.
  virtual void set_pages(State state, std::span<const KvPage> pages) = 0;

  // Creates a log for at most `capacity` tokens of a state of this spec. The spec has delta layers.
  virtual DeltaLog create_log(const StateSpec& spec, int64_t capacity) = 0;
  virtual void free_log(DeltaLog log) = 0;
};

}  // namespace moebius::internal
