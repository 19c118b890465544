// The operations of a step: about a dozen coarse passes over memory. Activations are f32 and row-major, one row a
// token. Letters: T tokens (rows), D model dim, H and K query and key/value heads, E experts, F expert hidden, V vocab.
// Numerics: docs/numerics.md (N1 to N9).
//
// A step: stage() once; run() with everything that the model enqueues; sample() and keep() for the rows that are drawn
// from; wait() once. Operations enqueue: they return before they are done, read no device value on the host, and
// allocate nothing, because reserve() has allocated for the largest step. So a device can record what run() enqueues
// and replay it for every later step of the same shape.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "backend/batch.h"
#include "backend/memory.h"
#include "backend/shapes.h"
#include "backend/tensor.h"
#include "backend/weights.h"
#include "moebius/compute_options.h"
#include "sample/draw_sequence.h"

namespace moebius::internal {

// ---- what operations read and write

// RMSNorm (N6) of what an operation reads.
struct Norm {
  Tensor weight;  // [1, N], the factor itself (1 + w already added); no memory: there is no norm
  float eps = 0;
};

// Rows [T, N] that an operation reads, normed by itself where a norm is given: a pass of its own would be a kernel or
// a barrier more.
struct Input {
  Tensor x;
  Norm norm = {};
  QuantizedRows quantized = {};  // the rows of x again (memory.h), from the operation that wrote them; never normed
};

// Rows [T, N] that an operation writes, and beside them, where there is a place, the same rows quantized (N3), which
// the operation may fill: the next linear() then need not.
struct MixedRows {
  Tensor x;
  QuantizedRows quantized = {};
};

enum class Write : uint8_t {
  kReplace,
  kAdd,  // in and out: the sum of N9 or of a product, complete, is added to what stands there (a residual)
};

struct Output {
  Tensor x;  // [T, N]
  Write write = Write::kReplace;
};

// ---- arguments

struct Projection {
  Output out;     // [T, N]
  Matrix weight;  // [N, D]
};

// Full attention with per-head q/k RMSNorm, partial rotate-half RoPE and an optional sigmoid output gate (N6, N7).
struct AttentionArgs {
  AttentionShape shape;
  Tensor q;               // [T, H * head_dim], or [T, H * 2 * head_dim] when gated
  Tensor k, v;            // [T, K * head_dim]
  Tensor q_norm, k_norm;  // [1, head_dim], the factor itself
  Tensor rope;            // [context, rotary_dim]: per position rotary_dim / 2 cosines, then as many sines
  float scale = 0, eps = 0;
  int64_t layer = 0;  // index among the attention layers of the state
};

// GatedDeltaNet between its projections: causal conv + SiLU, L2 norms, gates, delta rule, gated RMSNorm (N6, N8).
struct DeltaNetArgs {
  DeltaShape shape;
  Tensor qkv;             // [T, conv_dim]: q [Hk * Dk], k [Hk * Dk], v [Hv * Dv] before the convolution
  Tensor z;               // [T, Hv * Dv]
  Tensor b, a;            // [T, Hv]
  Convolution conv;       // [conv_dim, conv_kernel]
  Tensor a_log, dt_bias;  // [1, Hv]
  Tensor norm;            // [1, Dv]
  float eps = 0;
  bool sigmoid_gate = false;  // output_gate_type "sigmoid"; default is SiLU of z
  int64_t layer = 0;          // index among the delta layers of the state
};

struct RouterArgs {
  RouterShape shape;
  Matrix router;       // [E, D]
  Matrix shared_gate;  // [1, D] with a shared expert
  bool renormalize = true;
};

// Entries [first, first + count) of an expert table; entry E is the shared expert.
struct ExpertRange {
  int64_t first = 0;
  int64_t count = 0;
};

// ---- steps

// The largest step that will be asked for; a shape of zeros is of layers that the model lacks.
struct StepLimits {
  int64_t rows = 0;
  int64_t sequences = 0;
  int64_t logit_rows = 0;
  AttentionShape attention = {};
  DeltaShape delta = {};
  RouterShape router = {};
};

// All that decides, beside the staged batch, which operations a step enqueues and on which tensors.
struct StepShape {
  enum class Program : uint8_t { kForward, kDraftHead, kReplay };
  Program program = Program::kForward;
  ExpertPath path = ExpertPath::kFused;
  int64_t rows = 0;
  int64_t logit_rows = 0;
  friend auto operator<=>(const StepShape&, const StepShape&) = default;
};

class Operations {
 public:
  virtual ~Operations() = default;

