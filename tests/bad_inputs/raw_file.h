// Makes safetensors files byte by byte, well formed or not, without the library's writer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace moebius::internal {

inline void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::string little_endian(uint64_t value) {
  std::string bytes(8, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  return bytes;
}

// Returns a whole file: the length of the header, the header, and `data_bytes` zeros.
inline std::string safetensors_file(std::string_view header, uint64_t data_bytes = 0) {
  return little_endian(header.size()) + std::string(header) + std::string(data_bytes, '\0');
}

// Returns "name":{"dtype":...,"shape":...,"data_offsets":...}. dtype, shape and offsets are JSON text.
inline std::string entry(std::string_view name, std::string_view dtype, std::string_view shape,
                         std::string_view offsets) {
  std::string text = "\"";
  text.append(name).append("\":{\"dtype\":").append(dtype).append(",\"shape\":").append(shape);
  return text.append(",\"data_offsets\":").append(offsets).append("}");
}

inline std::string repeat(std::string_view text, size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace moebius::internal
