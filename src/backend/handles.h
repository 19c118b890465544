// The objects behind the handles of a backend. A handle is an index; the index of a freed object is given out again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/check.h"

namespace moebius::internal {

template <typename T>
class Handles {
 public:
  int32_t add(std::unique_ptr<T> object) {
    auto slot = std::ranges::find_if(slots_, [](const std::unique_ptr<T>& taken) { return taken == nullptr; });
    if (slot == slots_.end()) slot = slots_.insert(slots_.end(), nullptr);
    *slot = std::move(object);
    return static_cast<int32_t>(slot - slots_.begin());
  }
  // Fails on a stale handle, which is a bug. A stale handle is not noticed once its index was given out again.
  [[nodiscard]] T& at(int32_t id) const {
    MOEBIUS_CHECK(is_alive(id));
    return *slots_[static_cast<size_t>(id)];
  }
  void free(int32_t id) {
    MOEBIUS_CHECK(is_alive(id));
    slots_[static_cast<size_t>(id)].reset();
  }

 private:
  [[nodiscard]] bool is_alive(int32_t id) const {
    return id >= 0 && id < static_cast<int32_t>(slots_.size()) && slots_[static_cast<size_t>(id)] != nullptr;
  }

  std::vector<std::unique_ptr<T>> slots_;
};

}  // namespace moebius::internal
