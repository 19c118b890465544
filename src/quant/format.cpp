// See format.h.
#include "quant/format.h"

#include <fmt/format.h>

namespace moebius::internal {

bool is_valid(const QuantFormat& format) {
  if (format.mode == QuantMode::kMxfp4) return format == kMxfp4;
  const int bits = format.bits;
  const int group = format.group;
  return bits >= 2 && bits <= 8 && bits != 7 && (group == 32 || group == 64 || group == 128) &&
         is_float(format.scale_dtype);
}

std::string to_string(const QuantFormat& format) {
  if (format == kMxfp4) return "mxfp4";
  return fmt::format("{} bits, group {}, {} scales", format.bits, format.group, name(format.scale_dtype));
}

int64_t code_row_bytes(const QuantFormat& format, int64_t cols) { return cols * format.bits / 8; }

int64_t scale_row_bytes(const QuantFormat& format, int64_t cols) {
  return cols / format.group * size_bytes(format.scale_dtype);
}

int64_t bias_row_bytes(const QuantFormat& format, int64_t cols) {
  return format.mode == QuantMode::kAffine ? scale_row_bytes(format, cols) : 0;
}

}  // namespace moebius::internal
