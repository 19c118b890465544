// Tests where the cache of huggingface_hub is and which snapshot a name means. What huggingface_hub itself answers is
// in tests/golden/hub.
#include "cli/hub_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "base/file.h"
#include "base/json.h"
#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"
#include "cli/model_location.h"

namespace moebius::internal::apps {
namespace {

namespace fs = std::filesystem;
using internal::testing::expect_error;
using internal::testing::TemporaryDirectory;

const std::string kGolden = MOEBIUS_SOURCE_DIR "/tests/golden/hub/cache.json";

// Sets variables for one test. The variables that decide the cache, and are not among them, are unset.
class Environment {
 public:
  using Values = std::map<std::string, std::string>;

  explicit Environment(const Values& values) {
    for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"}) set(name);
    for (const auto& [name, value] : values) set(name, value.c_str());
  }
  ~Environment() {
    for (const auto& [name, value] : before_) restore(name, value);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  using Value = std::optional<std::string>;

  void set(const std::string& name, const char* value = nullptr) {
    const char* before = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    before_.emplace(name, before == nullptr ? Value() : before);
    restore(name, value == nullptr ? Value() : value);
  }
  static void restore(const std::string& name, const Value& value) {
    if (value) {
      ::setenv(name.c_str(), value->c_str(), 1);  // NOLINT(concurrency-mt-unsafe): one thread
    } else {
      ::unsetenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    }
  }

  std::map<std::string, Value> before_;
};

Json golden() { return parse_json(read_text(kGolden, JsonLimits{}.max_bytes), kGolden); }

TEST(HubCache, is_where_huggingface_hub_looks) {
  for (const Json& place : golden().at("places")) {
    const Environment environment(place.at("environment").get<Environment::Values>());
    EXPECT_EQ(hub_cache().lexically_normal(), fs::path(place.at("cache").get<std::string>())) << place;
  }
}

TEST(HubCache, without_HOME_is_in_the_home_of_the_user_who_runs_the_program) {
  const Environment environment(Environment::Values{});
  EXPECT_TRUE(hub_cache().is_absolute());
  EXPECT_THAT(hub_cache().string(), ::testing::EndsWith("/.cache/huggingface/hub"));
}

TEST(HubCache, keeps_the_name_of_an_unknown_user) {
  const Environment environment(Environment::Values{{"HF_HOME", "~nobody-has-this-name/hf"}});
  EXPECT_EQ(hub_cache(), "~nobody-has-this-name/hf/hub");
}

class Snapshots : public ::testing::Test {
 protected:
  // The name of a directory of weights without its cache: "models--A--B/snapshots/c".
  [[nodiscard]] std::string found(const std::string& name) const {
    return fs::path(locate_model(name)).lexically_relative(cache_.path()).string();
  }
  void write(const std::string& file, const std::string& text = "x") const { cache_.write(file, text); }

