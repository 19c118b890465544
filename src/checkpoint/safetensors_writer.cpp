// Writes a file: first the header, from the declarations, and then the data, streamed. The declarations come from
// moebius itself, so that MOEBIUS_CHECK checks them, not Error.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/check.h"
#include "base/checked.h"
#include "base/json.h"
#include "checkpoint/safetensors.h"

namespace moebius::internal {
namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kAlignment = 8;  // the format aligns the data section, so that readers can map it

std::string json_string(const std::string& text) { return Json(text).dump(); }

uint64_t byte_count(const SafetensorsWriter::Declaration& tensor) {
  MOEBIUS_CHECK(size_bytes(tensor.dtype) > 0);
  std::optional<uint64_t> bytes = static_cast<uint64_t>(size_bytes(tensor.dtype));
  for (const int64_t dimension : tensor.shape) {
    MOEBIUS_CHECK(dimension >= 0);
    bytes = checked_mul(*bytes, static_cast<uint64_t>(dimension));
    MOEBIUS_CHECK(bytes.has_value());
  }
  return *bytes;
}

std::string metadata_text(const std::map<std::string, std::string>& metadata) {
  std::vector<std::string> entries;
  for (const auto& [key, value] : metadata) entries.push_back(json_string(key) + ":" + json_string(value));
  return fmt::format(R"("__metadata__":{{{}}})", fmt::join(entries, ","));
}

}  // namespace

SafetensorsPrefix safetensors_prefix(const std::vector<SafetensorsWriter::Declaration>& tensors,
                                     const std::map<std::string, std::string>& metadata, uint64_t least_bytes) {
  SafetensorsPrefix prefix;
  std::string header = "{";
  if (!metadata.empty()) header += metadata_text(metadata);
  for (const SafetensorsWriter::Declaration& tensor : tensors) {
    const uint64_t begin = prefix.data_bytes;
    prefix.data_bytes += byte_count(tensor);
    fmt::format_to(std::back_inserter(header), R"({}{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                   header.size() > 1 ? "," : "", json_string(tensor.name), name(tensor.dtype),
                   fmt::join(tensor.shape, ","), begin, prefix.data_bytes);
  }
  header += "}";
  const uint64_t bytes = std::max<uint64_t>(header.size(), least_bytes - std::min(least_bytes, kLengthBytes));
  header.resize((bytes + kAlignment - 1) / kAlignment * kAlignment, ' ');
  MOEBIUS_CHECK(header.size() <= kMaxHeaderBytes);
  for (size_t i = 0; i < kLengthBytes; ++i) prefix.text.push_back(static_cast<char>(header.size() >> (8 * i) & 0xff));
  prefix.text += header;
  return prefix;
}

SafetensorsWriter::SafetensorsWriter(std::filesystem::path path,
                                     const std::vector<SafetensorsWriter::Declaration>& tensors,
                                     const std::map<std::string, std::string>& metadata)
    : file_(std::move(path)) {
  const SafetensorsPrefix prefix = safetensors_prefix(tensors, metadata);
  file_.write(prefix.text);
  remaining_bytes_ = prefix.data_bytes;
}

void SafetensorsWriter::write(std::span<const std::byte> bytes) {
  MOEBIUS_CHECK(bytes.size() <= remaining_bytes_);
  file_.write(bytes);
  remaining_bytes_ -= bytes.size();
}

void SafetensorsWriter::finish() {
  MOEBIUS_CHECK(remaining_bytes_ == 0);
  file_.sync();
}

}  // namespace moebius::internal
