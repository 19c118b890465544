// The safetensors container. The header of a file is validated whole before anything is allocated or read by it. The
// rules are those of the reference implementation (huggingface/safetensors, tensor.rs), and stricter where it is
// silent: duplicate keys, holes, overlaps and trailing bytes are errors. This file knows no model.
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
  DType dtype = DType::kOther;  // kOther: legal in the container, unused by moebius (F8, I64, BOOL, ...)
  std::string dtype_name;
  std::vector<int64_t> shape;
  uint64_t offset = 0;  // in the file, absolute
  uint64_t bytes = 0;
};

struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  // sorted by offset
  std::map<std::string, std::string> metadata;
  std::string checksum;  // checksum of the header's text
};

// Parses and validates a header. header_text: the JSON alone; data_offset: where the data begins in the file;
// data_bytes: how many bytes of data follow. The parser is fuzzed.
SafetensorsHeader parse_safetensors_header(std::string_view header_text, uint64_t data_offset, uint64_t data_bytes,
                                           const std::string& where);

// Reads and validates the header of an open file.
SafetensorsHeader read_safetensors_header(const File& file);

// Writes a file of tensors, which are declared first and then streamed in the order of declaration.
class SafetensorsWriter {
 public:
  struct Declaration {
    std::string name;
    DType dtype;
    std::vector<int64_t> shape;
  };

  SafetensorsWriter(std::filesystem::path path, const std::vector<Declaration>& tensors,
                    const std::map<std::string, std::string>& metadata = {});
  // Writes the next bytes of the data section, in declaration order and in pieces of any size.
  void write(std::span<const std::byte> bytes);
  // Syncs the file. MOEBIUS_CHECKs that every declared byte was written.
  void finish();

 private:
  FileWriter file_;
  uint64_t remaining_bytes_ = 0;
};

// The bytes before the data: the header's length and the header, padded with blanks to at least least_bytes in all.
struct SafetensorsPrefix {
  std::string text;
  uint64_t data_bytes = 0;  // data bytes that must follow the text
};
SafetensorsPrefix safetensors_prefix(const std::vector<SafetensorsWriter::Declaration>& tensors,
                                     const std::map<std::string, std::string>& metadata, uint64_t least_bytes = 0);

}  // namespace moebius::internal
