// The operations of a step: about a dozen coarse passes over memory. Activations are f32 and row-major, one row a
// token. Letters: T tokens (rows), D model dim, H and K query and key/value heads, E experts, F expert hidden, V vocab.
// Numerics: docs/numerics.md (N1 to N9).
//
// A step calls stage() once, run() with everything that the model enqueues, sample() and keep() for the rows that
// tokens are drawn from, and wait() once. Operations only enqueue: they return before the work is done, and read no
// device value on the host. They allocate nothing, because reserve() has allocated for the largest step. A device can
// therefore record what run() enqueues and replay it for every later step of the same shape.
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

// The RMSNorm (N6) that an operation applies to its input.
struct Norm {
  Tensor weight;  // [1, N], the factor itself (1 + w already added); without memory there is no norm
  float eps = 0;
};

// Rows [T, N] that an operation reads. Where a norm is given, the operation applies it: a separate pass would cost one
// more kernel or barrier.
struct Input {
  Tensor x;
  Norm norm = {};
  QuantizedRows quantized = {};  // the rows of x, quantized by the operation that wrote x; never normed
};

// Rows [T, N] that an operation writes. If `quantized` has a place, the operation may also write the same rows there,
// quantized (N3). The next linear() then need not quantize them.
struct MixedRows {
  Tensor x;
  QuantizedRows quantized = {};
};

enum class Write : uint8_t {
  kReplace,
  kAdd,  // the tensor is input and output: the complete sum (of N9 or of a product) is added to it (a residual)
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

// The largest step that will be asked for. A shape of zeros stands for layers that the model lacks.
struct StepLimits {
  int64_t rows = 0;
  int64_t sequences = 0;
  int64_t logit_rows = 0;
  AttentionShape attention = {};
  DeltaShape delta = {};
  RouterShape router = {};
};

// Everything, except the staged batch, that decides which operations a step enqueues and on which tensors.
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

  // Allocates the memory for steps within these limits. The caller calls it after the last upload. No function below
  // allocates.
  virtual void reserve(const StepLimits& limits) = 0;

  // ---- a step
  virtual Batch stage(const BatchSpec& spec) = 0;
  // Calls `enqueue`, which calls operations. If the backend has recorded a step of this shape, it may repeat the
  // recorded operations on the batch that is staged now, and not call `enqueue`. `enqueue` may therefore depend on
  // nothing but the shape; a backend carries one model. backend/testing/step_recorder.h is such a recorder.
  virtual void run(const StepShape& /*shape*/, const std::function<void()>& enqueue) { enqueue(); }

  virtual void embed(Tensor out, Batch batch, Matrix table) = 0;  // out [T, D]: table rows of the staged tokens
  virtual void rms_norm(Tensor out, Tensor x, const Norm& norm) = 0;
  // Computes several projections of the same x [T, D] in one pass. x is normed and quantized once.
  virtual void linear(std::span<const Projection> projections, const Input& x) = 0;
  virtual void attention(const MixedRows& out, const AttentionArgs& args, Batch batch) = 0;  // out [T, H * head_dim]
  virtual void delta_net(const MixedRows& out, const DeltaNetArgs& args, Batch batch) = 0;   // out [T, Hv * Dv]
  // Advances the states by the tokens that the logs of the batch hold. The states get the same bits that delta_net()
  // gave them. There is no result. The rows in args (qkv, z, b, a) are not read.
  virtual void replay_delta_net(const DeltaNetArgs& args, Batch batch) = 0;
  // Decides which experts each row takes, and with which weights (N9). Only the backend knows what `out` contains.
  virtual void router(Routing out, const Input& x, const RouterArgs& args) = 0;
  // out [T, D] = sum over slots of weight * down(silu(gate x) * up x), ascending id, the shared expert last (N9). A
  // routing of id -1 means that the table is a dense MLP: every row takes its only entry, with weight 1.
  virtual void experts(const Output& out, const Input& x, Routing routing, Experts experts, ExpertPath path) = 0;
  // expert_slots() and combine() are the two halves of experts(), for experts that are spread over several machines.
  // expert_slots() writes the result of the expert in slot s of row t to row t * slots + s of out [T * slots, D], if
  // that expert is in `range`. It leaves the other rows of out unchanged.
  virtual void expert_slots(Tensor out, const Input& x, Routing routing, Experts experts, ExpertRange range) = 0;
  virtual void combine(const Output& out, Tensor slots, Routing routing) = 0;  // the sum of N9 over all slots
  virtual void gather_logit_rows(Tensor out, Tensor x, Batch batch) = 0;       // out [logit rows, D], x [T, D]
  virtual void concat(Tensor out, const Input& a, const Input& b) = 0;  // out [T, A + B]: row t of a, then row t of b

  // ---- behind a step
  // Draws a token for every wanted row of logits [logit rows, V], by the rules of sample/, and compares it with the
  // draft at that row. kept i32 [batch.sequences, 1] receives, for each sequence that is drawn from, how many of its
  // rows stay; the entries of other sequences are untouched. `draws` has an entry for each entry of `sequences`. The
  // entries are complete after the next wait().
  virtual void sample(Tensor kept, Tensor logits, Batch batch, std::span<const SequenceSampling> sequences,
                      std::span<SequenceDraws> draws) = 0;
  // For each sequence of the batch whose rows are drafts, keeps the first `kept` rows and takes back the others. The
  // state then has the same bits as if it had never seen the others. Keys and values need no work: the next step
  // overwrites them.
  virtual void keep(Batch batch, Tensor kept) = 0;
  // Waits until everything that was enqueued is done.
  virtual void wait() = 0;
};

}  // namespace moebius::internal
