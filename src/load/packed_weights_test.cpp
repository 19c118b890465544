// Tests packed weights on disk: they give the same logits, and the load refuses a file for each of several reasons.
#include "load/packed_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "load/options.h"
#include "model/stepper.h"
#include "model/testing/tiny_checkpoint.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace testing;

const std::vector<int32_t> kPrompt = {3, 1, 4, 1, 5, 9, 2, 6};

enum class Checksums : uint8_t { kTrusted, kVerified };

class PackedWeightsTest : public ::testing::Test {
 protected:
  PackedWeightsTest() {
    write_checkpoint(model_, tiny_config(), tiny_tensors());
    expected_ = logits(PackedUse::kOff);
  }

  // Loads with --packed `use` and returns the logits. Afterwards, notices_ has the notices of this load.
  std::vector<float> logits(PackedUse use, Checksums checksums = Checksums::kTrusted) {
    notices_.clear();
    EngineOptions options;
    options.compute.instruction_set = InstructionSet::kPortable;
    options.compute.threads = 2;
    options.packed.use = use;
    options.packed.verify = checksums == Checksums::kVerified;
    options.packed.cache_directory = (cache_.path() / "moebius").string();
    options.notice = [&](const std::string& line) { notices_.push_back(line); };
    return logits(options);
  }
  [[nodiscard]] std::vector<float> logits(const EngineOptions& options) const {
    const LoadedModel loaded = load_on_backend(Checkpoint(model_.path()), load_options(options));
    return Stepper(*loaded.model, *loaded.backend).append(kPrompt);
  }

  // Overwrites the packed file with `bytes` at an offset.
  void damage(uint64_t offset, const std::string& bytes) const {
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
  }

  // Expects that a load refuses the file for this reason and makes another one.
  void expect_made_again(const std::string& reason, Checksums checksums = Checksums::kTrusted) {
    EXPECT_EQ(logits(PackedUse::kAuto, checksums), expected_) << reason;
    EXPECT_THAT(notices_, ElementsAre(AllOf(HasSubstr("warning: ignored"), HasSubstr(reason)), HasSubstr("wrote")));
    EXPECT_EQ(logits(PackedUse::kAuto, Checksums::kVerified), expected_);
    EXPECT_THAT(notices_, ElementsAre("packed weights: " + file_.string()));
  }

  testing::TemporaryDirectory model_, cache_;
  fs::path file_ = model_.path() / "moebius.packed";
  std::vector<std::string> notices_;
  std::vector<float> expected_;
};

TEST_F(PackedWeightsTest, are_not_made_unasked) {
  EXPECT_EQ(logits(PackedUse::kAuto), expected_);
  EXPECT_FALSE(fs::exists(file_));
  EXPECT_THAT(notices_, IsEmpty());
}

TEST_F(PackedWeightsTest, are_made_once_and_then_used) {
  EXPECT_EQ(logits(PackedUse::kMake), expected_);
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("wrote " + file_.string())));
  const fs::file_time_type made = fs::last_write_time(file_);
  for (const PackedUse use : {PackedUse::kAuto, PackedUse::kMake}) {
    EXPECT_EQ(logits(use, Checksums::kVerified), expected_);
    EXPECT_THAT(notices_, ElementsAre("packed weights: " + file_.string()));
  }
  EXPECT_EQ(fs::last_write_time(file_), made);
  EXPECT_EQ(logits(PackedUse::kOff), expected_);
  EXPECT_THAT(notices_, IsEmpty());
}

TEST_F(PackedWeightsTest, of_a_changed_checkpoint_are_made_again) {
  logits(PackedUse::kMake);
  const fs::path shard = model_.path() / "model.safetensors";
  fs::last_write_time(shard, fs::last_write_time(shard) + std::chrono::seconds(1));
  expect_made_again("made from other files");
}

