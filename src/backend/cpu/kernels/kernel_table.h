// The table of kernels: what an instruction set has to provide, over plain pointers. One file per instruction set
// (isa_*.cpp) fills a table from the generic kernels (kernels/*.h) and its own 16-lane vectors (vec_*.h). Those files
// include nothing else: a shared inline function compiled there for AVX-512 might be the copy that the linker keeps for
// everyone (tools/check_isa.py looks for that).
#pragma once

#include <cstddef>
#include <cstdint>

namespace moebius::internal::cpu {

constexpr int kLanes = 16;         // rows of a block: one lane each
constexpr int kQuantBlock = 64;    // activations that share an int8 scale (N3)
constexpr int kMaxRows = 32;       // rows of activations that one pass over packed weights serves
constexpr int kAheadBytes = 8192;  // how far ahead of the weights in hand memory is asked for
constexpr int kKeyBlock = 256;     // keys of a page, and between two merges (N7)
constexpr int kMaxGroup = 64;      // query heads that share a kv head
constexpr int kMaxAttending = 16;  // rows that go through a block of keys together

enum class Element : uint8_t { kF32, kF16, kBF16, kE8M0 };

// A matrix as it lies packed (pack.h): blocks of 16 rows; in a block, tiles of `group` inputs (quantized) or one tile
// (dense).
struct MatrixView {
  const uint8_t* data;
  int64_t block_bytes;  // from a block to the next of this matrix (gate and up alternate: twice a block's size)
  int64_t gap;          // of these, what is another matrix's; 0 when both are read in turns
  int32_t rows;
  int32_t cols;
  Element element;  // dense: of the weights; affine: of scales and biases; kE8M0: of the scales of mxfp4
  uint8_t bits;     // 0: dense
  int32_t group;    // inputs that share a scale; 0: dense
};

// One row of activations, in one form or both: f32, or int8 codes with a scale per 64 inputs and sums of the codes.
struct ActivationRow {
  const float* x;      // [cols]
  const int8_t* q;     // [cols], readable up to a multiple of 64
  const float* scale;  // [cols / 64]
  const float* sum32;  // [cols / 32] sums of 32 codes, exact
  const float* sum64;  // [cols / 64]
};

// Where quantize_row writes.
struct QuantizedOut {
  int8_t* q;
  float* scale;
  float* sum32;
  float* sum64;
};

struct MatmulArgs {
  MatrixView w;
  const ActivationRow* rows;
  float* const* out;  // [n]: where the results of first_block begin
  int32_t n;
  int32_t first_block, block_count;
  bool int8;  // N4; otherwise N2 on (decoded) weights
};

// SwiGLU of one chunk of 64 expert rows (four block pairs) for n tokens: h = silu(gate x) * (up x).
struct GateUpArgs {
  MatrixView gate, up;
  const ActivationRow* rows;
  float* const* h;                // [n] f32 results, or null
  const QuantizedOut* quantized;  // [n] int8 results, or null; pointers at the row's start
  int32_t n;
  int32_t chunk;
  bool int8;
};

struct AttendArgs {          // neighbouring rows of one sequence, one kv head, all query heads that share it (N7)
  float* out = nullptr;      // [rows, row_stride]: [group, head_dim] of each row
  const float* q = nullptr;  // likewise; normed and rotated
  const uint8_t* const* pages = nullptr;  // where those of kKeyBlock positions begin, oldest first
  int64_t keys_at = 0;                    // bytes from a page's begin to the keys [kKeyBlock, head_dim], kv_element
  int64_t values_at = 0;                  // and to the values
  float* scores = nullptr;                // scratch [group, kKeyBlock]
  float* partial = nullptr;               // scratch [group, head_dim]
  int64_t rows = 0;                       // at most kMaxAttending
  int64_t row_stride = 0;                 // elements from a row to the next, of out and q
  int64_t positions = 0;                  // keys that the first row sees; each row sees one more
  int32_t group = 0;
  int32_t head_dim = 0;
  float scale = 0;
  Element kv_element = Element::kF32;
};

struct DeltaRuleArgs {  // one value head, `rows` tokens one after another (N8), gated norm included
  float* out;           // [rows, Dv] at out_stride, like z
  const float* state;   // [Dv / 16, Dk, 16] before the first token; columns past Dv, up to a multiple of 16, are zero
  float* next_state;    // behind the last one; may be the same memory
  const float* q;       // [rows, Dk], normed, like k
  const float* k;       // [rows, Dk]
  const float* v;       // [rows, Dv] at v_stride
  const float* z;       // [rows, Dv]
  const float* norm;    // [Dv]
  const float* kq;      // [rows] k . q
  const float* decay;   // [rows] g
  const float* beta;    // [rows]
  float* d;             // [rows, Dv rounded up to 16]: what replay needs; or null
  int64_t v_stride, out_stride;
  int32_t rows, dk, dv;
  float eps;
  bool sigmoid_gate;
};

struct DeltaReplayArgs {  // the state of one value head takes in `rows` tokens, as delta_rule did
  float* state;           // [Dv / 16, Dk, 16]
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
  void (*l2_norm)(float* out, const float* x, int64_t n, float scale);  // times scale when != 1
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
