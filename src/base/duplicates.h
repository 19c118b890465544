// Finds a repeated name in a list from a hostile file. It sorts the names, because no choice of names makes sorting
// slow. A hash table can be made to collide.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <string_view>
#include <vector>

namespace moebius::internal {

// Returns the smallest index whose name an earlier element already has. name(i) is the name of element i < count.
template <typename Name>
std::optional<size_t> first_duplicate(size_t count, const Name& name) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const int less = std::string_view(name(a)).compare(std::string_view(name(b)));
    return less < 0 || (less == 0 && a < b);
  });
  std::optional<size_t> first;
  for (size_t i = 1; i < count; ++i) {
    if (name(order[i]) == name(order[i - 1]) && (!first || order[i] < *first)) first = order[i];
  }
  return first;
}

}  // namespace moebius::internal
