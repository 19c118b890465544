// Tests where the output stood when a template first read a variable.
#include <gtest/gtest.h>

#include "template/jinja/testing/support.h"

namespace moebius::internal::jinja {
namespace {

std::optional<size_t> first_read(const std::string& source, bool value) {
  Budget budget(Limits{});
  FirstRead watched = {.variable = "more"};
  const Template parsed = Template::parse(source, "test");
  (void)parsed.render({{"list", from_json({1, 2}, Origin::kUser)}, {"more", value}}, budget, {}, &watched);
  return watched.at;
}

struct Row {
  const char* source;
  std::optional<size_t> at;
};

TEST(FirstRead, is_where_the_output_may_begin_to_differ) {
  const Row rows[] = {
      {"ab{% if more %}c{% endif %}{{ more }}", 2},
      {"{% for i in list %}{{ i }}{% if loop.last and more %}!{% endif %}{% endfor %}", 2},
      {"{% for i in list %}{{ i }}{% if more and loop.last %}!{% endif %}{% endfor %}", 1},
      {"{% set m = more %}ab{{ m }}", 0},
      {"ab{{ 'c' ~ more }}", 2},
      {"{% macro m() %}xyz{{ more }}{% endmacro %}a{{ m() }}", 1},
      {"a{% filter upper %}bcd{{ more }}{% endfilter %}", 1},
      {"a{% set x %}bcd{{ more }}{% endset %}", 1},
      {"ab{{ more is defined }}", 2},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(first_read(row.source, true), row.at) << row.source;
    EXPECT_EQ(first_read(row.source, false), row.at) << row.source;
  }
}

TEST(FirstRead, is_none_of_what_is_not_the_callers) {
  for (const char* source :
       {"", "ab{{ list }}", "{% set more = 1 %}ab{{ more }}", "{% if false %}{{ more }}{% endif %}",
        "{% for more in list %}{{ more }}{% endfor %}", "{{ list.more }}"}) {
    EXPECT_EQ(first_read(source, true), std::nullopt) << source;
  }
}

}  // namespace
}  // namespace moebius::internal::jinja
