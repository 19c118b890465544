// The MX format of 4 bits (OCP Microscaling Formats 1.0: E2M1 elements, an E8M0 scale for 32 of them), written exactly
// as an affine format (N4). Twice an element is an integer, so that W = scale * element = s * q + b with q = 2 *
// element + 12, s = scale / 2, b = -6 * scale. This file holds only constants, because the files of every instruction
// set include it.
#pragma once

#include <cstdint>

namespace moebius::internal {

// q of an element, by its code. Code 8 (-0) is read as 0.
constexpr uint8_t kMxfp4Codes[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};
constexpr int kMxfp4LargestCode = 24;

constexpr float kMxfp4ScaleFactor = 0.5f;  // s / scale
constexpr float kMxfp4BiasFactor = -6.0f;  // b / scale

// An E8M0 byte e stands for 2^(e - 127), and e is the exponent field of that float; e = 0 stands for the subnormal
// 2^-127. For bytes above kMxfp4LargestScale, b is infinite: loading refuses them, and no encoder of finite weights
// writes them.
constexpr uint8_t kMxfp4LargestScale = 252;

}  // namespace moebius::internal
