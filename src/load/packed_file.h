// Packed weights on disk: one safetensors file per checkpoint, its tensors U8, as a backend laid them out. Mapped, not
// read: the file IS the weights, shared by all processes that run the model, and a second start packs nothing.
//
// Its metadata say what it was made from (PackedKey) and the checksum of every tensor. It is ours, so it is never
// mended: whatever is wrong with it, it is made again.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backend/weights.h"
#include "base/file.h"
#include "base/mapping.h"
#include "base/replacement_file.h"
#include "checkpoint/model_dir.h"
#include "model/model.h"

namespace moebius::internal {

struct PackedKey {
  std::string layout;  // as the backend calls it
  std::string source;  // ModelDir::fingerprint()
};

// A draft head is loaded by some runs and not by others, and may come from another directory: it is packed each time.
inline bool is_kept(std::string_view name) { return !name.starts_with("mtp."); }

class PackedReader final : public WeightStore {
 public:
  using Progress = std::function<void(const LoadProgress&)>;

  // Throws Error when the file is missing, damaged or made for another key; reads it in, reporting progress.
  PackedReader(const std::filesystem::path& path, const PackedKey& key, const Progress& progress);

  Place place(const std::string& name, int64_t bytes) override;
  // Compares every tensor with its checksum. Throws kBadTensor naming the first that differs.
  void verify() const;
  [[nodiscard]] const std::filesystem::path& path() const { return file_.path(); }

 private:
  struct Entry {
    uint64_t offset = 0, bytes = 0;
    std::string checksum;
  };

  void check_key(const std::map<std::string, std::string>& metadata, const PackedKey& key) const;
  void read_in(const Progress& progress) const;

  File file_;
  std::map<std::string, Entry> entries_;
  Mapping mapping_;
};

class PackedWriter final : public WeightStore {
 public:
  PackedWriter(ReplacementFile file, PackedKey key) : file_(std::move(file)), key_(std::move(key)) {}

  // Null when the disk is full: what is left is packed into memory, and commit() throws.
  Place place(const std::string& name, int64_t bytes) override;
  // After the last upload: checksums, header, sync, rename; then the weights are read-only. Throws kIo.
  void commit();
  [[nodiscard]] const std::filesystem::path& path() const { return file_.path(); }

 private:
  struct Tensor {
    std::string name;
    Mapping mapping;
  };

  ReplacementFile file_;
  PackedKey key_;
  std::vector<Tensor> tensors_;
  uint64_t end_ = 0;  // of the data section so far
  std::string failure_;
};

}  // namespace moebius::internal
