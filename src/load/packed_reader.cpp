// Implements the reader of packed files.
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "checkpoint/safetensors.h"
#include "load/packed_file.h"
#include "load/packed_format.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

using namespace packed_format;

constexpr const char* kHint = "made again by the next load that may write";

std::string value_of(const std::map<std::string, std::string>& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

}  // namespace

PackedReader::PackedReader(const std::filesystem::path& path, const PackedKey& key, const Progress& progress)
    : file_(path) {
  const SafetensorsHeader header = read_safetensors_header(file_);
  check_key(header.metadata, key);
  for (const TensorInfo& tensor : header.tensors) {
    if (tensor.offset % kAlignment != 0) {
      throw Error(ErrorCode::kMisaligned, path.string(), fmt::format("a tensor begins at byte {}", tensor.offset),
                  kHint);
    }
    entries_[tensor.name] = {tensor.offset, tensor.bytes, value_of(header.metadata, kChecksum + tensor.name)};
  }
  mapping_ = file_.map();
  read_in(progress);
}

void PackedReader::check_key(const std::map<std::string, std::string>& metadata, const PackedKey& key) const {
  const auto expect = [&](const char* name, const std::string& expected, const char* otherwise) {
    if (value_of(metadata, name) == expected) return;
    throw Error(ErrorCode::kBadMetadata, path().string(), otherwise, kHint);
  };
  expect(kFormatKey, kFormat, "is not a file of packed weights");
  expect(kLayoutKey, key.layout, "has another layout: another version of moebius wrote it");
  expect(kSourceKey, key.source, "was made from other files, or they changed since");
}

// Reads in pieces, so that the caller sees progress when the disk is slow.
void PackedReader::read_in(const Progress& progress) const {
  constexpr uint64_t kPiece = uint64_t{256} << 20;
  for (uint64_t done = 0; done < file_.size();) {
    const uint64_t piece = std::min(kPiece, file_.size() - done);
    mapping_.populate(done, piece);
    done += piece;
    if (progress) progress({done, file_.size()});
  }
}

WeightStore::Place PackedReader::place(const std::string& name, int64_t bytes) {
  if (!is_kept(name)) return {};
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.bytes < static_cast<uint64_t>(bytes)) {
    throw Error(ErrorCode::kBadTensor, path().string() + ": " + name,
                fmt::format("expected {} bytes, got {}", bytes, found == entries_.end() ? 0 : found->second.bytes),
                kHint);
  }
  return {.data = reinterpret_cast<uint8_t*>(mapping_.bytes().data() + found->second.offset), .filled = true};
}

void PackedReader::verify() const {
  for (const auto& [name, entry] : entries_) {
    if (checksum(mapping_.bytes().subspan(entry.offset, entry.bytes)) == entry.checksum) continue;
    throw Error(ErrorCode::kBadTensor, path().string() + ": " + name, "its bytes do not have its checksum", kHint);
  }
}

}  // namespace moebius::internal