  TemporaryDirectory cache_;
  Environment environment_{Environment::Values{{"HF_HUB_CACHE", cache_.path().string()}}};
};

TEST_F(Snapshots, are_those_that_huggingface_hub_finds) {
  for (const Json& cache : golden().at("finds")) {
    const TemporaryDirectory directory;
    for (const auto& [file, text] : cache.at("files").items()) directory.write(file, text.get<std::string>());
    for (const Json& asked : cache.at("asked")) {
      std::string found;
      try {
        const fs::path entry = entry_of(directory.path(), asked.at("repository").get<std::string>());
        found = snapshot_of(entry, asked.at("revision").get<std::string>()).lexically_relative(directory.path());
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kMissingInput);
      }
      const Json& expected = asked.at("found");
      EXPECT_EQ(found, expected.is_null() ? "" : expected.get<std::string>()) << asked;
    }
  }
}

TEST_F(Snapshots, are_found_by_name_last_part_and_revision) {
  write("models--Org--Name/refs/main", "abc\n");
  write("models--Org--Name/refs/refs/pr/7", "def");
  write("models--Org--Name/snapshots/abc/model.safetensors");
  write("models--Org--Name/snapshots/def/model.safetensors");
  EXPECT_EQ(found("Org/Name"), "models--Org--Name/snapshots/abc");
  EXPECT_EQ(found("Name@main"), "models--Org--Name/snapshots/abc");
  EXPECT_EQ(found("Org/Name@refs/pr/7"), "models--Org--Name/snapshots/def");
  EXPECT_EQ(found("Name@def"), "models--Org--Name/snapshots/def");
}

TEST_F(Snapshots, of_an_unknown_revision_list_those_that_are_here) {
  write("models--Org--Name/refs/main", "0123456789abcdef");
  write("models--Org--Name/snapshots/0123456789abcdef/model.safetensors");
  write("models--Org--Name/snapshots/fedc/model.safetensors");
  expect_error(ErrorCode::kMissingInput, "has no snapshot of \"dev\"; there are: main (0123456789ab), fedc",
               [] { locate_model("Name@dev"); });
  expect_error(ErrorCode::kMissingInput, "`hf download Org/Name --revision dev`", [] { locate_model("Name@dev"); });
  expect_error(ErrorCode::kMissingInput, "has no snapshot of \"../../x\"", [] { locate_model("Name@../../x"); });
}

TEST_F(Snapshots, may_not_be_led_out_of_the_entry_by_a_file_of_refs) {
  write("models--Org--Name/refs/main", "../../secret");
  write("secret/model.safetensors");
  write("models--Org--Name/snapshots/abc/config.json");
  write("models--Org--Name/snapshots/def/config.json");
  expect_error(ErrorCode::kMissingInput, "has no snapshot of \"main\"", [] { locate_model("Org/Name"); });
}

TEST_F(Snapshots, without_weights_give_way_to_the_only_one_that_has_them) {
  write("models--Org--Name/refs/main", "new");
  write("models--Org--Name/snapshots/new/tokenizer.json");
  EXPECT_EQ(found("Org/Name"), "models--Org--Name/snapshots/new");
  write("models--Org--Name/snapshots/old/model-00001-of-00002.safetensors");
  EXPECT_EQ(found("Org/Name"), "models--Org--Name/snapshots/old");
  EXPECT_EQ(found("Org/Name@main"), "models--Org--Name/snapshots/new");
  write("models--Org--Name/snapshots/older/model.safetensors");
  expect_error(ErrorCode::kMissingInput, "has no weights of \"main\"; there are: main (new), old, older",
               [] { locate_model("Org/Name"); });
  write("models--Org--Name/snapshots/new/model.safetensors");
  EXPECT_EQ(found("Org/Name"), "models--Org--Name/snapshots/new");
}

TEST_F(Snapshots, by_commit_alone_are_found_when_one_of_them_has_weights) {
  write("models--Org--Name/snapshots/a/tokenizer.json");
  EXPECT_EQ(found("Org/Name"), "models--Org--Name/snapshots/a");
  write("models--Org--Name/snapshots/b/tokenizer.json");
  expect_error(ErrorCode::kMissingInput, "has no snapshot of \"main\"; there are: a, b",
               [] { locate_model("Org/Name"); });
  write("models--Org--Name/snapshots/b/model.safetensors");
  EXPECT_EQ(found("Org/Name"), "models--Org--Name/snapshots/b");
}

TEST_F(Snapshots, of_two_models_with_the_same_last_part_are_those_with_weights) {
  write("models--One--Name/snapshots/a/tokenizer.json");
  write("models--Two--Name/snapshots/b/tokenizer.json");
  expect_error(ErrorCode::kUsage, "may be any of One/Name, Two/Name", [] { locate_model("Name"); });
  write("models--Two--Name/snapshots/b/model.safetensors");
  EXPECT_EQ(found("Name"), "models--Two--Name/snapshots/b");
}

TEST_F(Snapshots, of_an_entry_that_is_a_link_to_another_disk_are_found) {
  const TemporaryDirectory disk;
  disk.write("a/snapshots/c/model.safetensors", "x");
  fs::create_directory_symlink(disk.path() / "a", cache_.path() / "models--Org--Name");
  EXPECT_EQ(found("Org/Name"), "models--Org--Name/snapshots/c");
}

TEST_F(Snapshots, that_are_not_here_get_the_command_that_downloads_the_revision) {
  expect_error(ErrorCode::kMissingInput, "`hf download Org/Name --revision v2`", [] { locate_model("Org/Name@v2"); });
  expect_error(ErrorCode::kMissingInput, "/a@b/c: there is no such directory", [] { locate_model("/a@b/c"); });
}

}  // namespace
}  // namespace moebius::internal::apps
