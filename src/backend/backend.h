// What a backend is: about twenty coarse operations, each a pass over memory, and opaque storage for weights and state.
// A model's forward pass is written once, over this interface; `reference` implements it in plain loops and is the
// specification; every other backend is compared with it bit by bit (parity_test.cpp).
//
// Contract: uploads happen at load and pack once. reserve() then allocates every scratch buffer; the operations of a
// step allocate nothing, enqueue only, and read no device value on the host (routing stays on the device). Only read()
// waits. Activations are f32 and row-major: one row a token. Letters: T tokens (rows), D model dim, H/K query/kv heads,
// E experts, F expert hidden, V vocab. Numerics: docs/numerics.md (N1-N9).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/dtype.h"
#include "base/tensor.h"
#include "quant/format.h"

namespace moebius {

// ---- weights

// How the rows of a matrix lie in the checkpoint.
struct WeightFormat {
  DType dtype = DType::kF32;  // kF32, kF16, kBF16: dense; kU32: quantized, as `quant` says
  QuantFormat quant;

  [[nodiscard]] bool is_quantized() const { return dtype == DType::kU32; }
  [[nodiscard]] int64_t weight_row_bytes(int64_t cols) const {
    return is_quantized() ? code_row_bytes(quant, cols) : cols * size_bytes(dtype);
  }
  // Of the scales and of the biases of one row; 0 when there are none.
  [[nodiscard]] int64_t scale_row_bytes(int64_t cols) const {
    return is_quantized() ? moebius::scale_row_bytes(quant, cols) : 0;
  }
  [[nodiscard]] int64_t bias_row_bytes(int64_t cols) const {
    return is_quantized() ? moebius::bias_row_bytes(quant, cols) : 0;
  }
  [[nodiscard]] int64_t row_bytes(int64_t cols) const {
    return weight_row_bytes(cols) + scale_row_bytes(cols) + bias_row_bytes(cols);
  }
  friend bool operator==(const WeightFormat&, const WeightFormat&) = default;
};

// Rows of a matrix as they stand in the checkpoint, read when the backend asks for them: in any order, by several
// threads at once, each row once. The buffers hold count * weight_row_bytes, count * scale_row_bytes and count *
// bias_row_bytes (null when that is 0). Scales of mxfp4 are at most kMxfp4LargestScale.
class RowSource {
 public:
  virtual ~RowSource() = default;
  struct Rows {
    std::byte* weights;
    std::byte* scales;
    std::byte* biases;
  };
  virtual void read(int64_t first, int64_t count, const Rows& out) const = 0;
};

// What the activations of a matmul with this matrix are (N2 or N4). Dense weights always take f32.
enum class ActivationKind : uint8_t { kInt8, kF32 };

struct MatrixSpec {
  std::string name;  // for messages
  int64_t rows = 0;  // outputs
  int64_t cols = 0;  // inputs
  WeightFormat format;
  ActivationKind activations = ActivationKind::kInt8;
};

// `count` experts of one width: gate and up [count * width, dim] in one format, down [count * dim, width] in its own.
struct ExpertGroupSpec {
  int64_t count = 0;
  int64_t width = 0;  // F
  WeightFormat gate_up;
  WeightFormat down;
  const RowSource* gate_rows = nullptr;
  const RowSource* up_rows = nullptr;
  const RowSource* down_rows = nullptr;
};

struct ExpertsSpec {
  std::string name;
  int64_t dim = 0;  // D
  ExpertGroupSpec routed;
  ExpertGroupSpec shared;  // count 0 or 1; entry E of the expert table
};

// Memory for packed weights that does not end with the process: a file (load/packed_file.h). A backend that packs
// into memory of its own ignores it.
class WeightStore {
 public:
  virtual ~WeightStore() = default;
  struct Place {
    uint8_t* data = nullptr;  // 64-byte aligned; null: there is none, use your own
    bool filled = false;      // holds the packed bytes already and must not be written to; otherwise zero
  };
  // name: of the weights, unique in a model. Throws kBadTensor when the file has other bytes under this name.
  virtual Place place(const std::string& name, int64_t bytes) = 0;
};

struct Matrix {
  int32_t id = -1;
};  // handles, made and understood by one backend
struct Experts {
  int32_t id = -1;
};
struct State {
  int32_t id = -1;
};  // caches of one sequence
// Keys and values of kPagePositions positions, in all attention layers. Several states may see one page; a page that
// more than one sees is only read.
struct KvPage {
  int32_t id = -1;
};

// ---- state

// Positions of a page, and where it begins: a multiple of them. The block of N7.
inline constexpr int64_t kPagePositions = 256;

// Caches of one sequence: keys and values of the full-attention layers, convolution rows and S of the linear ones.
struct StateSpec {
  int64_t context = 0;           // positions whose pages the state makes and owns; 0: its pages come by set_pages()
  DType kv_dtype = DType::kF32;  // kF32 or kF16
  int64_t attention_layers = 0, kv_heads = 0, head_dim = 0;
  int64_t delta_layers = 0, conv_dim = 0, conv_kernel = 0, value_heads = 0, key_head_dim = 0, value_head_dim = 0;
  int64_t draft_rows = 0;  // most rows of a step that can be taken back (SequenceRows::draft)

