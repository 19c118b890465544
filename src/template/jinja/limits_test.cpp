// What hostile templates cost. The tests count steps, not time, and count memory by the bytes that steps pay for.
#include <gtest/gtest.h>

#include "template/jinja/testing/support.h"

namespace moebius::internal::jinja {
namespace {

std::string repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

struct Outcome {
  std::string code = "none";
  std::string message;
  uint64_t steps = 0;
};

Outcome outcome_of(const std::string& source, const Limits& limits = {}) {
  Budget budget(limits);
  Outcome out;
  try {
    (void)Template::parse(source, "test").render({}, budget, testing::standing_clock());
  } catch (const Error& error) {
    out.code = name(error.code());
    out.message = error.what();
  }
  out.steps = budget.steps_used();
  return out;
}

struct Row {
  const char* name;
  std::string source;
  uint64_t max_steps;  // what it may take until it is refused
  const char* words;
};

TEST(Limits, refuse_every_hostile_template_after_a_bounded_number_of_steps) {
  const uint64_t all = Limits{}.steps;
  const Row rows[] = {
      {"nested loops", "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", all,
       "steps"},
      {"a billion elements", "{% for a in range(1000000000) %}{% endfor %}", 600'000, "range"},
      {"a repeated string", "{{ 'a' * 1000000000 }}", 10, "bytes"},
      {"a repeated list", "{{ [1] * 1000000000 }}", all, "steps"},
      {"a repeated string that is empty", "{{ ('' * 9223372036854775807) ~ ([] * 9223372036854775807) ~ x.y }}", 30,
       "undefined"},
      {"doubling", "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
       600'000, "bytes"},
      {"doubling lists",
       "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", all, "steps"},
      {"a list that grows",
       "{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = ns.x + [i] %}{% endfor %}", all,
       "steps"},
      {"an indent", "{{ 'a'|indent(1000000000, true) }}", 10, "indent"},
      {"a width", "{{ '%1000000000d' % 1 }}", 10, "width"},
      {"a precision", "{{ '%.1000000000f' % 1.0 }}", 10, "precision"},
      {"padding", "{{ 'a'.ljust(1000000000) }}", 10, "width"},
      {"a center", "{{ 'a'|center(1000000000) }}", 10, "width"},
      {"a batch", "{{ [1]|batch(1000000000, 0)|list }}", 20, "batch"},
      {"a date", "{{ strftime_now('%1000000000d') }}", 10, "strftime_now"},
      {"a join", "{{ range(100000)|join('a' * 1000) }}", all, "bytes"},
      {"a replacement", "{{ ('a' * 100000)|replace('', 'b' * 1000) }}", all, "bytes"},
      {"a macro that calls itself", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", 10'000, "nests deeper"},
      {"two macros that call each other",
       "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}", 10'000, "nests deeper"},
      {"a list in a list in a list",
       "{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}", 1'000'000,
       "nests deeper"},
      {"a dictionary of that",
       "{% set ns = namespace(x=1) %}{% for i in range(999) %}{% set ns.x = {'a': ns.x} %}{% endfor %}", 50'000,
       "nests deeper"},
      {"a method of that",
       "{% set ns = namespace(x=[]) %}{% for i in range(999) %}{% set ns.x = [ns.x.count] %}{% set ns.x = [ns.x] %}{% "
       "endfor %}",
       50'000, "nests deeper"},
      {"a list of itself, printed",
       "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
       all, ""},
      {"a list of itself, compared",
       "{% set a = namespace(x=[1], y=[1]) %}{% for i in range(99) %}{% set a.x = [a.x, a.x] %}{% set a.y = [a.y, a.y] "
       "%}"
       "{% endfor %}{{ a.x == a.y }}",
       all, "steps"},
      {"a list of itself as JSON",
       "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x|tojson "
       "}}",
       all, ""},
      {"a power", "{{ 9 ** 9 ** 9 ** 9 }}", 20, "64 bits"},
      {"a search that goes back and forth",
       "{% set s = 'a' * 1000000 %}{% set t = 'a' * 500000 ~ 'b' %}{% for i in range(9999) %}{{ t in s }}{% endfor %}",
       all, "steps"},
      {"a search from the right", "{{ ('a' * 1000000).rfind('a' * 100000 ~ 'b') }}", all, "steps"},
      {"unique of many", "{{ range(100000)|unique|list|length }}", all, "steps"},
  };
  for (const Row& row : rows) {
    const Outcome outcome = outcome_of(row.source);
    EXPECT_NE(outcome.code, "none") << row.name;
    EXPECT_LE(outcome.steps, row.max_steps) << row.name;
    EXPECT_NE(outcome.message.find(row.words), std::string::npos) << row.name << outcome.message;
  }
}

TEST(Limits, refuse_nesting_of_the_source_before_anything_is_rendered) {
  const Row rows[] = {
      {"parentheses", "{{ " + repeated("(", 100'000) + "1" + repeated(")", 100'000) + " }}", 0, "nests deeper"},
      {"lists", "{{ " + repeated("[", 100'000) + repeated("]", 100'000) + " }}", 0, "nests deeper"},
      {"dictionaries", "{{ " + repeated("{1:", 100'000) + "1" + repeated("}", 100'000) + " }}", 0, "nests deeper"},
      {"minus", "{{ " + repeated("-", 100'000) + "1 }}", 0, "nests deeper"},
      {"not", "{{ " + repeated("not ", 100'000) + "1 }}", 0, "nests deeper"},
      {"if", repeated("{% if 1 %}", 40'000) + repeated("{% endif %}", 40'000), 0, "nests deeper"},
      {"for", repeated("{% for a in b %}", 30'000), 0, "nests deeper"},
      {"targets", "{% set " + repeated("(", 100'000) + "a", 0, "nests deeper"},
      {"a chain of attributes", "{{ a" + repeated(".a", 100'000) + " }}", 0, "nests deeper"},
      {"a chain of sums", "{{ 1" + repeated("+1", 100'000) + " }}", 0, "nests deeper"},
      {"a chain of filters", "{{ 1" + repeated("|abs", 100'000) + " }}", 0, "nests deeper"},
      {"a chain of conditions", "{{ 1" + repeated(" if 1 else 1", 60'000) + " }}", 0, "nests deeper"},
      {"a chain of powers", "{{ 1" + repeated("**1", 100'000) + " }}", 0, "nests deeper"},
      {"too many expressions", "{{ 1" + repeated("~1", 300'000) + " }}", 0, "expressions"},
      {"too many bytes", std::string((1 << 20) + 1, 'a'), 0, "limit"},
  };
  for (const Row& row : rows) {
    const Outcome outcome = outcome_of(row.source);
    EXPECT_EQ(outcome.code, name(ErrorCode::kTemplateLimit)) << row.name;
    EXPECT_EQ(outcome.steps, row.max_steps) << row.name;
    EXPECT_NE(outcome.message.find(row.words), std::string::npos) << row.name << outcome.message;
  }
}

TEST(Limits, let_long_chains_pass_that_need_no_nesting) {
  const std::string sources[] = {"{{ 1" + repeated(" ~ 1", 10'000) + " }}", "{{ 0" + repeated(" or 0", 10'000) + " }}",
                                 "{{ 1" + repeated(" == 1", 10'000) + " }}",
                                 "{% if 0 %}" + repeated("{% elif 0 %}", 10'000) + "{% endif %}",
                                 "{{ [" + repeated("1,", 10'000) + "] }}"};
  for (const std::string& source : sources) {
    EXPECT_EQ(outcome_of(source).code, "none") << source.substr(0, 30);
  }
}

TEST(Limits, grow_with_the_conversation) {
  const Limits small = Limits::for_input(0);
  const Limits large = Limits::for_input(1 << 20);
  EXPECT_EQ(large.output_bytes, small.output_bytes + (8u << 20));
  EXPECT_EQ(large.steps, small.steps + (16u << 20));
}

TEST(Limits, leave_the_stack_to_deep_but_allowed_nesting) {
  const std::string deep = repeated("(", 60) + "1" + repeated(")", 60);
  const std::string source = "{% macro m(n) %}{% if n %}{% for i in [1] %}{% for j in [1] %}{{ m(n - 1) ~ " + deep +
                             " }}{% endfor %}{% endfor %}{% endif %}{% endmacro %}{{ m(40) }}";
  EXPECT_EQ(outcome_of(source).code, "none");
}

}  // namespace
}  // namespace moebius::internal::jinja
