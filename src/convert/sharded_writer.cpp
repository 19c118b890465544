// See sharded_writer.h.
#include "convert/sharded_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/json.h"
#include "moebius/error.h"

namespace moebius::internal {

uint64_t data_bytes(const SafetensorsWriter::Declaration& tensor) {
  uint64_t bytes = static_cast<uint64_t>(size_bytes(tensor.dtype));
  for (const int64_t dim : tensor.shape) bytes *= static_cast<uint64_t>(dim);
  return bytes;
}

ShardedWriter::ShardedWriter(std::filesystem::path directory, const std::vector<Declaration>& tensors,
                             std::string format, uint64_t shard_bytes)
    : directory_(std::move(directory)), format_(std::move(format)) {
  MOEBIUS_CHECK(!tensors.empty());
  for (const Declaration& tensor : tensors) {
    const uint64_t bytes = data_bytes(tensor);
    if (shards_.empty() || (shards_.back().bytes > 0 && shards_.back().bytes + bytes > shard_bytes)) {
      shards_.emplace_back();
    }
    shards_.back().tensors.push_back(tensor);
    shards_.back().bytes += bytes;
    total_bytes_ += bytes;
  }
  check_room();
}

void ShardedWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    MOEBIUS_CHECK(current_ < shards_.size());
    const Shard& shard = shards_[current_];
    if (!file_) {
      file_.emplace(directory_ / file_name(current_), shard.tensors,
                    std::map<std::string, std::string>{{"format", format_}});
    }
    const auto part = bytes.first(std::min<uint64_t>(bytes.size(), shard.bytes - current_bytes_));
    file_->write(part);
    current_bytes_ += part.size();
    written_bytes_ += part.size();
    bytes = bytes.subspan(part.size());
    if (current_bytes_ < shard.bytes) continue;
    file_->finish();
    file_.reset();
    current_bytes_ = 0;
    ++current_;
  }
}

void ShardedWriter::finish() {
  MOEBIUS_CHECK(current_ == shards_.size() && written_bytes_ == total_bytes_);
  if (shards_.size() > 1) write_index();
}

std::string ShardedWriter::file_name(size_t shard) const {
  if (shards_.size() == 1) return "model.safetensors";
  return fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, shards_.size());
}

void ShardedWriter::check_room() const {
  std::error_code unknown;  // a file system that cannot tell its space is not an obstacle
  const auto space = std::filesystem::space(directory_, unknown);
  if (unknown || space.available >= total_bytes_) return;
  throw Error(ErrorCode::kUnavailable, directory_.string(),
              fmt::format("the weights need {} bytes, the disk has {} left", total_bytes_, space.available),
              "free some space or write to another disk");
}

void ShardedWriter::write_index() const {
  Json index;
  index["metadata"]["total_size"] = total_bytes_;
  for (size_t i = 0; i < shards_.size(); ++i) {
    for (const Declaration& tensor : shards_[i].tensors) index["weight_map"][tensor.name] = file_name(i);
  }
  FileWriter file(directory_ / "model.safetensors.index.json");
  file.write(index.dump(2) + "\n");
  file.sync();
}

}  // namespace moebius::internal
