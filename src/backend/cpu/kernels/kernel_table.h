// The table of kernels: what an instruction set has to provide, over plain pointers. One file per instruction set
// (isa_*.cpp) fills a table from the generic kernels (kernels/*.h) and its own 16-lane vectors (vec_*.h). Those files
// include nothing else. If they did, an inline function could be compiled there for AVX-512, and the linker could keep
// that copy for all machines (tools/check_isa.py looks for that).
#pragma once

#include <cstddef>
#include <cstdint>

namespace moebius::internal::cpu {

constexpr int kLanes = 16;         // rows of a block: one lane each
constexpr int kQuantBlock = 64;    // activations that share an int8 scale (N3)
constexpr int kMaxRows = 32;       // rows of activations that one pass over packed weights serves
constexpr int kAheadBytes = 8192;  // how far ahead weights are prefetched
constexpr int kKeyBlock = 256;     // keys of a page, and between two merges (N7)
constexpr int kMaxGroup = 64;      // the most query heads that can share a kv head
constexpr int kMaxAttending = 16;  // the most rows that go through a block of keys together

enum class Element : uint8_t { kF32, kF16, kBF16, kE8M0 };

// A packed matrix (layout.h).
struct MatrixView {
  const uint8_t* data;
  int64_t block_bytes;  // from a block of this matrix to its next one (gate and up alternate: twice a block's size)
  int64_t gap;          // bytes of another matrix between the two; 0 when both matrices are read in turns
  int32_t rows;
  int32_t cols;
  Element element;  // dense: type of the weights; affine: type of scales and biases; mxfp4: kE8M0, type of the scales
  uint8_t bits;     // 0: dense
  int32_t group;    // inputs that share a scale; 0: dense
};

// One row of activations, as f32, or as int8 codes (N3) with a scale per 64 inputs and sums of the codes, or as both.
struct ActivationRow {
  const float* x;      // [cols]
  const int8_t* q;     // [cols], readable up to a multiple of 64
  const float* scale;  // [cols / 64]
  const float* sum32;  // [cols / 32] sums of 32 codes, exact
  const float* sum64;  // [cols / 64] sums of 64 codes, exact
};

// Where quantize_row writes. The members have the meaning that they have in ActivationRow.
struct QuantizedOut {
  int8_t* q;
  float* scale;
  float* sum32;
  float* sum64;
};

struct MatmulArgs {
  MatrixView w;
  const ActivationRow* rows;
  float* const* out;  // [n]: out[t] receives the results of row t, beginning with those of first_block
  int32_t n;
  int32_t first_block, block_count;
  bool int8;  // true: N4; false: N2 on (decoded) weights
};

// SwiGLU of one chunk (four pairs of blocks) for n tokens: h = silu(gate x) * (up x).
struct GateUpArgs {
  MatrixView gate, up;
  const ActivationRow* rows;
  float* const* h;                // [n] f32 results, or null
  const QuantizedOut* quantized;  // [n] int8 results, or null; the pointers are those of whole rows
  int32_t n;
  int32_t chunk;
  bool int8;
};

struct AttendArgs {          // neighbouring rows of one sequence, one kv head, all query heads that share it (N7)
  float* out = nullptr;      // [rows, row_stride]; a row holds [group, head_dim]
  const float* q = nullptr;  // [rows, row_stride]; a row holds [group, head_dim], normed and rotated
  const uint8_t* const* pages = nullptr;  // begins of the pages of kKeyBlock positions, oldest first
  int64_t keys_at = 0;                    // bytes from a page's begin to the keys [kKeyBlock, head_dim], kv_element
  int64_t values_at = 0;                  // bytes from a page's begin to the values, which lie like the keys
  float* scores = nullptr;                // scratch [group, kKeyBlock]
  float* partial = nullptr;               // scratch [group, head_dim]
  int64_t rows = 0;                       // at most kMaxAttending
  int64_t row_stride = 0;                 // elements from a row to the next, of out and q
  int64_t positions = 0;                  // keys that the first row sees; each further row sees one more
  int32_t group = 0;
  int32_t head_dim = 0;
  float scale = 0;
  Element kv_element = Element::kF32;
};

struct DeltaRuleArgs {  // one value head, `rows` tokens one after another (N8), with the gated norm
  float* out;           // [rows, Dv] at out_stride
  const float* state;   // [Dv / 16, Dk, 16] before the first token; columns past Dv, up to a multiple of 16, are zero
  float* next_state;    // the state behind the last token; may be the memory of `state`
  const float* q;       // [rows, Dk], normed
  const float* k;       // [rows, Dk], normed
  const float* v;       // [rows, Dv] at v_stride
  const float* z;       // [rows, Dv] at out_stride
  const float* norm;    // [Dv]
  const float* kq;      // [rows] k . q
  const float* decay;   // [rows] g
  const float* beta;    // [rows]
  float* d;             // [rows, Dv rounded up to 16]: the d of N8, for delta_replay; or null
  int64_t v_stride, out_stride;
  int32_t rows, dk, dv;
  float eps;
  bool sigmoid_gate;
};

struct DeltaReplayArgs {  // advances the state of one value head by `rows` tokens that delta_rule has recorded
  float* state;           // [Dv / 16, Dk, 16], updated in place
  const float* k;         // [rows, Dk]
  const float* d;         // [rows, Dv rounded up to 16]
  const float* decay;     // [rows]
  int32_t rows, dk, dv;
};

struct ConvArgs {       // channels [first, first + count) of `rows` tokens: conv and SiLU
  float* out;           // [rows, channels]
  const float* in;      // [rows, channels]
  const float* state;   // [kernel - 1, channels]: the inputs before the first row, oldest first
  const float* weight;  // [kernel, channels]: transposed at load, lanes are channels
  int64_t channels, rows, first, count;
  int32_t kernel;
};

struct KernelTable {
  void (*matmul)(const MatmulArgs&);
  void (*gate_up)(const GateUpArgs&);
  void (*quantize_row)(const QuantizedOut& out, const float* x, int64_t n);            // N3
  void (*rms_norm)(float* out, const float* x, const float* w, int64_t n, float eps);  // N6
  void (*add)(float* residual, const float* x, int64_t n);
  void (*swiglu)(float* h, const float* gate, const float* up, int64_t n);
  void (*scale_add)(float* y, const float* x, float p, int64_t n);      // y = fma(p, x, y)
  void (*l2_norm)(float* out, const float* x, int64_t n, float scale);  // N6, times scale unless that is 1
  float (*dot)(const float* x, const float* y, int64_t n);              // N5
  void (*rotate)(float* x, const float* cos_sin, int64_t rotary_dim);
  void (*gate_sigmoid)(float* out, const float* gate, int64_t n);  // out *= sigmoid(gate)
  void (*attend)(const AttendArgs&);
  void (*conv)(const ConvArgs&);
  void (*delta_rule)(const DeltaRuleArgs&);
  void (*delta_replay)(const DeltaReplayArgs&);
  int64_t (*dot_probe)(int32_t* sum, int64_t rounds);  // returns the int8 multiply-adds it did
};

const KernelTable& portable_kernels();
const KernelTable& avx2_kernels();
const KernelTable& avx512_kernels();

}  // namespace moebius::internal::cpu
