// HeaderReader turns the JSON events of a safetensors header into TensorInfo one by one. It never builds a tree of the
// JSON, so that a header of 100 MB costs little more than the text itself. It checks structure, dtypes, shapes and
// sizes. parse_safetensors_header (safetensors.cpp) checks how the tensors lie in the file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_events.h"
#include "checkpoint/safetensors.h"

namespace moebius::internal {

// The most tensors in one file. The largest published checkpoints with every expert apart come near 300,000 tensors, in
// 40 files or more.
constexpr size_t kMaxTensors = 262'144;
constexpr size_t kMaxRank = 8;
constexpr size_t kMaxMetadata = 65'536;

// The hint for a file that no proper writer made.
constexpr const char* kBadFileHint =
    "the file is damaged or its writer broke the safetensors format: download it again";

class HeaderReader : public JsonHandler {
 public:
  HeaderReader(std::string where, uint64_t data_offset) : where_(std::move(where)), data_offset_(data_offset) {}

  // Call it after the last event. Returns the tensors in header order, with absolute offsets. Throws the deferred
  // error, or kDuplicateKey when a tensor appears twice.
  SafetensorsHeader take();

  void begin_object() override;
  void end_object() override;
  void begin_array() override;
  void end_array() override;
  void key(std::string&& key) override;
  void scalar(Json&& value) override;
  void huge_number(std::string_view text) override;

 private:
  enum class State { kStart, kTop, kMetadata, kTensor, kShape, kOffsets, kDone, kRefused };
  enum class Field { kDtype, kShape, kOffsets };

  [[nodiscard]] Error error(ErrorCode code, const std::string& what) const;
  [[nodiscard]] Error misplaced() const;  // a value of the wrong kind for this state
  void defer(const Error& error);
  void begin_tensor();
  void select_field(std::string_view name);
  void set_dtype(const Json& value);
  void add_dimension(const Json& value);
  void add_offset(const Json& value);
  void add_metadata(Json&& value);
  void finish_tensor();
  void refuse_duplicates() const;

  std::string where_;
  uint64_t data_offset_;
  SafetensorsHeader header_;
  std::vector<uint32_t> name_ends_;  // for each tensor, the header byte that a message about its name points at
  State state_ = State::kStart;
  std::optional<Error> deferred_;  // thrown by take(): a later kJsonDepth error says more and comes first
  bool has_metadata_ = false;

  std::string key_;  // the last key at the top level or in the metadata
  Field field_ = Field::kDtype;
  unsigned has_fields_ = 0;  // bit set of Field
  TensorInfo tensor_;
  uint64_t dtype_bits_ = 0;
  std::vector<uint64_t> offsets_;
};

}  // namespace moebius::internal