TEST_F(PackedWeightsTest, of_a_copied_shard_are_made_again) {
  logits(PackedUse::kMake);
  const fs::path shard = model_.path() / "model.safetensors";
  const fs::file_time_type time = fs::last_write_time(shard);
  fs::copy_file(shard, model_.path() / "copy");
  fs::rename(model_.path() / "copy", shard);
  fs::last_write_time(shard, time);  // size and time agree, but the inode differs
  expect_made_again("made from other files");
}

TEST_F(PackedWeightsTest, of_another_layout_are_made_again) {
  logits(PackedUse::kMake);
  const std::string text = read_text(file_, 16 << 20);
  damage(text.find("blocks of 16"), "blocks of 17");
  expect_made_again("another layout");
}

TEST_F(PackedWeightsTest, cut_off_are_made_again) {
  logits(PackedUse::kMake);
  const std::string whole = read_text(file_, 16 << 20);
  for (const uint64_t size : {uint64_t{0}, uint64_t{7}, uint64_t{5000}, uint64_t{whole.size() - 1}}) {
    fs::resize_file(file_, size);
    expect_made_again("moebius.packed");
  }
}

TEST_F(PackedWeightsTest, of_somebody_else_are_made_again) {
  std::ofstream(file_) << "not ours at all";
  expect_made_again("moebius.packed");
  fs::copy_file(model_.path() / "model.safetensors", file_, fs::copy_options::overwrite_existing);
  expect_made_again("not a file of packed weights");
}

TEST_F(PackedWeightsTest, damaged_are_found_out_by_their_checksums) {
  logits(PackedUse::kMake);
  damage(fs::file_size(file_) - 1000, "damage");
  expect_made_again("checksum", Checksums::kVerified);
}

TEST_F(PackedWeightsTest, go_to_the_cache_directory_when_the_models_folder_refuses) {
  fs::create_directory(file_.string() + ".tmp");
  EXPECT_EQ(logits(PackedUse::kMake), expected_);
  file_ = packed_paths(model_.path(), cache_.path() / "moebius").back();
  EXPECT_TRUE(fs::exists(file_));
  EXPECT_EQ(logits(PackedUse::kAuto), expected_);
  EXPECT_THAT(notices_, ElementsAre("packed weights: " + file_.string()));
}

TEST_F(PackedWeightsTest, that_nobody_can_keep_are_a_warning) {
  fs::create_directory(file_.string() + ".tmp");
  fs::create_directories(packed_paths(model_.path(), cache_.path() / "moebius").back().string() + ".tmp");
  EXPECT_EQ(logits(PackedUse::kMake), expected_);
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("warning: no packed weights are kept")));
}

TEST_F(PackedWeightsTest, are_a_safetensors_file_that_names_every_matrix) {
  logits(PackedUse::kMake);
  const SafetensorsHeader header = read_safetensors_header(File(file_));
  for (const TensorInfo& tensor : header.tensors) {
    EXPECT_EQ(tensor.dtype, DType::kU8);
    EXPECT_EQ(tensor.offset % 64, 0u) << tensor.name;
    EXPECT_EQ(header.metadata.count("xxh3:" + tensor.name), 1u);
  }
  EXPECT_EQ(header.metadata.at("layout"), "cpu, blocks of 16 rows, 1");
}

TEST_F(PackedWeightsTest, of_a_file_that_lacks_a_matrix_are_an_error_that_names_it) {
  logits(PackedUse::kMake);
  const std::string text = read_text(file_, 16 << 20);
  const size_t place = text.find("\"lm_head\"");
  ASSERT_NE(place, std::string::npos);
  damage(place, "\"lm_tail\"");
  EXPECT_THROW(
      {
        try {
          logits(PackedUse::kAuto);
        } catch (const Error& error) {
          EXPECT_THAT(error.what(), HasSubstr("moebius.packed: lm_head"));
          throw;
        }
      },
      Error);
}

TEST_F(PackedWeightsTest, the_reference_backend_has_none) {
  EngineOptions options;
  options.compute.backend = BackendKind::kReference;
  options.packed.use = PackedUse::kMake;
  EXPECT_EQ(logits(options), expected_);
  EXPECT_FALSE(fs::exists(file_));
}

}  // namespace
}  // namespace moebius::internal