  [[nodiscard]] int64_t page_bytes() const { return attention_layers * 2 * kv_heads * block_bytes(); }
  // Of one head's keys, or values, of one layer in a page.
  [[nodiscard]] int64_t block_bytes() const { return kPagePositions * head_dim * size_bytes(kv_dtype); }
  // Of the pages that the state owns: `context` positions, rounded up to whole pages.
  [[nodiscard]] int64_t kv_bytes() const { return pages() * page_bytes(); }
  [[nodiscard]] int64_t pages() const { return (context + kPagePositions - 1) / kPagePositions; }
  [[nodiscard]] int64_t key_dim() const { return (conv_dim - value_heads * value_head_dim) / 2; }  // Hk * Dk
  [[nodiscard]] int64_t recurrent_bytes() const {
    return delta_layers * (s_elements() + (conv_kernel - 1) * conv_dim + draft_elements()) * 4;
  }
  // Of one layer: S, and what draft rows need beside it.
  [[nodiscard]] int64_t s_elements() const { return value_heads * key_head_dim * value_head_dim; }
  [[nodiscard]] int64_t draft_elements() const {
    const int64_t row = conv_dim + key_dim() + value_heads * (value_head_dim + 1);
    return draft_rows == 0 ? 0 : s_elements() + draft_rows * row;
  }
};

// Rows [first_row, first_row + rows) of a step's batch continue one sequence at `position`.
struct SequenceRows {
  State state;
  int64_t first_row = 0;
  int64_t rows = 0;
  int64_t position = 0;  // of the first row: tokens the state has seen
  bool draft = false;    // the rows may be taken back: keep_rows() comes before the next step of this state
};

// ---- operations

struct Projection {
  Tensor out;     // [T, N]
  Matrix weight;  // [N, D]
};

// Full attention with per-head q/k RMSNorm, partial rotate-half RoPE and an optional sigmoid output gate (N6, N7).
struct AttentionArgs {
  Tensor q;               // [T, H * head_dim], or [T, H * 2 * head_dim] when gated: per head, query then gate
  Tensor k, v;            // [T, K * head_dim]
  Tensor q_norm, k_norm;  // [1, head_dim], the factor itself (1 + w already added)
  Tensor rope;            // [context, rotary_dim]: per position rotary_dim / 2 cosines, then as many sines
  int64_t heads = 0, kv_heads = 0, head_dim = 0, rotary_dim = 0;
  bool gated = true;
  float scale = 0, eps = 0;
  int64_t layer = 0;  // index among the attention layers of the state
};

// GatedDeltaNet between its projections: causal conv + SiLU, L2 norms, gates, delta rule, gated RMSNorm (N6, N8).
struct DeltaNetArgs {
  Tensor qkv;             // [T, conv_dim]: q [Hk * Dk], k [Hk * Dk], v [Hv * Dv] before the convolution
  Tensor z;               // [T, Hv * Dv]
  Tensor b, a;            // [T, Hv]
  Tensor conv;            // [conv_dim, conv_kernel]
  Tensor a_log, dt_bias;  // [1, Hv]
  Tensor norm;            // [1, Dv]
  int64_t key_heads = 0, value_heads = 0, key_head_dim = 0, value_head_dim = 0, conv_kernel = 0;
  float eps = 0;
  bool sigmoid_gate = false;  // output_gate_type "sigmoid"; default is SiLU of z
  int64_t layer = 0;          // index among the delta layers of the state
};

struct RouterArgs {
  Matrix router;       // [E, D]
  Matrix shared_gate;  // [1, D]; id -1 without a shared expert
  int64_t experts = 0, top_k = 0;
  bool renormalize = true;
};

// Which experts a token takes and how much of each: top_k routed in ascending id, then the shared one (id E) if any.
struct Routing {
  Tensor ids;      // i32 [T, slots], slots = top_k (+ 1)
  Tensor weights;  // f32 [T, slots]
};

// The three ways through an MoE layer, over one packed layout; their results are bitwise equal.
enum class ExpertPath : uint8_t {
  kFused,    // gate and up in one pass, SwiGLU in registers, int8 straight to down
  kConcat,   // gate and up in one pass into a [2F] buffer, then the activation as a pass of its own
  kUnfused,  // gate pass, up pass, activation pass, down pass, weighted sum: as separate passes
};

// What the operations had to move, by what they moved, and how often they waited; reset by the reader.
struct Traffic {
  int64_t weight_bytes = 0;
  int64_t state_bytes = 0;  // recurrent state and convolution rows, read and written
  int64_t kv_bytes = 0;
  int64_t expert_layers = 0;     // calls of experts()
  int64_t distinct_experts = 0;  // routed experts touched, summed over those calls
  int64_t barriers = 0;          // times that the threads waited for each other
  int64_t int8_macs = 0;         // multiply-adds of int8 activations with quantized weights

