// Tests what the container gives back: everything that a writer may put in, ours and others'. tests/bad_inputs holds
// the files that are refused.
#include "checkpoint/safetensors.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"

namespace moebius::internal {
namespace {

const std::vector<DType> kWritable = {DType::kF32, DType::kF16, DType::kBF16, DType::kU32,
                                      DType::kI32, DType::kI8,  DType::kU8};

class Safetensors : public ::testing::Test {
 protected:
  testing::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "a.safetensors";
};

uint64_t byte_count(const SafetensorsWriter::Declaration& tensor) {
  return std::accumulate(tensor.shape.begin(), tensor.shape.end(), static_cast<uint64_t>(size_bytes(tensor.dtype)),
                         [](uint64_t bytes, int64_t dimension) { return bytes * static_cast<uint64_t>(dimension); });
}

// Writes data whose byte i is a function of i, in pieces of `piece` bytes.
void write_file(const std::filesystem::path& path, const std::vector<SafetensorsWriter::Declaration>& tensors,
                const std::map<std::string, std::string>& metadata, size_t piece) {
  uint64_t total = 0;
  for (const auto& tensor : tensors) total += byte_count(tensor);
  std::vector<std::byte> data(total);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 7);
  SafetensorsWriter writer(path, tensors, metadata);
  for (size_t at = 0; at < data.size(); at += piece) {
    writer.write(std::span(data).subspan(at, std::min(piece, data.size() - at)));
  }
  writer.finish();
}

// Generates declarations; call it inside a property. Names are unique and ASCII, everything else is free.
std::vector<SafetensorsWriter::Declaration> any_declarations() {
  const auto character = rc::gen::inRange<char>(1, 127);
  const auto name = rc::gen::container<std::string>(character);
  std::vector<SafetensorsWriter::Declaration> tensors;
  for (std::string& unique : *rc::gen::unique<std::vector<std::string>>(name)) {
    const auto shape = *rc::gen::resize(4, rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(0, 6)));
    tensors.push_back({std::move(unique), *rc::gen::elementOf(kWritable), shape});
  }
  return tensors;
}

TEST_F(Safetensors, give_back_whatever_was_written) {
  const bool holds = rc::check([&] {
    const auto tensors = any_declarations();
    const auto piece = *rc::gen::inRange<size_t>(1, 100);
    std::filesystem::remove(path_);
    write_file(path_, tensors, {{"format", "mlx"}, {"quote\"", "line\n"}}, piece);
    const SafetensorsHeader header = read_safetensors_header(File(path_));
    RC_ASSERT(header.metadata.at("quote\"") == "line\n");
    RC_ASSERT(header.tensors.size() == tensors.size());
    for (const auto& tensor : tensors) {
      const auto found = std::find_if(header.tensors.begin(), header.tensors.end(),
                                      [&](const TensorInfo& info) { return info.name == tensor.name; });
      RC_ASSERT(found != header.tensors.end());
      RC_ASSERT(found->dtype == tensor.dtype);
      RC_ASSERT(found->dtype_name == name(tensor.dtype));
      RC_ASSERT(found->shape == tensor.shape);
      RC_ASSERT(found->bytes == byte_count(tensor));
    }
  });
  EXPECT_TRUE(holds);
}

TEST_F(Safetensors, hold_each_tensors_bytes_where_the_header_says) {
  write_file(path_, {{"a", DType::kU8, {3}}, {"b", DType::kF32, {2}}}, {}, 4);
  const File file(path_);
  const SafetensorsHeader header = read_safetensors_header(file);
  std::array<uint8_t, 8> b{};
  file.read(header.tensors[1].offset, std::as_writable_bytes(std::span(b)));
  for (size_t i = 0; i < b.size(); ++i) EXPECT_EQ(b[i], static_cast<uint8_t>((i + 3) * 7));
}

TEST_F(Safetensors, begin_their_data_at_a_multiple_of_eight) {
  for (int letters = 1; letters <= 8; ++letters) {
    std::filesystem::remove(path_);
    write_file(path_, {{std::string(static_cast<size_t>(letters), 'a'), DType::kU8, {1}}}, {}, 1);
    EXPECT_EQ(read_safetensors_header(File(path_)).tensors[0].offset % 8, 0u) << letters;
  }
}

