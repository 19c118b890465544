// Memory for weights, caches and scratch: anonymous, zeroed, touched only when used, on huge pages when large.
#pragma once

#include <cstddef>
#include <cstdint>

namespace moebius::internal::cpu {

class Buffer {
 public:
  Buffer() = default;
  // Throws Error(kUnavailable) when the machine refuses. The memory is 64-byte aligned, or 2 MiB aligned from 2 MiB on.
  explicit Buffer(int64_t bytes);
  ~Buffer();
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] uint8_t* data() const { return data_; }
  template <typename T>
  [[nodiscard]] T* as() const {
    return reinterpret_cast<T*>(data_);
  }
  [[nodiscard]] int64_t bytes() const { return bytes_; }
  // Makes all bytes zero again. The pages go back to the system.
  void clear();

 private:
  void* mapping_ = nullptr;
  int64_t mapping_bytes_ = 0;
  uint8_t* data_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace moebius::internal::cpu
