// Reads and writes packed weights on disk: one safetensors file per checkpoint, with U8 tensors in the layout of a
// backend. The file is mapped into memory, so all processes that run the model share the weights, and a second start
// packs nothing.
//
// The metadata of the file name the checkpoint it was made from (PackedKey) and the checksum of every tensor. The file
// can always be made again from the checkpoint, so a damaged file is replaced and never repaired.
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
  std::string layout;  // the backend's name of the layout
  std::string source;  // ModelDir::fingerprint()
};

// Whether a tensor is kept in the packed file. The tensors of a draft head are not: only some runs load the head, and
// it may come from another directory. It is packed again by each run.
inline bool is_kept(std::string_view name) { return !name.starts_with("mtp."); }

class PackedReader final : public WeightStore {
 public:
  using Progress = std::function<void(const LoadProgress&)>;

  // Reads the whole file into memory and reports progress. Throws Error when the file is missing, damaged or made for
  // another key.
  PackedReader(const std::filesystem::path& path, const PackedKey& key, const Progress& progress);

  Place place(const std::string& name, int64_t bytes) override;
  // Compares every tensor with its checksum. Throws kBadTensor, which names the first tensor that differs.
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

  // Returns no place when the disk is full. The backend then packs the remaining tensors into its own memory, and
  // commit() throws.
  Place place(const std::string& name, int64_t bytes) override;
  // Completes the file after the last upload: it writes the checksums and the header, syncs the file and renames it.
  // The mapped weights are read-only afterwards. Throws kIo.
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
  uint64_t end_ = 0;  // the size of the data section so far, in bytes
  std::string failure_;
};

}  // namespace moebius::internal
