// Reads the length prefix and the header text (header_reader.h), and checks the layout of the data section.
#include "checkpoint/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"
#include "base/json_events.h"
#include "base/quote.h"
#include "checkpoint/header_reader.h"

namespace moebius::internal {
namespace {

constexpr uint64_t kPrefixBytes = 8;  // the header's length, little endian
constexpr int kMaxHeaderDepth = 8;    // a valid header has 3 levels
constexpr size_t kShownBytes = 16;    // of a file that is something else
constexpr const char* kDownloadAgain = "the download is incomplete: fetch the file again";

std::string place(const std::string& where, const TensorInfo& tensor) {
  return where + ": " + printable(tensor.name, 256);
}

// A header begins with '{'. An array is left to the parser, which tells deep nesting from a wrong type.
void check_first_byte(char first, const std::string& where) {
  if (first == '{' || first == '[') return;
  throw Error(ErrorCode::kInvalidHeader, where,
              fmt::format("the header begins with {} at byte {}, expected '{{'", in_quotes({&first, 1}), kPrefixBytes),
              "this is not a safetensors file");
}

// Tensors must cover the data section exactly, one behind the other. Bytes that belong to no tensor could hide another
// file, and bytes that belong to two could hide another model.
void check_layout(std::vector<TensorInfo>& tensors, uint64_t data_offset, uint64_t data_bytes,
                  const std::string& where) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return a.offset < b.offset || (a.offset == b.offset && a.bytes < b.bytes);
  });
  uint64_t end = data_offset;
  for (const TensorInfo& tensor : tensors) {
    if (tensor.offset != end) {
      const bool overlaps = tensor.offset < end;
      throw Error(overlaps ? ErrorCode::kOverlap : ErrorCode::kHole, place(where, tensor),
                  fmt::format("begins at byte {} of the file, expected {}: {}", tensor.offset, end,
                              overlaps ? "it overlaps the tensor before it" : "the bytes between belong to no tensor"),
                  kBadFileHint);
    }
    end += tensor.bytes;
  }
  const uint64_t file_bytes = data_offset + data_bytes;
  if (end > file_bytes) {
    throw Error(ErrorCode::kTruncated, place(where, tensors.back()),
                fmt::format("ends at byte {}, but the file has {} of {} bytes", end, file_bytes, end), kDownloadAgain);
  }
  if (end < file_bytes) {
    throw Error(ErrorCode::kTrailingBytes, where,
                fmt::format("{} bytes from byte {} on belong to no tensor", file_bytes - end, end), kBadFileHint);
  }
}

// Returns the first bytes of the file, which tell what it is when it is no safetensors file.
std::string beginning_of(const File& file) {
  std::string bytes(std::min<uint64_t>(file.size(), 64), '\0');
  file.read(0, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

// Reads the header's length and checks it against the limit and the file before anything is allocated by it.
uint64_t read_header_bytes(const File& file) {
  const std::string where = file.path().string();
  const std::string beginning = beginning_of(file);
  refuse_lfs_pointer(beginning, file.path());
  if (beginning.size() < kPrefixBytes) {
    throw Error(ErrorCode::kHeaderTooSmall, where,
                fmt::format("has {} bytes, a safetensors file has at least {}", file.size(), kPrefixBytes + 2),
                kDownloadAgain);
  }
  uint64_t bytes = 0;
  for (size_t i = 0; i < kPrefixBytes; ++i) bytes |= uint64_t{static_cast<uint8_t>(beginning[i])} << (8 * i);
  if (bytes > kMaxHeaderBytes) {
    throw Error(
        ErrorCode::kHeaderTooLarge, where,
        fmt::format("the header is said to have {} bytes at byte 0, at most {} are read", bytes, kMaxHeaderBytes),
        fmt::format("this is not a safetensors file, or its beginning is damaged: it begins with {}",
                    in_quotes(beginning.substr(0, kShownBytes))));
  }
  if (bytes < 2) {
    throw Error(ErrorCode::kInvalidHeader, where,
                fmt::format("the header is said to have {} bytes at byte 0, expected at least 2", bytes),
                bytes == 0 ? "a download that broke off may leave zeros: fetch the file again" : kBadFileHint);
  }
  if (bytes > file.size() - kPrefixBytes) {
    throw Error(ErrorCode::kTruncated, where,
                fmt::format("the header ends at byte {}, but the file has {} of these bytes", kPrefixBytes + bytes,
                            file.size()),
                kDownloadAgain);
  }
  return bytes;
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view header_text, uint64_t data_offset, uint64_t data_bytes,
                                           const std::string& where) {
  if (header_text.empty()) throw Error(ErrorCode::kInvalidHeader, where, "the header is empty", kBadFileHint);
  check_first_byte(header_text.front(), where);
  const std::string_view text = header_text.substr(0, header_text.find_last_not_of(' ') + 1);
  HeaderReader reader(where, data_offset);
  const JsonLimits limits{.max_bytes = kMaxHeaderBytes, .max_depth = kMaxHeaderDepth};
  parse_json_events({text, where, limits, ErrorCode::kInvalidHeader}, reader);
  SafetensorsHeader header = reader.take();
  if (text.back() != '}') {
    throw Error(ErrorCode::kInvalidHeader, where,
                fmt::format("only spaces may follow the header's '}}', got {} at byte {} of the header",
                            in_quotes(text.substr(text.size() - 1)), text.size() - 1),
                kBadFileHint);
  }
  check_layout(header.tensors, data_offset, data_bytes, where);
  header.checksum = checksum(std::as_bytes(std::span(header_text)));
  return header;
}

SafetensorsHeader read_safetensors_header(const File& file) {
  const uint64_t header_bytes = read_header_bytes(file);
  const std::string where = file.path().string();
  char first = 0;
  file.read(kPrefixBytes, std::as_writable_bytes(std::span(&first, 1)));
  check_first_byte(first, where);
  std::string text(header_bytes, '\0');
  file.read(kPrefixBytes, std::as_writable_bytes(std::span(text)));
  const uint64_t data_offset = kPrefixBytes + header_bytes;
  return parse_safetensors_header(text, data_offset, file.size() - data_offset, where);
}

}  // namespace moebius::internal
