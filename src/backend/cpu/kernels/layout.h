// The layout of a packed weight matrix, which the packer and the kernels agree on: a drawing that names its parts, and
// the position of each bit of a code within a unit. pack.h gives the reasons for the layout. This file holds only
// constants that are evaluated while compiling, because the files of every instruction set include it.
#pragma once

// The drawing shows a quantized matrix of 3 bits, in groups of 128 inputs, with scales and biases in bf16. Rows of the
// matrix are outputs, columns are inputs. Sizes are those of this format; the legend has the general rule.
//
//   matrix [rows, cols]
//        input 0                                        input cols - 1
//       +-------------------------------------------------------------+
//       | block 0:  rows 0 .. 15                                      | \ a pair: two blocks that one call
//       +-------------------------------------------------------------+ | of a kernel works on
//       | block 1:  rows 16 .. 31                                     | /
//       +-------------------------------------------------------------+
//       | ...       in the last block, the missing rows are zero      |
//       +-------------------------------------------------------------+
//
//   block: 16 rows x cols inputs, contiguous in memory
//       +---------+---------+---------+---------+---------+--
//       | tile 0  | tile 1  | tile 2  | tile 3  | tile 4  | ...    832 bytes a tile
//       +---------+---------+---------+---------+---------+--
//       |<------- segment: 512 inputs --------->|
//
//   tile: 16 rows x 128 inputs, one group of each row
//       +--------------------+--------------------+-----------+-----------+
//       | unit 0             | unit 1             | 16 scales | 16 biases |
//       | 384 bytes of codes | 384 bytes of codes | 32 bytes  | 32 bytes  |
//       +--------------------+--------------------+-----------+-----------+
//
//   unit: 16 rows x 64 inputs = 16 sets, in two planes that consist of lines
//       +----------+----------+-----------+------------+-----------------+-----------------+
//       | line 0   | line 1   | line 2    | line 3     | line 0          | line 1          |
//       | sets 0-3 | sets 4-7 | sets 8-11 | sets 12-15 | sets 0-7        | sets 8-15       |
//       +----------+----------+-----------+------------+-----------------+-----------------+
//       |<--- low plane: 2 bits a code, 256 bytes ---->|<- high plane: 1 bit, 128 bytes -->|
//
//   line, and also one unpacked set: 64 bytes; byte 4 * row + i belongs to input i of every set in the line
//       +--------------------+--------------------+--   --+--------------------+
//       | row 0: i = 0 1 2 3 | row 1: i = 0 1 2 3 |  ...  | row 15: i = 0 .. 3 |
//       +--------------------+--------------------+--   --+--------------------+
//       |<----- lane 0 ----->|<----- lane 1 ----->|       |<----- lane 15 ---->|
//
//   a byte of line 0 of the low plane            a byte of line 0 of the high plane
//       bit  7 6 | 5 4 | 3 2 | 1 0                   bit  7 | 6 | 5 | 4 | 3 | 2 | 1 | 0
//       set   3  |  2  |  1  |  0                    set  3 | 2 | 6 | 1 | 5 | 0 | 4 | 7
//
//   lane     one of the 16 lanes of a vector (kLanes); a lane is a row of the block
//   block    16 rows of a matrix; a dense block has no tiles: it holds, input by input, the 16 weights of its rows
//   pair     two blocks that a kernel multiplies together: two neighbours, or a block of gate and the same one of up
//   chunk    64 rows = four blocks: one item of work of the expert passes
//   group    32, 64 or 128 inputs of one row that share a scale (and a bias); mxfp4 has groups of 32
//   tile     the codes of one group of each row, then 16 scales, then 16 biases; mxfp4 has no biases
//   unit     the codes of min(group, 64) inputs of a block: unit * bits * 2 bytes
//   set      4 inputs of a unit; one unpacked set is one vector of 64 codes, a byte each
//   plane    the low bits (8, 4 or 2) or the high bits (0, 1 or 2) of all codes of a unit
//   line     64 bytes of a plane; 8, 4, 2 or 1 sets share it, each at its own shift (low_sets(), high_sets())
//   place    the bit of a byte at which a kernel multiplies the codes of a set, as code * 2^place
//   segment  512 inputs: between two roundings into the result (N2)
//   row      a row of the matrix; "rows of activations" are tokens
//
// Some of these words have a second use. N3 quantizes activations in blocks of 64 inputs. Attention reads keys in
// blocks of 256 positions, and a group of query heads shares a kv head. A PackedGroup holds experts of one width.

namespace moebius::internal::cpu {

constexpr int low_bits(int bits) { return bits == 8 ? 8 : bits >= 4 ? 4 : 2; }
constexpr int high_bits(int bits) { return bits - low_bits(bits); }
constexpr int low_sets(int bits) { return 8 / low_bits(bits); }                               // sets in a line
constexpr int high_sets(int bits) { return high_bits(bits) == 0 ? 1 : 8 / high_bits(bits); }  // sets in a line

// In a byte of the low plane, the sets follow each other upwards. In a byte of the high plane, each set stands where a
// kernel has to move it least. An instruction set that can multiply any byte takes a set at its place: the low bits
// stay where they are, or nearly, and the high bits come right above them.

// The first bit of a set in its byte of the low plane.
constexpr int low_position(int bits, int set) { return low_bits(bits) * (set % low_sets(bits)); }

// The first bit of a set in its byte of the high plane.
constexpr int high_position(int bits, int set) {
  constexpr int kThree[] = {2, 4, 6, 7, 1, 3, 5, 0};
  constexpr int kFive[] = {4, 7, 3, 6, 2, 5, 0, 1};
  constexpr int kSix[] = {4, 6, 0, 2};
  return bits == 3 ? kThree[set % 8] : bits == 5 ? kFive[set % 8] : bits == 6 ? kSix[set % 4] : 0;
}

// Places are numbered, because the sets of one place share a sum.
constexpr int place_number(int bits, int set) {
  return bits == 8 ? 0 : bits >= 4 ? set % 2 : bits == 3 && set % 8 == 7 ? 0 : set % 4;
}
constexpr int last_place_number(int bits) { return place_number(bits, 3); }
constexpr int place_of(int bits, int number) {
  constexpr int kTwo[] = {0, 2, 4, 6};
  constexpr int kThree[] = {0, 2, 4, 5};
  constexpr int kFourFiveSix[] = {4, 3, 2};  // places of the odd sets
  if (bits == 2) return kTwo[number];
  if (bits == 3) return kThree[number];
  return number == 0 ? 0 : kFourFiveSix[bits - 4];
}

}  // namespace moebius::internal::cpu
