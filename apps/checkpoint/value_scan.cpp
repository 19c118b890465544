// See checkpoint/value_scan.h.
#include "checkpoint/value_scan.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

namespace moebius::internal::apps {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{8} << 20;
// A sample of a tensor: pieces at equal distances, the first and the last bytes among them.
constexpr uint64_t kSamplePieces = 8;
constexpr uint64_t kSamplePieceBytes = 4096;
constexpr uint64_t kAlignment = 64;  // a multiple of the size of every value

struct Piece {
  uint64_t offset = 0, bytes = 0;
};

std::vector<Piece> pieces_of(uint64_t bytes, Coverage coverage) {
  std::vector<Piece> pieces;
  if (coverage == Coverage::kAll || bytes <= kSamplePieces * kSamplePieceBytes) {
    for (uint64_t at = 0; at < bytes; at += kPieceBytes) pieces.push_back({at, std::min(kPieceBytes, bytes - at)});
    return pieces;
  }
  for (uint64_t i = 0; i < kSamplePieces; ++i) {
    const uint64_t at = (bytes - kSamplePieceBytes) / (kSamplePieces - 1) * i;
    pieces.push_back({at - at % kAlignment, kSamplePieceBytes});
  }
  return pieces;
}

struct Counts {
  uint64_t values = 0, zeros = 0, not_finite = 0;
};

// A float is zero when all bits but its sign are clear, and not finite when all bits of its exponent are set. Integers
// have neither a sign bit here nor an exponent.
template <typename Word>
void count_words(std::span<const std::byte> bytes, Word sign, Word exponent, Counts& counts) {
  for (size_t i = 0; i + sizeof(Word) <= bytes.size(); i += sizeof(Word)) {
    Word word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    counts.values += 1;
    counts.zeros += (word | sign) == sign ? 1 : 0;
    counts.not_finite += exponent != 0 && (word & exponent) == exponent ? 1 : 0;
  }
}

void count(std::span<const std::byte> bytes, DType dtype, Counts& counts) {
  switch (dtype) {
    case DType::kF32:
      return count_words<uint32_t>(bytes, 0x80000000u, 0x7f800000u, counts);
    case DType::kF16:
      return count_words<uint16_t>(bytes, 0x8000, 0x7c00, counts);
    case DType::kBF16:
      return count_words<uint16_t>(bytes, 0x8000, 0x7f80, counts);
    case DType::kU32:
    case DType::kI32:
      return count_words<uint32_t>(bytes, 0, 0, counts);
    case DType::kI8:
    case DType::kU8:
      return count_words<uint8_t>(bytes, 0, 0, counts);
    case DType::kOther:
      return;
  }
}

bool is_matrix(const TensorInfo& info) { return info.shape.size() >= 2 && !info.name.ends_with(".biases"); }

void add(ValueScan& scan, const TensorInfo& info, const Counts& counts, const std::string& where) {
  scan.float_tensors += is_float(info.dtype) ? 1 : 0;
  scan.bad_values += counts.not_finite;
  scan.bad_tensors += counts.not_finite > 0 ? 1 : 0;
  if (counts.not_finite > 0 && scan.first_bad.empty()) scan.first_bad = where;
  if (!is_matrix(info)) return;
  const bool mostly_zero = 2 * counts.zeros > counts.values;
  scan.matrices += 1;
  scan.mostly_zero += mostly_zero ? 1 : 0;
  if (mostly_zero && scan.first_zero.empty()) scan.first_zero = where;
}

}  // namespace

uint64_t scan_bytes(const ModelDir& directory, Coverage coverage) {
  uint64_t bytes = 0;
  for (const auto& [name, entry] : directory.tensors()) {
    for (const Piece& piece : pieces_of(entry.info.bytes, coverage)) bytes += piece.bytes;
  }
  return bytes;
}

ValueScan scan_values(const ModelDir& directory, Coverage coverage, const std::function<void(uint64_t)>& progress) {
  ValueScan scan;
  std::vector<std::byte> buffer(kPieceBytes);
  for (const auto& [name, entry] : directory.tensors()) {
    Counts counts;
    for (const Piece& piece : pieces_of(entry.info.bytes, coverage)) {
      const auto part = std::span(buffer).first(piece.bytes);
      directory.read(entry, piece.offset, part);
      count(part, entry.info.dtype, counts);
      progress(scan.bytes += piece.bytes);
    }
    add(scan, entry.info, counts, directory.where(entry));
  }
  return scan;
}

}  // namespace moebius::internal::apps
