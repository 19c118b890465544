// Checks presence, dtype and shape of tensors, and the consistency of codes with their scales and biases.
#include "model/checked_dir.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/quote.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr size_t kListedUnknown = 5;

Shape with_last(Shape shape, int64_t last) {
  shape.back() = last;
  return shape;
}

void check_shape(const ModelDir& directory, const ModelDir::Entry& entry, const Shape& expected,
                 const std::string& hint = "") {
  if (entry.info.shape == expected) return;
  throw Error(ErrorCode::kBadTensor, directory.where(entry),
              fmt::format("expected shape {}, got {}", to_string(expected), to_string(entry.info.shape)), hint);
}

// A checkpoint of another tool (fp8, int8, nvfp4) may lack the block of config.json that names its format.
void check_float(const ModelDir& directory, const ModelDir::Entry& entry) {
  if (is_float(entry.info.dtype)) return;
  const bool says_nothing = !directory.quantization().any();
  throw Error(ErrorCode::kBadTensor, directory.where(entry),
              fmt::format("expected F32, F16 or BF16, got {}{}", entry.info.dtype_name,
                          says_nothing ? ": these weights are quantized, and config.json does not say how" : ""),
              says_nothing ? kOtherFormatHint : "");
}

void check_codes_dtype(const ModelDir& directory, const ModelDir::Entry& entry) {
  if (entry.info.dtype == DType::kU32) return;
  throw Error(ErrorCode::kBadTensor, directory.where(entry),
              fmt::format("expected packed codes (U32), got {}", entry.info.dtype_name));
}

// A hint for codes that do not fit the declared bits: the bits that the file seems to hold. It is empty when no number
// of bits fits.
std::string bits_hint(const ModelDir::Entry& codes, const std::string& module, int64_t cols) {
  const int64_t words = codes.info.shape.empty() ? 0 : codes.info.shape.back();
  if (words <= 0 || words > cols || words * 32 % cols != 0) return "";
  return fmt::format("the file looks like {} bits: check the quantization entry of {} in config.json",
                     words * 32 / cols, module);
}

}  // namespace

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

const ModelDir::Entry& CheckedDir::ask(const std::string& name) {
  const ModelDir::Entry& entry = directory_.at(name);
  if (asked_.insert(&entry).second) asked_bytes_ += entry.info.bytes;
  return entry;
}

const ModelDir::Entry& CheckedDir::floats(const std::string& name, const Shape& shape) {
  const ModelDir::Entry& entry = ask(name);
  check_float(directory_, entry);
  check_shape(directory_, entry, shape);
  return entry;
}

const ModelDir::Entry& CheckedDir::floats_of(const std::string& name, const std::vector<Shape>& shapes) {
  const ModelDir::Entry& entry = ask(name);
  check_float(directory_, entry);
  if (std::ranges::find(shapes, entry.info.shape) != shapes.end()) return entry;
  std::vector<std::string> expected;
  for (const Shape& shape : shapes) expected.push_back(to_string(shape));
  throw Error(ErrorCode::kBadTensor, directory_.where(entry),
              fmt::format("expected shape {}, got {}", fmt::join(expected, " or "), to_string(entry.info.shape)));
}

StoredMatrix CheckedDir::matrix(const std::string& module, const Shape& shape) {
  const Scales scales = has(module + ".scales") ? Scales::kPresent : Scales::kAbsent;
  const auto params = directory_.quantization().lookup(module, scales);
  if (params) return quantized_matrix(module, shape, *params);
  StoredMatrix stored;
  stored.weights = &floats(module + ".weight", shape);
  stored.format.dtype = stored.weights->info.dtype;
  return stored;
}

StoredMatrix CheckedDir::quantized_matrix(const std::string& module, const Shape& shape,
                                          const QuantizationParams& params) {
  const int64_t cols = shape.back();
  StoredMatrix stored;
  stored.weights = &ask(module + ".weight");
  if (cols % params.group != 0) {
    throw Error(ErrorCode::kBadTensor, directory_.where(*stored.weights),
                fmt::format("{} inputs are not a multiple of the group size {}", cols, params.group));
  }
  check_codes_dtype(directory_, *stored.weights);
  check_shape(directory_, *stored.weights, with_last(shape, cols * params.bits / 32),
              bits_hint(*stored.weights, module, cols));
  const Shape scales_shape = with_last(shape, cols / params.group);
  stored.scales = &scales(module, scales_shape, params.mode);
  if (params.mode == QuantMode::kAffine) stored.biases = &biases(module, scales_shape, *stored.scales);
  stored.format.dtype = DType::kU32;
  stored.format.quant = {params.bits, params.group, stored.scales->info.dtype, params.mode};
  return stored;
}

const ModelDir::Entry& CheckedDir::scales(const std::string& module, const Shape& shape, QuantMode mode) {
  const ModelDir::Entry& entry = ask(module + ".scales");
  const DType dtype = entry.info.dtype;
  const bool affine = mode == QuantMode::kAffine;
  if (affine ? !is_float(dtype) : dtype != DType::kU8) {
    throw Error(
        ErrorCode::kBadTensor, directory_.where(entry),
        fmt::format("expected scales in {}, got {}", affine ? "F32, F16 or BF16" : "U8", entry.info.dtype_name),
        fmt::format("config.json says that {} is of mode {}: check its quantization entry", module, name(mode)));
  }
  check_shape(directory_, entry, shape);
  return entry;
}

const ModelDir::Entry& CheckedDir::biases(const std::string& module, const Shape& shape,
                                          const ModelDir::Entry& scales) {
  const ModelDir::Entry& entry = floats(module + ".biases", shape);
  if (entry.info.dtype == scales.info.dtype) return entry;
  throw Error(
      ErrorCode::kBadTensor, directory_.where(entry),
      fmt::format("expected the dtype of the scales, {}, got {}", scales.info.dtype_name, entry.info.dtype_name));
}

void CheckedDir::skip_module(const std::string& module) {
  for (const char* part : {".weight", ".scales", ".biases"}) {
    if (const ModelDir::Entry* entry = directory_.find(module + part)) asked_.insert(entry);
  }
}

void CheckedDir::refuse_unknown() const {
  std::vector<std::string> unknown;
  for (const auto& [name, entry] : directory_.tensors()) {
    if (!asked_.contains(&entry) && !name.starts_with("mtp.")) unknown.push_back(in_quotes(name));
  }
  if (unknown.empty()) return;
  const size_t count = unknown.size();
  unknown.resize(std::min(count, kListedUnknown));
  throw Error(ErrorCode::kUnknownTensor, directory_.path().string(),
              fmt::format("{} tensors have no place in this model: {}{}", count, fmt::join(unknown, ", "),
                          count > kListedUnknown ? ", ..." : ""),
              "config.json may belong to another checkpoint");
}

}  // namespace moebius::internal
