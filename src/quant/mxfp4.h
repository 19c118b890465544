// The MX format of 4 bits (OCP Microscaling Formats 1.0: E2M1 elements, an E8M0 scale for 32 of them) as an affine one,
// exactly (N4): twice an element is an integer, so W = scale * element = s * q + b with q = 2 * element + 12, s = scale
// / 2, b = -6 * scale. Constants alone: this is included by the files of every instruction set.
#pragma once

#include <cstdint>

namespace moebius::internal {

// q of the element with this code. -0 (code 8) is read as 0.
constexpr uint8_t kMxfp4Codes[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};
constexpr int kMxfp4LargestCode = 24;

constexpr float kMxfp4ScaleFactor = 0.5f;  // s / scale
constexpr float kMxfp4BiasFactor = -6.0f;  // b / scale

// An E8M0 byte e stands for 2^(e - 127), the exponent field of a float; 0 for the subnormal 2^-127. Above this one b is
// infinite: loading refuses them, and no encoder of finite weights writes them.
constexpr uint8_t kMxfp4LargestScale = 252;

}  // namespace moebius::internal
