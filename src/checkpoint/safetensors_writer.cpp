// Writing: header first, from declarations; then the data, streamed. What is declared here is ours, so it is checked by
// MOEBIUS_CHECK, not by Error.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "base/check.h"
#include "base/checked.h"
#include "base/json.h"
#include "checkpoint/safetensors.h"

namespace moebius {
namespace {

constexpr uint64_t kAlignment = 8;  // of the data section: the format asks for it, so that readers can map it

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

struct Header {
  std::string text;
  uint64_t data_bytes = 0;
};

Header build_header(const std::vector<SafetensorsWriter::Declaration>& tensors,
                    const std::map<std::string, std::string>& metadata) {
  Header header;
  header.text.push_back('{');
  if (!metadata.empty()) header.text += metadata_text(metadata);
  for (const SafetensorsWriter::Declaration& tensor : tensors) {
    const uint64_t begin = header.data_bytes;
    header.data_bytes += byte_count(tensor);
    fmt::format_to(std::back_inserter(header.text), R"({}{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                   header.text.size() > 1 ? "," : "", json_string(tensor.name), name(tensor.dtype),
                   fmt::join(tensor.shape, ","), begin, header.data_bytes);
  }
  header.text += "}";
  header.text.append((kAlignment - header.text.size() % kAlignment) % kAlignment, ' ');
  MOEBIUS_CHECK(header.text.size() <= kMaxHeaderBytes);
  return header;
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(std::filesystem::path path, const std::vector<Declaration>& tensors,
                                     const std::map<std::string, std::string>& metadata)
    : file_(std::move(path)) {
  const Header header = build_header(tensors, metadata);
  std::array<std::byte, 8> prefix{};
  for (size_t i = 0; i < prefix.size(); ++i) prefix[i] = static_cast<std::byte>(header.text.size() >> (8 * i));
  file_.write(prefix);
  file_.write(header.text);
  remaining_bytes_ = header.data_bytes;
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

}  // namespace moebius
