// Rows 1 to 5: a wrong length prefix, and a header that is not the JSON object it should be.
#include <gtest/gtest.h>

#include "bad_input.h"
#include "checkpoint/safetensors.h"
#include "raw_file.h"

namespace moebius::internal {
namespace {

constexpr const char* kFile = "model.safetensors";

auto file_of(const std::string& bytes) {
  return [bytes](const std::filesystem::path& directory) { write_bytes(directory / kFile, bytes); };
}

auto header_of(const std::string& header) { return file_of(safetensors_file(header)); }

// Returns a function that makes a large file which takes no disk space.
auto sparse_file(uint64_t header_bytes, uint64_t file_bytes) {
  return [=](const std::filesystem::path& directory) {
    write_bytes(directory / kFile, little_endian(header_bytes));
    std::filesystem::resize_file(directory / kFile, file_bytes);
  };
}

const std::string kGood = "{" + entry("a.weight", "\"U8\"", "[1]", "[0,1]") + "}";

std::vector<BadInput> prefixes() {
  std::vector<BadInput> rows;
  for (size_t bytes = 0; bytes < 8; ++bytes) {
    rows.push_back({"row01_a_file_of_" + std::to_string(bytes) + "_bytes",
                    file_of(std::string(bytes, '\0')),
                    ErrorCode::kHeaderTooSmall,
                    {kFile, "has " + std::to_string(bytes) + " bytes"}});
  }
  for (const uint64_t length : {0, 1}) {
    rows.push_back({"row01_a_header_of_" + std::to_string(length) + "_bytes",
                    file_of(little_endian(length) + "{}"),
                    ErrorCode::kInvalidHeader,
                    {kFile, "said to have " + std::to_string(length) + " bytes at byte 0"}});
  }
  return rows;
}
MOEBIUS_BAD_INPUTS(Prefix, prefixes());

constexpr uint64_t kNothing = 32 << 10;  // enough for paths, messages and a config, not for a header

const std::vector<BadInput> kLengths = {
    {"row02_a_header_one_byte_above_the_limit_in_a_sparse_file",
     sparse_file(kMaxHeaderBytes + 1, uint64_t{1} << 30),
     ErrorCode::kHeaderTooLarge,
     {kFile, "100000001 bytes", "at most 100000000"},
     kNothing},
    {"row02_a_header_of_2_to_the_63_bytes",
     file_of(little_endian(uint64_t{1} << 63) + kGood),
     ErrorCode::kHeaderTooLarge,
     {kFile, "9223372036854775808 bytes"},
     kNothing},
    {"row02_a_header_whose_end_wraps_to_the_beginning",
     file_of(little_endian(UINT64_MAX - 7) + kGood),
     ErrorCode::kHeaderTooLarge,
     {kFile, "18446744073709551608 bytes"},
     kNothing},
    {"row02_a_header_of_2_to_the_64_less_1_bytes",
     file_of(little_endian(UINT64_MAX) + kGood),
     ErrorCode::kHeaderTooLarge,
     {kFile, "18446744073709551615 bytes"},
     kNothing},
    {"row03_a_header_one_byte_longer_than_the_file",
     file_of(little_endian(kGood.size() + 1) + kGood),
     ErrorCode::kTruncated,
     {kFile, "the file has " + std::to_string(8 + kGood.size()) + " of these", "fetch the file again"},
     kNothing},
    {"row03_a_header_of_100_megabytes_in_a_small_file",
     file_of(little_endian(kMaxHeaderBytes) + kGood),
     ErrorCode::kTruncated,
     {kFile, "ends at byte 100000008"},
     kNothing},
    {"row03_a_header_of_100_megabytes_of_zeros",
     sparse_file(kMaxHeaderBytes, kMaxHeaderBytes + 8),
     ErrorCode::kInvalidHeader,
     {kFile, "begins with"},
     kNothing},
};
MOEBIUS_BAD_INPUTS(HeaderLength, kLengths);

const std::vector<BadInput> kTexts = {
    {"row04_invalid_utf8_in_a_name", header_of("{\"\xff\":1}"), ErrorCode::kInvalidHeader, {kFile, "UTF-8 at byte 2"}},
    {"row04_a_byte_order_mark", header_of("\xef\xbb\xbf{}"), ErrorCode::kInvalidHeader, {kFile, "begins with"}},
    {"row04_a_leading_space", header_of(" {}"), ErrorCode::kInvalidHeader, {kFile, "begins with"}},
    {"row04_a_JSON_array", header_of("[]"), ErrorCode::kInvalidHeader, {kFile, "not a JSON object"}},
    {"row04_a_JSON_string", header_of("\"{}\""), ErrorCode::kInvalidHeader, {kFile, "begins with"}},
    {"row04_text_after_the_object", header_of("{}{}"), ErrorCode::kInvalidHeader, {kFile, "at byte 2"}},
    {"row04_a_NUL_after_the_object", header_of(std::string("{}\0", 3)), ErrorCode::kInvalidHeader, {kFile, "NUL"}},
    {"row04_a_newline_after_the_object",
     header_of("{}\n"),
     ErrorCode::kInvalidHeader,
     {kFile, "only spaces", "byte 2"}},
    {"row04_an_open_object", header_of("{\"a\":"), ErrorCode::kInvalidHeader, {kFile, "ends early at byte 5"}},
    {"row04_a_pickle",
     file_of("\x80\x02}q\x01X\x05model"),
     ErrorCode::kHeaderTooLarge,
     {kFile, "not a safetensors file"}},
    {"row04_a_tensor_that_is_a_number",
     header_of(R"({"a":1})"),
     ErrorCode::kInvalidHeader,
     {kFile, "a: a tensor is not"}},
    {"row04_a_tensor_that_is_an_array",
     header_of(R"({"a":[]})"),
     ErrorCode::kInvalidHeader,
     {kFile, "a: a tensor is not"}},
    {"row04_a_tensor_without_dtype",
     header_of(R"({"a":{"shape":[],"data_offsets":[0,0]}})"),
     ErrorCode::kInvalidHeader,
     {kFile, "a: lacks one of dtype"}},
    {"row04_a_tensor_with_a_fourth_field",
     header_of(R"({"a":{"strides":[1]}})"),
     ErrorCode::kInvalidHeader,
     {kFile, "a: unknown field \"strides\""}},
    {"row05_a_million_open_arrays",
     header_of(repeat("[", 1'000'000)),
     ErrorCode::kJsonDepth,
     {kFile, "deeper than 8 levels at byte 8"},
     3 << 20},
    {"row05_a_million_open_objects",
     header_of(repeat("{\"a\":", 1'000'000)),
     ErrorCode::kJsonDepth,
     {kFile, "deeper than 8 levels"},
     12 << 20},
    {"row05_a_million_open_arrays_in_a_shape",
     header_of("{\"a\":{\"shape\":" + repeat("[", 1'000'000)),
     ErrorCode::kJsonDepth,
     {kFile, "deeper than 8 levels"},
     3 << 20},
    {"a_name_of_90_megabytes",
     header_of("{\"" + std::string(90'000'000, 'n') + "\":1}"),
     ErrorCode::kInvalidHeader,
     {kFile, "longer than 4194304 bytes"},
     180'000'000},
    {"a_blank_of_90_megabytes",
     header_of("{" + std::string(90'000'000, ' ') + "}"),
     ErrorCode::kInvalidHeader,
     {kFile, "longer than 4194304 bytes"},
     180'000'000},
};
MOEBIUS_BAD_INPUTS(HeaderText, kTexts);

}  // namespace
}  // namespace moebius::internal
