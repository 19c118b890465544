// The input is a safetensors file in another form: 8 bytes with the size of the data section, then the header text. In
// a real file these 8 bytes are the length of the header. Here that length is known, and the size of the data section
// is what the header can be wrong about.
#include <algorithm>
#include <bit>
#include <cstring>

#include "checkpoint/safetensors.h"
#include "only_error.h"

using namespace moebius;
using namespace moebius::internal;

// The tensors of an accepted header must cover the data section exactly.
static void check_accepted(const SafetensorsHeader& header, uint64_t data_offset, uint64_t data_bytes) {
  uint64_t end = data_offset;
  for (const TensorInfo& tensor : header.tensors) {
    require(tensor.offset == end && !tensor.dtype_name.empty());
    require(std::all_of(tensor.shape.begin(), tensor.shape.end(), [](int64_t dimension) { return dimension >= 0; }));
    end += tensor.bytes;
  }
  require(end == data_offset + data_bytes);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint64_t data_bytes = 0;
  if (size < sizeof(data_bytes)) return 0;
  std::memcpy(&data_bytes, data, sizeof(data_bytes));
  data_bytes %= uint64_t{1} << 62;  // no file system holds more
  const std::string_view text = as_text(data, size).substr(sizeof(data_bytes));
  const uint64_t data_offset = size;
  return only_error([&] {
    check_accepted(parse_safetensors_header(text, data_offset, data_bytes, "fuzz"), data_offset, data_bytes);
  });
}