  [[nodiscard]] int64_t bytes() const { return weight_bytes + state_bytes + kv_bytes; }
};

class Backend {
 public:
  virtual ~Backend() = default;

  // ---- load
  virtual Matrix upload(const MatrixSpec& spec, const RowSource& rows) = 0;
  virtual Experts upload(const ExpertsSpec& spec) = 0;
  virtual Tensor upload(std::span<const float> values, int64_t rows, int64_t cols) = 0;
  // Zeroed; lives until it is freed or the backend ends.
  virtual Tensor allocate(DType dtype, int64_t rows, int64_t cols) = 0;
  virtual void free_tensor(Tensor tensor) = 0;  // as allocate() gave it
  // After the last upload: scratch for steps of at most max_rows rows.
  virtual void reserve(int64_t max_rows) = 0;
  [[nodiscard]] virtual int64_t packed_bytes() const = 0;  // of all uploaded matrices, as they lie in memory

  virtual State create_state(const StateSpec& spec) = 0;  // zeroed
  virtual void reset_state(State state) = 0;              // back to position 0
  // For measurements: keys and values of positions [0, seen) again and again up to `positions`, so that a long context
  // costs no long prompt.
  virtual void repeat_context(State state, int64_t seen, int64_t positions) = 0;
  // After a step of draft rows: the first `rows` of them stay, and the state is bit for bit as if the others had never
  // been. Keys and values need nothing: the next step writes over them.
  virtual void keep_rows(State state, int64_t rows) = 0;
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

  // ---- a step
  virtual void write(Tensor out, const void* host) = 0;                  // host -> device
  virtual void read(void* host, Tensor x) = 0;                           // device -> host; waits
  virtual void embed(Tensor out, Tensor ids, Matrix table) = 0;          // out [T, D], ids i32 [T, 1]
  virtual void rms_norm(Tensor out, Tensor x, Tensor w, float eps) = 0;  // N6, rows
  // residual += x, then out = rms_norm(residual).
  virtual void add_rms_norm(Tensor out, Tensor residual, Tensor x, Tensor w, float eps) = 0;
  // Several projections of the same x [T, D] in one pass: x is quantized once.
  virtual void linear(std::span<const Projection> projections, Tensor x) = 0;
  virtual void attention(Tensor out, const AttentionArgs& args, std::span<const SequenceRows> sequences) = 0;
  virtual void delta_net(Tensor out, const DeltaNetArgs& args, std::span<const SequenceRows> sequences) = 0;
  virtual void router(const Routing& out, Tensor x, const RouterArgs& args) = 0;  // N9
  // out [T, D] = sum over slots of weight * down(silu(gate x) * up x), ascending id, the shared expert last (N9).
  virtual void experts(Tensor out, Tensor x, const Routing& routing, Experts experts, ExpertPath path) = 0;
  // out [n, D] = the rows of x that ids i32 [n, 1] names: what the head needs of a prompt.
  virtual void gather_rows(Tensor out, Tensor x, Tensor ids) = 0;
  // out [T, A + B] = each row of a [T, A], then that of b [T, B].
  virtual void concat(Tensor out, Tensor a, Tensor b) = 0;
  virtual void copy(Tensor out, Tensor x) = 0;         // f32 or i32, both of one shape; they do not overlap
  virtual void argmax(Tensor out, Tensor logits) = 0;  // out i32 [T, 1]; the lowest id among equals

  // ---- measure
  virtual Traffic take_traffic() = 0;  // since the last call
  // int8 multiply-adds a second that all threads can do on data in registers, measured now; 0 when there is no such
  // way.
  virtual double measure_int8_macs() = 0;
};

}  // namespace moebius
