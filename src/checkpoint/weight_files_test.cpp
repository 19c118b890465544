// Tests which files hold the weights. What transformers and mlx-lm take is in tests/golden/hub. The files of these
// tests are empty, because only their names count.
#include "checkpoint/weight_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"

namespace moebius::internal {
namespace {

using Names = std::vector<std::string>;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

const std::string kGolden = MOEBIUS_SOURCE_DIR "/tests/golden/hub/weight_files.json";
const std::string kOne = "model.safetensors";
const std::string kMtp = "model-mtp.safetensors";

Names shards(int count, const std::string& head = "model-") {
  Names names;
  for (int i = 1; i <= count; ++i) {
    names.push_back(head + "0000" + std::to_string(i) + "-of-0000" + std::to_string(count) + ".safetensors");
  }
  return names;
}

Names operator+(Names a, const Names& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Names first(int count, Names names) {
  names.resize(static_cast<size_t>(count));
  return names;
}

// What there is: files, and the shards that the index names. Without any there is no index.
struct Directory {
  Directory(const Names& files, const Names& named) {
    for (const std::string& name : files) folder.write(name, "");
    if (named.empty()) return;
    Json map = Json::object();
    for (const std::string& shard : named) map["in " + shard] = shard;
    folder.write(kIndexName, to_text({{"weight_map", map}}));
  }
  testing::TemporaryDirectory folder;
};

WeightFiles find(const Names& files, const Names& named = {}) {
  const Directory directory(files, named);
  return find_weight_files(directory.folder.path());
}

// Returns "model-00002-of-00003.safetensors" for the error that this shard is missing.
std::string missing_shard(const Names& files, const Names& named = {}) {
  const std::optional<Error> error = testing::error_of([&] { find(files, named); });
  if (!error || error->code() != ErrorCode::kMissingShard) return "no such error";
  const std::string text = error->what();
  const size_t end = text.find(": is missing");
  const size_t begin = text.rfind('/', end) + 1;
  return text.substr(begin, end - begin);
}

struct Choice {
  const char* what;
  Names files, named, chosen;
};

TEST(WeightFiles, are_those_that_are_whole) {
  const Names two = shards(2);
  const Names three = shards(3);
  const Choice choices[] = {
      {"an index whose shards are missing", {kOne}, two, {kOne}},
      {"an index that does not name the whole file", {kOne, two[0], two[1]}, two, {kOne}},
      {"an index that names the whole file and more", {kOne, kMtp, "mtp.safetensors"}, {kOne, kMtp}, {kMtp, kOne}},
      {"an index of the whole file and of a file that is not there", {kOne}, {kOne, "mtp.safetensors"}, {kOne}},
      {"a foreign index beside a whole series", two, three, two},
      {"an index with a file that mlx-lm does not download", two, two + Names{"mtp.safetensors"}, two},
      {"shards left over from another conversion", three + first(1, two), {}, three},
      {"shards left over from another conversion, with an index", two + three, three, three},
      {"shards left over from another conversion, with a foreign index", two, shards(4), two},
      {"a draft head beside shards without an index", two + Names{kMtp}, {}, two + Names{kMtp}},
      {"a draft head beside the whole file, and shards left over", two + Names{kMtp, kOne}, {}, {kMtp, kOne}},
      {"the names of Qwen3.5", shards(2, "model.safetensors-"), {}, shards(2, "model.safetensors-")},
      {"what only looks like a number", {"model-1-of-2.safetensors"}, {}, {"model-1-of-2.safetensors"}},
      {"the number 0", {"model-00000-of-00001.safetensors"}, {}, {"model-00000-of-00001.safetensors"}},
  };
  for (const Choice& choice : choices) EXPECT_EQ(find(choice.files, choice.named).names, choice.chosen) << choice.what;
}

TEST(WeightFiles, of_a_download_that_broke_off_are_refused_by_the_first_shard_that_is_missing) {
  const Names two = shards(2);
  const Names three = shards(3);
  EXPECT_EQ(missing_shard(first(2, three), three), three[2]);
  EXPECT_EQ(missing_shard(first(2, three)), three[2]);
  EXPECT_EQ(missing_shard({three[1], three[2]}), three[0]);
  EXPECT_EQ(missing_shard({}, two), two[0]);
  EXPECT_EQ(missing_shard(two + first(2, three), three), three[2]);  // an update of a directory
  EXPECT_EQ(missing_shard({kMtp}, two), two[0]);
  EXPECT_EQ(missing_shard({kMtp}, {"1"}), "1");
}

TEST(WeightFiles, agree_with_transformers_or_mlx_lm) {
  for (const Json& golden : parse_json(read_text(kGolden, 1 << 20), kGolden)) {
    const auto list = [&](const char* key) { return golden.at(key).is_null() ? Names() : golden.at(key).get<Names>(); };
    const Names transformers = list("transformers");
    Names chosen;
    try {
      chosen = find(list("files"), list("index")).names;
    } catch (const Error& error) {
      EXPECT_THAT(transformers, IsEmpty()) << golden << error.what();
      continue;
    }
    EXPECT_THAT(chosen, IsSupersetOf(transformers)) << golden;
    if (chosen == transformers) continue;
    EXPECT_THAT(list("mlx"), IsSupersetOf(chosen)) << golden;
  }
}

TEST(WeightFiles, say_what_is_left_out) {
  EXPECT_EQ(find({kOne, kMtp}).left_out, "");
  EXPECT_THAT(find(shards(2) + Names{kOne}).left_out,
              HasSubstr("\"model.safetensors\" is read and \"model-00001-of-00002.safetensors\" is not"));
}

TEST(ShardInIndex, is_found_by_the_canonical_name) {
  const testing::TemporaryDirectory folder;
  folder.write(kIndexName, R"({"weight_map": {"language_model.model.norm.weight": "b.safetensors", "x": "a"}})");
  EXPECT_EQ(shard_in_index(folder.path(), Json::object(), "model.norm.weight"), "b.safetensors");
  EXPECT_EQ(shard_in_index(folder.path(), Json::object(), "model.embed_tokens.weight"), std::nullopt);
}

TEST(ShardInIndex, is_none_without_an_index_and_in_a_broken_one) {
  const testing::TemporaryDirectory folder;
  EXPECT_EQ(shard_in_index(folder.path(), Json::object(), "x"), std::nullopt);
  folder.write(kIndexName, "{");
  EXPECT_EQ(shard_in_index(folder.path(), Json::object(), "x"), std::nullopt);
}

}  // namespace
}  // namespace moebius::internal
