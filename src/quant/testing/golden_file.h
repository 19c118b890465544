// For tests: reads a file of tests/golden/quant. It parses the container by itself, because quant stands below
// checkpoint.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/json.h"

namespace moebius::internal::testing {

class GoldenFile {
 public:
  explicit GoldenFile(const std::string& file) {
    std::ifstream in(MOEBIUS_SOURCE_DIR "/tests/golden/quant/" + file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    uint64_t header_bytes = 0;
    if (bytes.size() < sizeof header_bytes) throw std::runtime_error("no golden file " + file);
    std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
    header_ = parse_json(bytes.substr(sizeof header_bytes, header_bytes), file);
    const auto* data = reinterpret_cast<const std::byte*>(bytes.data()) + sizeof header_bytes + header_bytes;
    for (const auto& [name, info] : header_.items()) {
      if (name == "__metadata__") continue;
      const auto& offsets = info.at("data_offsets");
      tensors_[name].assign(data + offsets[0].get<size_t>(), data + offsets[1].get<size_t>());
    }
  }

  const std::vector<std::byte>& bytes(const std::string& name) const { return tensors_.at(name); }
  // rows() flattens the leading dimensions into rows.
  int64_t rows(const std::string& name) const { return elements(name) / cols(name); }
  int64_t cols(const std::string& name) const { return header_.at(name).at("shape").back().get<int64_t>(); }

 private:
  int64_t elements(const std::string& name) const {
    int64_t count = 1;
    for (const Json& size : header_.at(name).at("shape")) count *= size.get<int64_t>();
    return count;
  }

  Json header_;
  std::map<std::string, std::vector<std::byte>> tensors_;
};

}  // namespace moebius::internal::testing
