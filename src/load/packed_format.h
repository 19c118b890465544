// What reader and writer of packed files agree on beyond safetensors.
#pragma once

#include <cstdint>

namespace moebius::internal::packed_format {

constexpr const char* kFormat = "moebius packed weights 1";
// Keys of the metadata; checksums stand under kChecksum + the tensor's name.
constexpr const char* kFormatKey = "format";
constexpr const char* kLayoutKey = "layout";
constexpr const char* kSourceKey = "source";
constexpr const char* kChecksum = "xxh3:";

// Room for the header, which is known only after the data. Of a model with 94 layers it takes a fifth.
constexpr uint64_t kDataOffset = uint64_t{2} << 20;
// Every tensor takes a multiple of this, so that vectors are aligned.
constexpr uint64_t kAlignment = 64;

}  // namespace moebius::internal::packed_format
