// See checkpoint/value_scan.h.
#include "checkpoint/value_scan.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

namespace moebius::internal::apps {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{8} << 20;

// A float is not finite when all bits of its exponent are set.
template <typename Word>
uint64_t count_not_finite(std::span<const std::byte> bytes, Word exponent) {
  uint64_t count = 0;
  for (size_t i = 0; i + sizeof(Word) <= bytes.size(); i += sizeof(Word)) {
    Word word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    count += (word & exponent) == exponent ? 1 : 0;
  }
  return count;
}

uint64_t count_not_finite(std::span<const std::byte> bytes, DType dtype) {
  if (dtype == DType::kF32) return count_not_finite<uint32_t>(bytes, 0x7f800000u);
  return count_not_finite<uint16_t>(bytes, dtype == DType::kF16 ? uint16_t{0x7c00} : uint16_t{0x7f80});
}

}  // namespace

uint64_t float_bytes(const ModelDir& directory) {
  uint64_t bytes = 0;
  for (const auto& [name, entry] : directory.tensors()) bytes += is_float(entry.info.dtype) ? entry.info.bytes : 0;
  return bytes;
}

ValueScan scan_values(const ModelDir& directory, const std::function<void(uint64_t)>& progress) {
  ValueScan scan;
  std::vector<std::byte> piece(kPieceBytes);
  for (const auto& [name, entry] : directory.tensors()) {
    if (!is_float(entry.info.dtype)) continue;
    uint64_t bad = 0;
    for (uint64_t at = 0; at < entry.info.bytes; at += kPieceBytes) {
      const auto part = std::span(piece).first(std::min(kPieceBytes, entry.info.bytes - at));
      directory.read(entry, at, part);
      bad += count_not_finite(part, entry.info.dtype);
      progress(scan.bytes += part.size());
    }
    scan.tensors += 1;
    scan.bad_values += bad;
    scan.bad_tensors += bad > 0 ? 1 : 0;
    if (bad > 0 && scan.first_bad.empty()) scan.first_bad = directory.where(entry);
  }
  return scan;
}

}  // namespace moebius::internal::apps
