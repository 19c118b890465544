// Both directions of the alphabet, from one table.
#include "tokenizer/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "tokenizer/char_classes.h"

namespace moebius::internal {
namespace {

constexpr size_t kAlphabetEnd = 256 + 68;

constexpr bool stands_for_itself(size_t byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
}

struct Alphabet {
  std::array<char32_t, 256> code_of{};
  std::array<int16_t, kAlphabetEnd> byte_of{};
};

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  alphabet.byte_of.fill(-1);
  size_t next = 256;
  for (size_t byte = 0; byte < 256; ++byte) {
    const size_t code = stands_for_itself(byte) ? byte : next++;
    alphabet.code_of[byte] = static_cast<char32_t>(code);
    alphabet.byte_of[code] = static_cast<int16_t>(byte);
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

std::optional<std::string> bytes_of_spelling(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  for (size_t at = 0; at < spelling.size();) {
    const Char next = char_at(spelling, at);
    if (next.code >= kAlphabetEnd || kAlphabet.byte_of[next.code] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(kAlphabet.byte_of[next.code]));
    at += next.bytes;
  }
  return bytes;
}

std::string spelling_of_bytes(std::string_view bytes) {
  std::string spelling;
  for (const char byte : bytes) {
    const char32_t code = kAlphabet.code_of[static_cast<uint8_t>(byte)];
    if (code >= 0x80) spelling.push_back(static_cast<char>(0xc0U | (code >> 6U)));
    spelling.push_back(static_cast<char>(code >= 0x80 ? 0x80U | (code & 0x3fU) : code));
  }
  return spelling;
}

}  // namespace moebius::internal
