// Rows 6 to 13: headers that are valid JSON but say impossible things about a tensor.
#include <gtest/gtest.h>

#include "bad_input.h"
#include "base/testing/temporary_directory.h"
#include "checkpoint/header_reader.h"
#include "checkpoint/model_dir.h"
#include "raw_file.h"

namespace moebius::internal {
namespace {

constexpr const char* kFile = "model.safetensors";

// Returns a function that writes a file whose header holds these entries.
auto file_of(const std::string& entries, uint64_t data_bytes = 8, const std::string& appended = "") {
  return [=](const std::filesystem::path& directory) {
    write_bytes(directory / kFile, safetensors_file("{" + entries + "}", data_bytes) + appended);
  };
}

// Returns a function that writes a file with one tensor "t". dtype, shape and offsets are JSON text.
auto tensor(const std::string& dtype, const std::string& shape, const std::string& offsets, uint64_t data_bytes = 8) {
  return file_of(entry("t", dtype, shape, offsets), data_bytes);
}

const std::string kA = entry("a", "\"U8\"", "[4]", "[0,4]");
const std::string kB = entry("b", "\"U8\"", "[4]", "[4,8]");

std::string many_metadata_entries() {
  std::string entries;
  for (size_t i = 0; i <= kMaxMetadata; ++i) entries += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":\"\"";
  return entries;
}

const std::vector<BadInput> kKeys = {
    {"row06_a_tensor_twice",
     file_of(kA + "," + kB + "," + kA),
     ErrorCode::kDuplicateKey,
     {kFile, ": a: appears twice"}},
    {"row06_a_tensor_twice_in_another_spelling",
     file_of(kA + "," + entry("\\u0061", "\"U8\"", "[4]", "[4,8]")),
     ErrorCode::kDuplicateKey,
     {kFile, ": a: appears twice"}},
    {"row06_a_dtype_twice",
     file_of(R"("t":{"dtype":"U8","dtype":"F32","shape":[8],"data_offsets":[0,8]})"),
     ErrorCode::kDuplicateKey,
     {kFile, ": t: \"dtype\" appears twice"}},
    {"row06_a_shape_twice",
     file_of(R"("t":{"dtype":"U8","shape":[1],"shape":[8],"data_offsets":[0,8]})"),
     ErrorCode::kDuplicateKey,
     {kFile, ": t: \"shape\" appears twice"}},
    {"row06_metadata_twice",
     file_of(R"("__metadata__":{},"__metadata__":{})", 0),
     ErrorCode::kDuplicateKey,
     {kFile, "__metadata__: appears twice"}},
    {"row06_a_metadata_key_twice",
     file_of(R"("__metadata__":{"k":"a","k":"b"})", 0),
     ErrorCode::kDuplicateKey,
     {kFile, "k: the metadata key appears twice"}},
    {"row06_a_metadata_value_that_is_a_number",
     file_of(R"("__metadata__":{"k":1})", 0),
     ErrorCode::kBadMetadata,
     {kFile, ": k: expected a string, got 1"}},
    {"row06_a_metadata_value_that_is_null",
     file_of(R"("__metadata__":{"k":null})", 0),
     ErrorCode::kBadMetadata,
     {kFile, ": k: expected a string, got null"}},
    {"row06_a_metadata_value_that_is_an_object",
     file_of(R"("__metadata__":{"k":{}})", 0),
     ErrorCode::kBadMetadata,
     {kFile, ": k: a metadata value is not a string"}},
    {"row06_metadata_that_is_a_string",
     file_of(R"("__metadata__":"mlx")", 0),
     ErrorCode::kBadMetadata,
     {kFile, "the metadata is not an object"}},
    {"row06_more_metadata_entries_than_the_limit",
     file_of("\"__metadata__\":{" + many_metadata_entries() + "}", 0),
     ErrorCode::kBadMetadata,
     {kFile, "more than 65536"},
     12 << 20},
};
MOEBIUS_BAD_INPUTS(Keys, kKeys);

const std::vector<BadInput> kDtypes = {
    {"row07_an_unknown_dtype",
     tensor("\"F128\"", "[1]", "[0,8]"),
     ErrorCode::kUnknownDtype,
     {kFile, ": t: dtype \"F128\"", "F32, F16, BF16, U32, I32, I8, U8, BOOL"}},
    {"row07_a_lower_case_dtype",
     tensor("\"f32\"", "[2]", "[0,8]"),
     ErrorCode::kUnknownDtype,
     {kFile, ": t: dtype \"f32\""}},
    {"row07_a_dtype_that_is_a_number",
     tensor("32", "[2]", "[0,8]"),
     ErrorCode::kUnknownDtype,
     {kFile, ": t: dtype 32"}},
    {"row07_a_dtype_that_is_null",
     tensor("null", "[2]", "[0,8]"),
     ErrorCode::kUnknownDtype,
     {kFile, ": t: dtype null"}},
    {"row07_a_dtype_that_is_an_object",
     tensor("{}", "[2]", "[0,8]"),
     ErrorCode::kUnknownDtype,
     {kFile, ": t: the dtype is not a string"}},
    {"row07_a_dtype_with_terminal_escapes",
     tensor("\"\\u001b[2J\"", "[2]", "[0,8]"),
     ErrorCode::kUnknownDtype,
     {kFile, R"(\x1b[2J)"}},
};
MOEBIUS_BAD_INPUTS(Dtypes, kDtypes);

const std::vector<BadInput> kShapes = {
    {"row08_a_negative_dimension",
     tensor("\"U8\"", "[-1]", "[0,8]"),
     ErrorCode::kBadShape,
     {kFile, ": t: dimension -1"}},
    {"row08_a_dimension_of_minus_zero",
     tensor("\"U8\"", "[-0]", "[0,0]"),
     ErrorCode::kBadShape,
     {kFile, ": t: dimension"}},
    {"row08_a_fractional_dimension",
     tensor("\"U8\"", "[1.5]", "[0,8]"),
     ErrorCode::kBadShape,
     {kFile, ": t: dimension 1.5"}},
    {"row08_a_dimension_of_1e400",
     tensor("\"U8\"", "[1e400]", "[0,8]"),
     ErrorCode::kBadShape,
     {kFile, ": t: the number 1e400"}},
    {"row08_a_dimension_of_8e0",
     tensor("\"U8\"", "[8e0]", "[0,8]"),
     ErrorCode::kBadShape,
     {kFile, ": t: dimension 8.0"}},
    {"row08_a_dimension_of_2_to_the_64",
     tensor("\"U8\"", "[18446744073709551616]", "[0,8]"),
     ErrorCode::kBadShape,
     {kFile, ": t: dimension 1.8"}},
    {"row08_a_dimension_that_is_a_string",
     tensor("\"U8\"", "[\"4\"]", "[0,8]"),
     ErrorCode::kBadShape,
     {kFile, ": t: dimension \"4\""}},
    {"row08_a_dimension_that_is_an_array",
     tensor("\"U8\"", "[[4]]", "[0,8]"),
     ErrorCode::kBadShape,
     {kFile, ": t: a dimension is not an integer"}},
    {"row08_a_shape_that_is_a_number",
     tensor("\"U8\"", "8", "[0,8]"),
     ErrorCode::kBadShape,
     {kFile, ": t: the shape is not an array"}},
    {"row08_a_thousand_dimensions",
     tensor("\"U8\"", "[1" + repeat(",1", 999) + "]", "[0,1]", 1),
     ErrorCode::kBadShape,
     {kFile, ": t: more than 8 dimensions"}},
    {"row09_elements_that_overflow_to_zero",
     tensor("\"U8\"", "[4294967296,4294967296]", "[0,0]", 0),
     ErrorCode::kSizeOverflow,
     {kFile, ": t: U8 [4294967296, 4294967296]"}},
    {"row09_bytes_that_overflow_to_zero",
     tensor("\"F32\"", "[4611686018427387904]", "[0,0]", 0),
     ErrorCode::kSizeOverflow,
     {kFile, ": t: F32 [4611686018427387904]"}},
    {"row09_a_dimension_of_2_to_the_63",
     tensor("\"U8\"", "[9223372036854775808,2]", "[0,0]", 0),
     ErrorCode::kBadShape,
     {kFile, ": t: dimension 9223372036854775808"}},
    {"row09_two_negative_dimensions_whose_product_fits",
     tensor("\"U8\"", "[-1,-4]", "[0,4]", 4),
     ErrorCode::kBadShape,
     {kFile, ": t: dimension -1"}},
    {"row13_one_element_of_four_bits",
     tensor("\"F4\"", "[1]", "[0,1]", 1),
     ErrorCode::kMisaligned,
     {kFile, ": t: F4 [1]", "whole number of bytes"}},
    {"row13_five_elements_of_six_bits",
     tensor("\"F6_E2M3\"", "[5]", "[0,4]", 4),
     ErrorCode::kMisaligned,
     {kFile, ": t: F6_E2M3 [5]"}},
};
MOEBIUS_BAD_INPUTS(Shapes, kShapes);

const std::vector<BadInput> kOffsets = {
    {"row10_one_offset",
     tensor("\"U8\"", "[8]", "[0]"),
     ErrorCode::kBadOffsets,
     {kFile, ": t: data_offsets are not two"}},
    {"row10_three_offsets", tensor("\"U8\"", "[8]", "[0,8,8]"), ErrorCode::kBadOffsets, {kFile, ": t: more than two"}},
    {"row10_an_end_before_the_beginning",
     tensor("\"U8\"", "[8]", "[8,0]"),
     ErrorCode::kBadOffsets,
     {kFile, ": t: U8 [8] at [8, 0)", "behind its end"}},
    {"row10_an_end_of_2_to_the_64_less_1",
     tensor("\"U8\"", "[8]", "[0,18446744073709551615]"),
     ErrorCode::kBadOffsets,
     {kFile, ": t: U8 [8] at [0, 18446744073709551615)"}},
    {"row10_a_beginning_that_wraps_behind_the_header",
     tensor("\"U8\"", "[8]", "[18446744073709551600,18446744073709551608]"),
     ErrorCode::kBadOffsets,
     {kFile, ": t:", "beyond any file"}},
    {"row10_a_negative_offset", tensor("\"U8\"", "[8]", "[-8,0]"), ErrorCode::kBadOffsets, {kFile, ": t: offset -8"}},
    {"row10_a_fractional_offset",
     tensor("\"U8\"", "[8]", "[0,8.0]"),
     ErrorCode::kBadOffsets,
     {kFile, ": t: offset 8.0"}},
    {"row10_an_offset_of_1e400",
     tensor("\"U8\"", "[8]", "[0,1e400]"),
     ErrorCode::kBadOffsets,
     {kFile, ": t: the number 1e400"}},
    {"row10_offsets_that_are_a_string",
     tensor("\"U8\"", "[8]", "\"0,8\""),
     ErrorCode::kBadOffsets,
     {kFile, ": t: data_offsets is not an array"}},
    {"row10_fewer_bytes_than_the_shape_needs",
     tensor("\"F32\"", "[2]", "[0,7]", 7),
     ErrorCode::kBadOffsets,
     {kFile, ": t: F32 [2] at [0, 7): 7 bytes, its shape needs 8"}},
    {"row10_more_bytes_than_the_shape_needs",
     tensor("\"F32\"", "[2]", "[0,9]", 9),
     ErrorCode::kBadOffsets,
     {kFile, ": t:", "9 bytes, its shape needs 8"}},
};
MOEBIUS_BAD_INPUTS(Offsets, kOffsets);

const std::vector<BadInput> kLayouts = {
    {"row11_an_overlap_of_one_byte",
     file_of(kA + "," + entry("b", "\"U8\"", "[5]", "[3,8]")),
     ErrorCode::kOverlap,
     {kFile, ": b: begins at byte", "overlaps"}},
    {"row11_two_tensors_of_the_same_bytes",
     file_of(kA + "," + entry("b", "\"U8\"", "[4]", "[0,4]"), 4),
     ErrorCode::kOverlap,
     {kFile, "overlaps"}},
    {"row11_an_empty_tensor_inside_another",
     file_of(kA + "," + entry("b", "\"U8\"", "[0]", "[2,2]"), 4),
     ErrorCode::kOverlap,
     {kFile, ": b: begins"}},
    {"row11_a_hole_of_one_byte",
     file_of(kA + "," + entry("b", "\"U8\"", "[3]", "[5,8]")),
     ErrorCode::kHole,
     {kFile, ": b: begins at byte", "belong to no tensor"}},
    {"row11_a_hole_at_the_beginning",
     tensor("\"U8\"", "[7]", "[1,8]"),
     ErrorCode::kHole,
     {kFile, ": t: begins at byte"}},
    {"row11_one_trailing_byte", file_of(kA + "," + kB, 9), ErrorCode::kTrailingBytes, {kFile, "1 bytes from byte"}},
    {"row11_data_without_tensors", file_of("", 1), ErrorCode::kTrailingBytes, {kFile, "1 bytes from byte 10"}},
    {"row11_a_zip_archive_appended",
     file_of(kA + "," + kB, 8, "PK\x05\x06" + std::string(18, '\0')),
     ErrorCode::kTrailingBytes,
     {kFile, "22 bytes from byte"}},
    {"row11_a_pdf_appended",
     file_of(kA + "," + kB, 8, "%PDF-1.7\n%%EOF"),
     ErrorCode::kTrailingBytes,
     {kFile, "14 bytes"}},
    {"row15_the_last_byte_missing",
     file_of(kA + "," + kB, 7),
     ErrorCode::kTruncated,
     {kFile, ": b: ends at byte", "fetch the file again"}},
};
MOEBIUS_BAD_INPUTS(Layouts, kLayouts);

TEST(Row12, empty_tensors_that_share_an_offset_and_scalars_are_accepted) {
  const testing::TemporaryDirectory directory;
  directory.write("config.json", "{}");
  file_of(entry("e", "\"F32\"", "[0,4]", "[0,0]") + "," + entry("f", "\"F32\"", "[0]", "[0,0]") + "," +
          entry("s", "\"F32\"", "[]", "[0,4]") + "," + kB)(directory.path());
  const ModelDir model(directory.path());
  EXPECT_EQ(model.tensors().size(), 4u);
  EXPECT_EQ(model.at("s").info.bytes, 4u);
}

TEST(Row13, elements_of_six_bits_that_fill_whole_bytes_are_accepted) {
  const testing::TemporaryDirectory directory;
  directory.write("config.json", "{}");
  tensor("\"F6_E2M3\"", "[4]", "[0,3]", 3)(directory.path());
  EXPECT_EQ(ModelDir(directory.path()).at("t").info.bytes, 3u);
}

}  // namespace
}  // namespace moebius::internal
