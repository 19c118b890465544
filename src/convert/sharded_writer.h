// Writes tensors to files that are cut like the published checkpoints: one model.safetensors, or shards of about 5 GB
// that begin at tensor boundaries and an index that names them. All tensors are declared first and then streamed in
// that order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"

namespace moebius::internal {

constexpr uint64_t kShardBytes = uint64_t{5} << 30;  // mlx-lm's limit

class ShardedWriter {
 public:
  using Declaration = SafetensorsWriter::Declaration;

  // format: "mlx" or "pt", the metadata of every file. Throws kUnavailable when the disk has no room for all tensors.
  ShardedWriter(std::filesystem::path directory, const std::vector<Declaration>& tensors, std::string format,
                uint64_t shard_bytes = kShardBytes);

  // Writes the next bytes of the declared tensors, one after another and in pieces of any size.
  void write(std::span<const std::byte> bytes);
  // Writes the index when there are several files. MOEBIUS_CHECKs that every declared byte was written.
  void finish();

  [[nodiscard]] uint64_t total_bytes() const { return total_bytes_; }
  [[nodiscard]] uint64_t written_bytes() const { return written_bytes_; }

 private:
  struct Shard {
    std::vector<Declaration> tensors;
    uint64_t bytes = 0;
  };

  [[nodiscard]] std::string file_name(size_t shard) const;
  void check_room() const;
  void write_index() const;

  std::filesystem::path directory_;
  std::string format_;
  std::vector<Shard> shards_;
  size_t current_ = 0;  // index into shards_
  uint64_t current_bytes_ = 0;
  uint64_t total_bytes_ = 0;
  uint64_t written_bytes_ = 0;
  std::optional<SafetensorsWriter> file_;
};

// Returns the bytes of the data of a tensor.
uint64_t data_bytes(const SafetensorsWriter::Declaration& tensor);

}  // namespace moebius::internal