TEST_F(Safetensors, without_tensors_are_a_header_alone) {
  write_file(path_, {}, {}, 1);
  EXPECT_EQ(read_text(path_, 99), std::string("\x08\0\0\0\0\0\0\0{}      ", 16));
}

TEST_F(Safetensors, are_refused_by_their_writer_when_the_data_does_not_fit_the_declarations) {
  SafetensorsWriter writer(path_, {{"a", DType::kF32, {2}}});
  std::array<std::byte, 9> bytes{};
  testing::expect_error(ErrorCode::kInternal, "remaining_bytes_", [&] { writer.write(bytes); });
  writer.write(std::span(bytes).first(7));
  testing::expect_error(ErrorCode::kInternal, "remaining_bytes_", [&] { writer.finish(); });
}

SafetensorsHeader parse(std::string_view header, uint64_t data_bytes) {
  return parse_safetensors_header(header, 8 + header.size(), data_bytes, "a.safetensors");
}

TEST(SafetensorsHeader, lists_tensors_by_offset_whatever_their_order_in_the_text) {
  const auto header = parse(R"({"b":{"data_offsets":[1,2],"shape":[1],"dtype":"U8"},
                                "a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}})",
                            2);
  ASSERT_EQ(header.tensors.size(), 2u);
  EXPECT_EQ(header.tensors[0].name, "a");
  EXPECT_EQ(header.tensors[1].name, "b");
  EXPECT_EQ(header.tensors[1].offset, header.tensors[0].offset + 1);
}

TEST(SafetensorsHeader, accepts_scalars_and_empty_tensors_that_share_an_offset) {
  const auto header = parse(R"({"y":{"dtype":"F32","shape":[0,2],"data_offsets":[0,0]},
                                "x":{"dtype":"F32","shape":[],"data_offsets":[0,4]},
                                "z":{"dtype":"F32","shape":[7,0],"data_offsets":[4,4]},
                                "w":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}})",
                            4);
  ASSERT_EQ(header.tensors.size(), 4u);
  EXPECT_EQ(header.tensors[0].name, "y");
  EXPECT_EQ(header.tensors[1].name, "x");
  EXPECT_TRUE(header.tensors[1].shape.empty());
}

TEST(SafetensorsHeader, accepts_spaces_behind_it) { EXPECT_TRUE(parse("{}       ", 0).tensors.empty()); }

TEST(SafetensorsHeader, knows_the_size_of_every_dtype_of_the_format) {
  struct Row {
    const char* dtype;
    uint64_t bytes_of_eight;
    DType kept_as;
  };
  const Row rows[] = {{"F32", 32, DType::kF32},
                      {"F16", 16, DType::kF16},
                      {"BF16", 16, DType::kBF16},
                      {"U32", 32, DType::kU32},
                      {"I32", 32, DType::kI32},
                      {"I8", 8, DType::kI8},
                      {"U8", 8, DType::kU8},
                      {"BOOL", 8, DType::kOther},
                      {"I16", 16, DType::kOther},
                      {"U16", 16, DType::kOther},
                      {"I64", 64, DType::kOther},
                      {"U64", 64, DType::kOther},
                      {"F64", 64, DType::kOther},
                      {"C64", 64, DType::kOther},
                      {"F8_E4M3", 8, DType::kOther},
                      {"F8_E5M2", 8, DType::kOther},
                      {"F8_E8M0", 8, DType::kOther},
                      {"F8_E4M3FNUZ", 8, DType::kOther},
                      {"F8_E5M2FNUZ", 8, DType::kOther},
                      {"F6_E2M3", 6, DType::kOther},
                      {"F6_E3M2", 6, DType::kOther},
                      {"F4", 4, DType::kOther}};
  for (const Row& row : rows) {
    const std::string text = R"({"t":{"dtype":")" + std::string(row.dtype) + R"(","shape":[2,4],"data_offsets":[0,)" +
                             std::to_string(row.bytes_of_eight) + "]}}";
    const auto header = parse(text, row.bytes_of_eight);
    EXPECT_EQ(header.tensors[0].dtype, row.kept_as) << row.dtype;
    EXPECT_EQ(header.tensors[0].dtype_name, row.dtype);
  }
}

}  // namespace
}  // namespace moebius::internal
