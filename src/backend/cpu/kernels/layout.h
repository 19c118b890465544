// Where the bits of a code lie within a packed unit: what the packer and the kernels agree on (pack.h draws the whole).
// Constants alone, evaluated while compiling: this is included by the files of every instruction set.
//
// The codes of an input set are split into a low plane of 8, 4 or 2 bits and a high plane of 0, 1 or 2. In a byte of
// the low plane the sets that share it follow each other upwards. In a byte of the high plane they stand where a kernel
// has to move them least: an instruction set that can multiply any byte takes a set at its `place`, as code * 2^place,
// with the field of the low plane where it is, or nearly, and the high bits right above it.
#pragma once

namespace moebius::internal::cpu {

constexpr int low_bits(int bits) { return bits == 8 ? 8 : bits >= 4 ? 4 : 2; }
constexpr int high_bits(int bits) { return bits - low_bits(bits); }
constexpr int low_sets(int bits) { return 8 / low_bits(bits); }                               // that share a byte
constexpr int high_sets(int bits) { return high_bits(bits) == 0 ? 1 : 8 / high_bits(bits); }  // that share a byte

// The first bit of a set in its byte of the low plane.
constexpr int low_position(int bits, int set) { return low_bits(bits) * (set % low_sets(bits)); }

// The first bit of a set in its byte of the high plane.
constexpr int high_position(int bits, int set) {
  constexpr int kThree[] = {2, 4, 6, 7, 1, 3, 5, 0};
  constexpr int kFive[] = {4, 7, 3, 6, 2, 5, 0, 1};
  constexpr int kSix[] = {4, 6, 0, 2};
  return bits == 3 ? kThree[set % 8] : bits == 5 ? kFive[set % 8] : bits == 6 ? kSix[set % 4] : 0;
}

// Places are numbered, because sets of one place share a sum.
constexpr int place_number(int bits, int set) {
  return bits == 8 ? 0 : bits >= 4 ? set % 2 : bits == 3 && set % 8 == 7 ? 0 : set % 4;
}
constexpr int last_place_number(int bits) { return place_number(bits, 3); }
constexpr int place_of(int bits, int number) {
  constexpr int kTwo[] = {0, 2, 4, 6};
  constexpr int kThree[] = {0, 2, 4, 5};
  constexpr int kFourFiveSix[] = {4, 3, 2};  // of odd sets
  if (bits == 2) return kTwo[number];
  if (bits == 3) return kThree[number];
  return number == 0 ? 0 : kFourFiveSix[bits - 4];
}

}  // namespace moebius::internal::cpu
