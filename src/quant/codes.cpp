// The loops are written so that a compiler can vectorize them, because `quantize` runs them over gigabytes.
#include "quant/codes.h"

#include <bit>
#include <cstring>

#include "base/check.h"

namespace moebius::internal {
namespace {

constexpr int kUnit = 8;  // eight codes of any width fill exactly `bits` whole bytes

static_assert(std::endian::native == std::endian::little, "packed codes are read as little-endian words");

template <typename Word>
uint64_t load_word(const std::byte* p) {
  Word word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// Loads kBytes bytes by whole words. If an odd number of bytes were copied into one word, the word would wait for two
// stores.
template <int kBytes>
uint64_t load_bytes(const std::byte* p) {
  if constexpr (kBytes == 8) {
    return load_word<uint64_t>(p);
  } else if constexpr (kBytes > 4) {
    return load_word<uint32_t>(p) | load_bytes<kBytes - 4>(p + 4) << 32;
  } else if constexpr (kBytes == 4) {
    return load_word<uint32_t>(p);
  } else if constexpr (kBytes == 3) {
    return load_word<uint16_t>(p) | load_word<uint8_t>(p + 2) << 16;
  } else if constexpr (kBytes == 2) {
    return load_word<uint16_t>(p);
  } else {
    return load_word<uint8_t>(p);
  }
}

// x holds runs of kCodes codes of kBits bits, each run at the start of 8 * kCodes bits. The upper half of the codes
// moves up to the middle of its run. After three calls, for 8, 4 and 2 codes, eight codes have a byte each.
template <int kBits, int kCodes>
uint64_t move_upper_half(uint64_t x) {
  constexpr int kHalf = kCodes / 2 * kBits;
  constexpr int kMiddle = kCodes / 2 * 8;
  uint64_t low = (uint64_t{1} << kHalf) - 1;
  for (int run = 2 * kMiddle; run < 64; run *= 2) low |= low << run;
  return (x & low) | ((x >> kHalf & low) << kMiddle);
}

template <int kBits>
void unpack(uint8_t* codes, const std::byte* packed, size_t count) {
  for (size_t i = 0; i < count; i += kUnit, packed += kBits) {
    uint64_t stream = load_bytes<kBits>(packed);
    stream = move_upper_half<kBits, 8>(stream);
    stream = move_upper_half<kBits, 4>(stream);
    stream = move_upper_half<kBits, 2>(stream);
    std::memcpy(codes + i, &stream, kUnit);
  }
}

template <int kBits>
void pack(std::byte* packed, const uint8_t* codes, size_t count) {
  for (size_t i = 0; i < count; i += kUnit, packed += kBits) {
    uint64_t stream = 0;
    for (int k = 0; k < kUnit; ++k) stream |= static_cast<uint64_t>(codes[i + k]) << (k * kBits);
    std::memcpy(packed, &stream, kBits);
  }
}

// Calls function.operator()<bits>(): one instance for each width that exists.
template <typename Function>
void with_bits(int bits, const Function& function) {
  switch (bits) {
    case 2:
      return function.template operator()<2>();
    case 3:
      return function.template operator()<3>();
    case 4:
      return function.template operator()<4>();
    case 5:
      return function.template operator()<5>();
    case 6:
      return function.template operator()<6>();
    case 8:
      return function.template operator()<8>();
    default:
      MOEBIUS_CHECK(!"a width that affine quantization has");
  }
}

}  // namespace

void unpack_codes(std::span<uint8_t> codes, std::span<const std::byte> packed, int bits) {
  MOEBIUS_CHECK(codes.size() % kUnit == 0 && packed.size() * 8 == codes.size() * bits);
  with_bits(bits, [&]<int kBits>() { unpack<kBits>(codes.data(), packed.data(), codes.size()); });
}

void pack_codes(std::span<std::byte> packed, std::span<const uint8_t> codes, int bits) {
  MOEBIUS_CHECK(codes.size() % kUnit == 0 && packed.size() * 8 == codes.size() * bits);
  with_bits(bits, [&]<int kBits>() { pack<kBits>(packed.data(), codes.data(), codes.size()); });
}

}  // namespace moebius::internal
