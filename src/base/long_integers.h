// Integers of JSON that are too long for nlohmann, which gives up beyond the largest double, at 309 digits. Python's
// json reads up to 4300, and so do we. Such an integer is hidden: nlohmann sees a zero in its place, and blanks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::internal {

class LongIntegers {
 public:
  // `json` must outlive this object. Whether it is JSON is not known yet.
  explicit LongIntegers(std::string_view json);

  // The text for nlohmann, of the same length.
  [[nodiscard]] std::string_view visible() const { return integers_.empty() ? json_ : std::string_view(masked_); }
  // Returns the integer that is hidden behind a number, if one is. The numbers come in their order; `position` is
  // behind the number, or one byte further.
  std::optional<std::string_view> take(uint64_t position);

 private:
  [[nodiscard]] std::string_view digits_around(size_t at) const;
  [[nodiscard]] std::string_view integer_of(std::string_view digits) const;
  bool is_in_string(size_t at);
  void hide(std::string_view integer);
  [[nodiscard]] size_t offset(std::string_view part) const { return static_cast<size_t>(part.data() - json_.data()); }

  std::string_view json_;
  std::string masked_;
  std::vector<std::string_view> integers_;
  size_t taken_ = 0;
  size_t quotes_end_ = 0;  // is_in_string_ is known up to here
  bool is_in_string_ = false;
};

}  // namespace moebius::internal
