// The safetensors container: header of one file, validated whole before anything is allocated or read by it. Rules as
// in the reference implementation (huggingface/safetensors, tensor.rs), and stricter where that is silent: duplicate
// keys, holes, overlaps and trailing bytes are errors. Knows no model.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "base/file.h"

namespace moebius::internal {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;

struct TensorInfo {
  std::string name;
  DType dtype = DType::kOther;  // kOther: legal in the container, no use to us (F8, I64, BOOL, ...)
  std::string dtype_name;
  std::vector<int64_t> shape;
  uint64_t offset = 0;  // in the file, absolute
  uint64_t bytes = 0;
};

struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  // by offset
  std::map<std::string, std::string> metadata;
  std::string checksum;  // of its text
};

// header_text: the JSON alone; data_bytes: what follows it in the file; data_offset: where that begins. Fuzzed.
SafetensorsHeader parse_safetensors_header(std::string_view header_text, uint64_t data_offset, uint64_t data_bytes,
                                           const std::string& where);

// Reads and validates the header of an open file.
SafetensorsHeader read_safetensors_header(const File& file);

// Writes a file of tensors that are declared first and then streamed in that order.
class SafetensorsWriter {
 public:
  struct Declaration {
    std::string name;
    DType dtype;
    std::vector<int64_t> shape;
  };

  SafetensorsWriter(std::filesystem::path path, const std::vector<Declaration>& tensors,
                    const std::map<std::string, std::string>& metadata = {});
  // The next bytes of the data section, in declaration order; any chunking.
  void write(std::span<const std::byte> bytes);
  // Every declared byte was written; syncs. MOEBIUS_CHECKs otherwise.
  void finish();

 private:
  FileWriter file_;
  uint64_t remaining_bytes_ = 0;
};

// What stands before the data: the header's length and the header, filled up with blanks to least_bytes in all.
struct SafetensorsPrefix {
  std::string text;
  uint64_t data_bytes = 0;  // that must follow
};
SafetensorsPrefix safetensors_prefix(const std::vector<SafetensorsWriter::Declaration>& tensors,
                                     const std::map<std::string, std::string>& metadata, uint64_t least_bytes = 0);

}  // namespace moebius::internal
