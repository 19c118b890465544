// The state machine over a safetensors header. docs/reliability.md lists what it refuses.
#include "checkpoint/header_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/duplicates.h"
#include "base/quote.h"

namespace moebius::internal {
namespace {

constexpr std::string_view kMetadataKey = "__metadata__";
constexpr size_t kNameBytesInMessage = 256;

struct ContainerDtype {
  std::string_view name;
  uint64_t bits;
  DType dtype;
};

// Every dtype of the container format. A model that moebius runs never uses a kOther dtype, but the sizes of such
// tensors are checked too.
constexpr std::array kDtypes = {
    ContainerDtype{"F32", 32, DType::kF32},
    ContainerDtype{"F16", 16, DType::kF16},
    ContainerDtype{"BF16", 16, DType::kBF16},
    ContainerDtype{"U32", 32, DType::kU32},
    ContainerDtype{"I32", 32, DType::kI32},
    ContainerDtype{"I8", 8, DType::kI8},
    ContainerDtype{"U8", 8, DType::kU8},
    ContainerDtype{"BOOL", 8, DType::kOther},
    ContainerDtype{"I16", 16, DType::kOther},
    ContainerDtype{"U16", 16, DType::kOther},
    ContainerDtype{"I64", 64, DType::kOther},
    ContainerDtype{"U64", 64, DType::kOther},
    ContainerDtype{"F64", 64, DType::kOther},
    ContainerDtype{"C64", 64, DType::kOther},
    ContainerDtype{"F8_E4M3", 8, DType::kOther},
    ContainerDtype{"F8_E5M2", 8, DType::kOther},
    ContainerDtype{"F8_E8M0", 8, DType::kOther},
    ContainerDtype{"F8_E4M3FNUZ", 8, DType::kOther},
    ContainerDtype{"F8_E5M2FNUZ", 8, DType::kOther},
    ContainerDtype{"F6_E2M3", 6, DType::kOther},
    ContainerDtype{"F6_E3M2", 6, DType::kOther},
    ContainerDtype{"F4", 4, DType::kOther},
};

std::string supported_dtypes() {
  std::string names;
  for (const ContainerDtype& known : kDtypes) names += (names.empty() ? "" : ", ") + std::string(known.name);
  return names;
}

std::string describe(const Json& value) {
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  return printable(to_text(value), 32);  // a number, true, false or null
}

// Returns the number of elements of a shape, or nullopt when it does not fit 64 bits.
std::optional<uint64_t> element_count(const std::vector<int64_t>& shape) {
  std::optional<uint64_t> count = 1;
  for (const int64_t dimension : shape) {
    if (count) count = checked_mul(*count, static_cast<uint64_t>(dimension));
  }
  return count;
}

}  // namespace

Error HeaderReader::error(ErrorCode code, const std::string& what) const {
  const bool in_tensor = state_ != State::kStart && state_ != State::kDone && !key_.empty();
  const std::string place = in_tensor ? where_ + ": " + printable(key_, kNameBytesInMessage) : where_;
  return {code, place, fmt::format("{}, before byte {} of the header", what, position()), kBadFileHint};
}

Error HeaderReader::misplaced() const {
  switch (state_) {
    case State::kMetadata:
      return error(ErrorCode::kBadMetadata, "a metadata value is not a string");
    case State::kShape:
      return error(ErrorCode::kBadShape, "a dimension is not an integer");
    case State::kOffsets:
      return error(ErrorCode::kBadOffsets, "an offset is not an integer");
    case State::kTensor:
      if (field_ == Field::kShape) return error(ErrorCode::kBadShape, "the shape is not an array");
      if (field_ == Field::kOffsets) return error(ErrorCode::kBadOffsets, "data_offsets is not an array");
      return error(ErrorCode::kUnknownDtype, "the dtype is not a string");
    case State::kTop:
      if (key_ == kMetadataKey) return error(ErrorCode::kBadMetadata, "the metadata is not an object");
      return error(ErrorCode::kInvalidHeader, "a tensor is not described by an object");
    default:
      return error(ErrorCode::kInvalidHeader, "the header is not a JSON object");
  }
}

void HeaderReader::defer(const Error& error) {
  if (!deferred_) deferred_ = error;
  state_ = State::kRefused;
}

void HeaderReader::begin_object() {
  if (state_ == State::kStart) {
    state_ = State::kTop;
  } else if (state_ == State::kTop && key_ == kMetadataKey) {
    if (has_metadata_) throw error(ErrorCode::kDuplicateKey, "appears twice");
    has_metadata_ = true;
    state_ = State::kMetadata;
  } else if (state_ == State::kTop) {
    begin_tensor();
  } else {
    defer(misplaced());
  }
}

void HeaderReader::begin_tensor() {
  if (header_.tensors.size() == kMaxTensors) {
    throw error(ErrorCode::kTooManyTensors, fmt::format("more than {} tensors in one file", kMaxTensors));
  }
  name_ends_.push_back(static_cast<uint32_t>(position()));
  tensor_ = {};
  offsets_.clear();
  has_fields_ = 0;
  state_ = State::kTensor;
}

void HeaderReader::end_object() {
  if (state_ == State::kTensor) {
    finish_tensor();
    state_ = State::kTop;
  } else if (state_ == State::kMetadata) {
    state_ = State::kTop;
  } else if (state_ == State::kTop) {
    state_ = State::kDone;
  }
}

void HeaderReader::begin_array() {
  if (state_ == State::kTensor && field_ == Field::kShape) {
    state_ = State::kShape;
  } else if (state_ == State::kTensor && field_ == Field::kOffsets) {
    state_ = State::kOffsets;
  } else {
    defer(misplaced());
  }
}

void HeaderReader::end_array() {
  if (state_ == State::kShape || state_ == State::kOffsets) state_ = State::kTensor;
}

void HeaderReader::key(std::string&& key) {
  if (state_ == State::kTop || state_ == State::kMetadata) {
    key_ = std::move(key);
  } else if (state_ == State::kTensor) {
    select_field(key);
  }
}

void HeaderReader::select_field(std::string_view name) {
  if (name == "dtype") {
    field_ = Field::kDtype;
  } else if (name == "shape") {
    field_ = Field::kShape;
  } else if (name == "data_offsets") {
    field_ = Field::kOffsets;
  } else {
    return defer(error(ErrorCode::kInvalidHeader, "unknown field " + in_quotes(name)));
  }
  const unsigned bit = 1u << static_cast<unsigned>(field_);
  if ((has_fields_ & bit) != 0) throw error(ErrorCode::kDuplicateKey, in_quotes(name) + " appears twice");
  has_fields_ |= bit;
}

void HeaderReader::scalar(Json&& value) {
  switch (state_) {
    case State::kShape:
      return add_dimension(value);
    case State::kOffsets:
      return add_offset(value);
    case State::kMetadata:
      return add_metadata(std::move(value));
    case State::kRefused:
      return;
    case State::kTensor:
      if (field_ == Field::kDtype) return set_dtype(value);
      throw misplaced();
    default:
      throw misplaced();
  }
}

void HeaderReader::huge_number(std::string_view text) {
  const ErrorCode code = state_ == State::kShape     ? ErrorCode::kBadShape
                         : state_ == State::kOffsets ? ErrorCode::kBadOffsets
                                                     : ErrorCode::kInvalidHeader;
  throw error(code, fmt::format("the number {} is out of range", printable(text, 32)));
}

void HeaderReader::set_dtype(const Json& value) {
  if (value.is_string()) {
    const auto& name = value.get_ref<const std::string&>();
    const auto* known = std::find_if(kDtypes.begin(), kDtypes.end(), [&](const auto& d) { return d.name == name; });
    if (known != kDtypes.end()) {
      tensor_.dtype = known->dtype;
      tensor_.dtype_name = name;
      dtype_bits_ = known->bits;
      return;
    }
  }
  throw error(ErrorCode::kUnknownDtype,
              fmt::format("dtype {}, expected one of {}", describe(value), supported_dtypes()));
}

void HeaderReader::add_dimension(const Json& value) {
  // Only an integer without a sign arrives as unsigned. The values -1, 1.5, 2^64 and "4" do not.
  if (!value.is_number_unsigned() || value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
    throw error(ErrorCode::kBadShape,
                fmt::format("dimension {}, expected an integer from 0 to 2^63-1", describe(value)));
  }
  if (tensor_.shape.size() == kMaxRank) {
    throw error(ErrorCode::kBadShape, fmt::format("more than {} dimensions", kMaxRank));
  }
  tensor_.shape.push_back(value.get<int64_t>());
}

void HeaderReader::add_offset(const Json& value) {
  if (!value.is_number_unsigned()) {
    throw error(ErrorCode::kBadOffsets, fmt::format("offset {}, expected an integer from 0", describe(value)));
  }
  if (offsets_.size() == 2) throw error(ErrorCode::kBadOffsets, "more than two data_offsets");
  offsets_.push_back(value.get<uint64_t>());
}

void HeaderReader::add_metadata(Json&& value) {
  if (!value.is_string()) throw error(ErrorCode::kBadMetadata, "expected a string, got " + describe(value));
  if (header_.metadata.size() == kMaxMetadata) {
    throw error(ErrorCode::kBadMetadata, fmt::format("more than {} metadata entries", kMaxMetadata));
  }
  const auto [at, is_new] = header_.metadata.emplace(key_, std::move(value.get_ref<std::string&>()));
  if (!is_new) throw error(ErrorCode::kDuplicateKey, "the metadata key appears twice");
}

void HeaderReader::finish_tensor() {
  constexpr unsigned kAllFields = 7;
  if (has_fields_ != kAllFields) throw error(ErrorCode::kInvalidHeader, "lacks one of dtype, shape and data_offsets");
  if (offsets_.size() != 2) throw error(ErrorCode::kBadOffsets, "data_offsets are not two");
  const uint64_t begin = offsets_[0];
  const uint64_t end = offsets_[1];
  const std::optional<uint64_t> count = element_count(tensor_.shape);
  const std::optional<uint64_t> bits = count ? checked_mul(*count, dtype_bits_) : std::nullopt;
  const std::string what =
      fmt::format("{} [{}] at [{}, {})", tensor_.dtype_name, fmt::join(tensor_.shape, ", "), begin, end);
  if (!bits) throw error(ErrorCode::kSizeOverflow, what + ": the size does not fit 64 bits");
  if (*bits % 8 != 0) throw error(ErrorCode::kMisaligned, what + ": not a whole number of bytes");
  if (begin > end) throw error(ErrorCode::kBadOffsets, what + ": begins behind its end");
  if (!checked_add(data_offset_, end)) throw error(ErrorCode::kBadOffsets, what + ": lies beyond any file");
  if (end - begin != *bits / 8) {
    throw error(ErrorCode::kBadOffsets, fmt::format("{}: {} bytes, its shape needs {}", what, end - begin, *bits / 8));
  }
  tensor_.name = key_;
  tensor_.offset = data_offset_ + begin;
  tensor_.bytes = end - begin;
  header_.tensors.push_back(std::move(tensor_));
}

void HeaderReader::refuse_duplicates() const {
  const auto name = [&](size_t i) -> const std::string& { return header_.tensors[i].name; };
  const std::optional<size_t> twice = first_duplicate(header_.tensors.size(), name);
  if (!twice) return;
  throw Error(ErrorCode::kDuplicateKey, where_ + ": " + printable(name(*twice), kNameBytesInMessage),
              fmt::format("appears twice, again before byte {} of the header", name_ends_[*twice]), kBadFileHint);
}

SafetensorsHeader HeaderReader::take() {
  if (deferred_) throw Error(*deferred_);
  refuse_duplicates();
  return std::move(header_);
}

}  // namespace moebius::internal