  // After the last upload: memory for steps within these limits. Nothing below allocates.
  virtual void reserve(const StepLimits& limits) = 0;

  // ---- a step
  virtual Batch stage(const BatchSpec& spec) = 0;
  // Calls `enqueue`, which calls operations; or, where a step of this shape was recorded, repeats what it enqueued on
  // the batch that is staged now. `enqueue` may read nothing that the shape does not decide: a backend carries one
  // model. backend/testing/step_recorder.h is such a recorder.
  virtual void run(const StepShape& /*shape*/, const std::function<void()>& enqueue) { enqueue(); }

  virtual void embed(Tensor out, Batch batch, Matrix table) = 0;  // out [T, D]: rows of the staged tokens
  virtual void rms_norm(Tensor out, Tensor x, const Norm& norm) = 0;
  // Several projections of the same x [T, D] in one pass: x is normed and quantized once.
  virtual void linear(std::span<const Projection> projections, const Input& x) = 0;
  virtual void attention(const MixedRows& out, const AttentionArgs& args, Batch batch) = 0;  // out [T, H * head_dim]
  virtual void delta_net(const MixedRows& out, const DeltaNetArgs& args, Batch batch) = 0;   // out [T, Hv * Dv]
  // The states take in what the logs of the batch hold, as delta_net() did: bit for bit, and without z or a result.
  // Of args, the rows (qkv, z, b, a) are not looked at.
  virtual void replay_delta_net(const DeltaNetArgs& args, Batch batch) = 0;
  // Which experts each row takes, and how much of each (N9). What stands in `out` is the backend's own business.
  virtual void router(Routing out, const Input& x, const RouterArgs& args) = 0;
  // out [T, D] = sum over slots of weight * down(silu(gate x) * up x), ascending id, the shared expert last (N9). A
  // routing of id -1: the table is a dense MLP, of which every row takes its one entry whole.
  virtual void experts(const Output& out, const Input& x, Routing routing, Experts experts, ExpertPath path) = 0;
  // The two halves of experts(), for experts that are spread over several machines. Row t * slots + s of out
  // [T * slots, D] is what the expert in slot s of row t says, for experts in `range`; the other rows stay.
  virtual void expert_slots(Tensor out, const Input& x, Routing routing, Experts experts, ExpertRange range) = 0;
  virtual void combine(const Output& out, Tensor slots, Routing routing) = 0;  // the sum of N9 over all slots
  virtual void gather_logit_rows(Tensor out, Tensor x, Batch batch) = 0;       // out [logit rows, D], x [T, D]
  virtual void concat(Tensor out, const Input& a, const Input& b) = 0;  // out [T, A + B]: each row of a, then that of b

  // ---- behind a step
  // Draws a token for every wanted row of logits [logit rows, V], by the rules of sample/, and compares it with the
  // draft that stands there. kept i32 [batch.sequences, 1]: for each sequence that is drawn from, how many of its rows
  // stay; untouched for the others. `draws` has an entry for each of `sequences`, filled by the next wait().
  virtual void sample(Tensor kept, Tensor logits, Batch batch, std::span<const SequenceSampling> sequences,
                      std::span<SequenceDraws> draws) = 0;
  // For each sequence of the batch whose rows are drafts: the first kept rows stay, and its state is bit for bit as if
  // the others had never been. Keys and values need nothing: the next step writes over them.
  virtual void keep(Batch batch, Tensor kept) = 0;
  // Until everything that was enqueued is done.
  virtual void wait() = 0;
};

}  // namespace moebius::internal
