// The format of packed files, as far as it goes beyond safetensors. The reader and the writer share it.
#pragma once

#include <cstdint>

namespace moebius::internal::packed_format {

constexpr const char* kFormat = "moebius packed weights 1";
// The keys of the metadata. The key of a checksum is kChecksum + the tensor's name.
constexpr const char* kFormatKey = "format";
constexpr const char* kLayoutKey = "layout";
constexpr const char* kSourceKey = "source";
constexpr const char* kChecksum = "xxh3:";

// The data section begins here. The space before it is for the header, which is known only after the data was written.
// The header of a model with 94 layers takes a fifth of this space.
constexpr uint64_t kDataOffset = uint64_t{2} << 20;
// The size of every tensor is padded to a multiple of this, so that vectors are aligned.
constexpr uint64_t kAlignment = 64;

}  // namespace moebius::internal::packed_format
