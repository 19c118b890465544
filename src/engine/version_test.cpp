// What a build says of itself, and that the pages say the same.
#include "moebius/version.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace moebius {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string page(const std::string& name) {
  return internal::read_text(std::string(MOEBIUS_SOURCE_DIR) + "/" + name, 1 << 20);
}

TEST(BuildInfo, says_what_was_built) {
  const BuildInfo info = build_info();
  EXPECT_THAT(info.version, MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_FALSE(info.commit.empty());
  EXPECT_THAT(info.libraries, Contains(MatchesRegex("pcre2 [0-9]+\\.[0-9]+")));
}

TEST(BuildInfo, the_changelog_has_this_version) {
  EXPECT_THAT(page("CHANGELOG.md"), HasSubstr("\n## " + build_info().version));
}

TEST(Numerics, the_page_has_the_version_of_the_code) {
  EXPECT_THAT(page("docs/numerics.md"), HasSubstr(fmt::format("This is version {}.", kNumericsVersion)));
}

}  // namespace
}  // namespace moebius
