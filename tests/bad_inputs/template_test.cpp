// Chat templates that must be refused: section A.3 of the threats. Each error names the template, the line and what is
// wrong. Memory and time are limited as for every bad input. src/template/jinja/limits_test.cpp tests the limits of
// steps.
#include <gtest/gtest.h>

#include "bad_input.h"
#include "template/chat_template.h"

namespace moebius::internal {
namespace {

std::string repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

struct BadTemplate {
  std::string name;
  std::string source;
  ErrorCode code;
  std::vector<std::string> words;
  uint64_t max_bytes = 4 << 20;
};

const std::vector<BadTemplate> kTemplates = {
    {"an_unclosed_tag", "a\n{% if x", ErrorCode::kBadTemplate, {"t: line 2:", "unexpected the end"}},
    {"an_unclosed_block", "{% if x %}", ErrorCode::kBadTemplate, {"t: line 1:", "\"endif\" is missing"}},
    {"an_unclosed_comment", "\n\n{# x", ErrorCode::kBadTemplate, {"t: line 3:", "comment"}},
    {"an_unclosed_string", "{{ 'x }}", ErrorCode::kBadTemplate, {"t: line 1:", "string is not closed"}},
    {"an_unclosed_raw_block", "{% raw %}", ErrorCode::kBadTemplate, {"t: line 1:", "raw block"}},
    {"a_bracket_too_many", "{{ x) }}", ErrorCode::kBadTemplate, {"unexpected ')'"}},
    {"an_unknown_tag",
     "\n{% include 'x' %}",
     ErrorCode::kBadTemplate,
     {"t: line 2:", "tag \"include\" is not supported"}},
    {"inheritance", "{% extends 'x' %}", ErrorCode::kBadTemplate, {"\"extends\""}},
    {"an_import", "{% from 'x' import y %}", ErrorCode::kBadTemplate, {"\"from\""}},
    {"a_recursive_loop", "{% for a in b recursive %}{% endfor %}", ErrorCode::kBadTemplate, {"recursive loops"}},
    {"an_unknown_filter", "\n{{ x|urlize }}", ErrorCode::kBadTemplate, {"t: line 2:", "filter \"urlize\""}},
    {"an_unknown_test", "{{ x is prime }}", ErrorCode::kBadTemplate, {"test \"prime\""}},
    {"a_filter_that_is_reached",
     "{% if true %}{{ 1|from_json }}{% endif %}",
     ErrorCode::kBadTemplate,
     {"\"from_json\""}},
    {"bytes_that_are_no_text", "a\xff", ErrorCode::kBadTemplate, {"not UTF-8 at byte 1"}},
    {"an_integer_of_70_bits", "{{ 1180591620717411303424 }}", ErrorCode::kBadTemplate, {"does not fit 64 bits"}},
    {"a_sum_of_65_bits", "{{ 9223372036854775807 + 1 }}", ErrorCode::kBadTemplate, {"64 bits"}},
    {"a_sum_with_an_integer_of_64_bits", "{{ ('9' * 99)|int + 1 }}", ErrorCode::kBadTemplate, {"64 bits"}},
    {"a_text_times_an_integer_of_64_bits", "{{ 'a' * (('9' * 99)|int) }}", ErrorCode::kBadTemplate, {"64 bits"}},
    {"a_range_of_an_integer_of_64_bits", "{{ range(('9' * 99)|int) }}", ErrorCode::kBadTemplate, {"64 bits"}},
    {"an_undefined_value", "{{ x.y }}", ErrorCode::kBadTemplate, {"\"x\" is undefined"}},
    {"pythons_insides", "{{ ''.__class__.__mro__ }}", ErrorCode::kBadTemplate, {"\".__class__\" is undefined"}},
    {"pythons_insides_by_subscript", "{{ ''['__class__']['__mro__'] }}", ErrorCode::kBadTemplate, {"undefined"}},
    {"pythons_insides_by_a_filter",
     "{{ ['']|map(attribute='__class__.__mro__')|list }}",
     ErrorCode::kBadTemplate,
     {"undefined"}},
    {"pythons_insides_by_format", "{{ '{0.__class__.__mro__}'.format('') }}", ErrorCode::kBadTemplate, {"undefined"}},
    {"a_change_of_a_list", "{{ messages.append(1) }}", ErrorCode::kBadTemplate, {"\".append\" is undefined"}},
    {"an_exception", "{{ raise_exception('no\x1b[2J') }}", ErrorCode::kBadConversation, {"no\\x1b[2J"}},
    {"too_many_bytes", std::string((1 << 20) + 1, 'x'), ErrorCode::kTemplateLimit, {"t:", "1048577 bytes"}, 8 << 20},
    {"nested_loops",
     "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
     ErrorCode::kTemplateLimit,
     {"steps"},
     32 << 20},
    {"a_range_of_a_billion",
     "{% for a in range(1000000000) %}{% endfor %}",
     ErrorCode::kTemplateLimit,
     {"range"},
     16 << 20},
    {"a_string_of_a_billion", "{{ 'a' * 1000000000 }}", ErrorCode::kTemplateLimit, {"bytes"}},
    {"an_indent_of_a_billion", "{{ 'a'|indent(1000000000, true) }}", ErrorCode::kBadTemplate, {"indent of more than"}},
    {"a_macro_that_calls_itself",
     "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
     ErrorCode::kTemplateLimit,
     {"deeper than"}},
    {"parentheses", "{{ " + repeated("(", 100'000), ErrorCode::kTemplateLimit, {"deeper than"}, 8 << 20},
    {"ifs", repeated("{% if 1 %}", 100'000), ErrorCode::kTemplateLimit, {"deeper than"}, 8 << 20},
    {"lists", "{{ " + repeated("[", 100'000), ErrorCode::kTemplateLimit, {"deeper than"}, 8 << 20},
    {"a_list_that_grows",
     "{% set n = namespace(x=[]) %}{% for i in range(99999) %}{% set n.x = n.x + [i] %}{% endfor %}",
     ErrorCode::kTemplateLimit,
     {"steps"},
     32 << 20},
};

class BadTemplates : public ::testing::TestWithParam<BadTemplate> {};
INSTANTIATE_TEST_SUITE_P(BadInputs, BadTemplates, ::testing::ValuesIn(kTemplates),
                         [](const auto& row) { return row.param.name; });

TEST_P(BadTemplates, are_refused) {
  const BadTemplate& row = GetParam();
  const BadInput input{row.name, nullptr, row.code, row.words, row.max_bytes};
  expect_refusal(input, [&] {
    ChatRequest request;
    request.messages = Json::array({{{"role", "user"}, {"content", "Hi"}}});
    (void)ChatTemplate::parse(row.source, "t").render(request);
  });
}

}  // namespace
}  // namespace moebius::internal
