// Implements the writer of packed files.
#include "base/check.h"
#include "base/hash.h"
#include "checkpoint/safetensors.h"
#include "load/packed_file.h"
#include "load/packed_format.h"
#include "moebius/error.h"

namespace moebius::internal {

using namespace packed_format;

WeightStore::Place PackedWriter::place(const std::string& name, int64_t bytes) {
  if (!failure_.empty() || !is_kept(name)) return {};
  const auto wanted = static_cast<uint64_t>(bytes);
  const uint64_t padded = (wanted + kAlignment - 1) / kAlignment * kAlignment;
  try {
    tensors_.push_back({name, file_.extend(kDataOffset + end_, padded)});
  } catch (const Error& error) {
    failure_ = error.what();
    return {};
  }
  end_ += padded;
  return {.data = reinterpret_cast<uint8_t*>(tensors_.back().mapping.bytes().data()), .filled = false};
}

void PackedWriter::commit() {
  if (!failure_.empty()) throw Error(ErrorCode::kIo, path().string(), failure_);
  std::vector<SafetensorsWriter::Declaration> declarations;
  std::map<std::string, std::string> metadata = {
      {kFormatKey, kFormat}, {kLayoutKey, key_.layout}, {kSourceKey, key_.source}};
  for (const Tensor& tensor : tensors_) {
    const auto bytes = tensor.mapping.bytes();
    declarations.push_back({tensor.name, DType::kU8, {static_cast<int64_t>(bytes.size())}});
    metadata[kChecksum + tensor.name] = checksum(bytes);
  }
  const SafetensorsPrefix prefix = safetensors_prefix(declarations, metadata, kDataOffset);
  MOEBIUS_CHECK(prefix.text.size() == kDataOffset && prefix.data_bytes == end_);
  file_.write(0, prefix.text);
  file_.commit();
  for (const Tensor& tensor : tensors_) tensor.mapping.make_read_only();
}

}  // namespace moebius::internal
