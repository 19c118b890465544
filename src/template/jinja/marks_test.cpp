// Marks: the user's strings are written in an alphabet of their own, so that the output itself says which bytes should
// be marked. Templates that cannot track bytes may mark more, never less.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "template/jinja/testing/support.h"
#include "template/jinja/text.h"

namespace moebius::internal::jinja {
namespace {

// Letters whose other case is of the same alphabets. No template below prints one of its own.
constexpr std::string_view kLetters[] = {"α", "β", "γ", "Δ", "Ω", "ж", "Ж"};

bool is_users(char32_t value) { return (value >= 0x370 && value < 0x530); }

std::string random_text() {
  const auto letters = *rc::gen::container<std::vector<std::string>>(
      rc::gen::elementOf(std::vector<std::string>(std::begin(kLetters), std::end(kLetters))));
  std::string out;
  for (const std::string& letter : letters) out += letter;
  return out;
}

Json random_conversation() {
  Json people = Json::array();
  const int count = *rc::gen::inRange(1, 4);
  for (int i = 0; i < count; ++i) people.push_back({{"name", random_text()}, {"n", i}, {"tags", {random_text(), "Ω"}}});
  return {{"a", random_text()},
          {"b", random_text() + "ж"},
          {"list", people},
          {"d", {{"β" + random_text(), random_text()}}}};
}

// Expects marks exactly where the user's letters are.
void expect_exact(const std::string& source, const Json& conversation) {
  const MarkedText out = testing::render(source, conversation);
  size_t range = 0;
  for (size_t at = 0; at < out.text.size();) {
    const CodePoint point = code_point_at(out.text, at);
    while (range < out.user.size() && out.user[range].end <= at) ++range;
    const bool is_marked = range < out.user.size() && out.user[range].begin <= at;
    RC_ASSERT(is_marked == is_users(point.value));
    at += point.length;
  }
}

void expect_ordered(const MarkedText& out) {
  size_t end = 0;
  for (const ByteRange& range : out.user) {
    EXPECT_LT(range.begin, range.end);
    EXPECT_TRUE(range.begin > end || (end == 0 && range.begin == 0));
    end = range.end;
  }
  EXPECT_LE(end, out.text.size());
}

constexpr const char* kTemplates[] = {
    "x{{ a }}y{{ b }}",
    "{{ a ~ '-' ~ b }}{{ a + '|' + b }}{{ '<' + a }}",
    "{{ a * 3 }}{{ ('[' + a + ']') * 2 }}",
    "{{ b[0] }}-{{ b[-1] }}-{{ (a ~ '123' ~ b)[1:-1] }}-{{ ('1' ~ b ~ '2')[::-1] }}-{{ (a ~ '12')[::2] }}",
    "{{ ('  ' ~ a ~ ' ').strip() }}{{ (a ~ 'xx').rstrip('x') }}{{ a|trim }}{{ ('x' ~ a).lstrip('αx') }}",
    "{% for p in (a ~ ',' ~ b ~ ',z').split(',') %}[{{ p }}]{% endfor %}{{ (a ~ ' ' ~ b)|string }}",
    "{{ (a ~ ' q ' ~ b).split() | join('+') }}{{ (a ~ '/1/' ~ b).rsplit('/', 1) | join('=') }}",
    "{{ (a ~ '1\\n2' ~ b).splitlines() | join('') }}{{ (a ~ '=' ~ b).partition('=') | join(' ') }}",
    "{{ ('1-2' ~ a)|replace('-', b) }}{{ (a ~ 'k')|replace('α', '0') }}{{ a|replace('', '.') }}{{ b.replace('ж', 'zh') "
    "}}",
    "{{ a|upper }}{{ b|lower }}{{ ('q' ~ a)|title }}{{ b|capitalize }}{{ ('e ' ~ a).title() }}{{ b.swapcase() }}",
    "{{ a|tojson }}{{ list|map(attribute='tags')|list|tojson }}{{ d|tojson(indent=2) }}{{ {'k': a}|tojson }}{{ [a, 1, "
    "none, b]|tojson }}",
    "{{ [a, b] }}{{ {'k': a, 'l': [b]} }}{{ d }}{{ (a, 1) }}{{ a|list }}",
    "{{ list|map(attribute='name')|join(', ') }}{{ list|map(attribute='tags')|list }}{{ list|length }}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}{{ d.keys()|list }}",
    "{% for k, v in d|dictsort %}{{ k }}{{ v }}{% endfor %}{{ d.values()|first }}{{ d|items|list }}",
    "{% set x %}({{ a }}){% endset %}{{ x }}{{ x[1:] }}{% filter upper %}w{{ b }}{% endfilter %}",
    "{% macro m(t, u='1') %}<{{ t }}{{ u }}>{% endmacro %}{{ m(a) }}{{ m(u=b, t='2') }}{{ m(a)|upper }}",
    "{% macro m() %}{{ kwargs }}{{ varargs }}{% endmacro %}{{ m(a, *[b], **d) }}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{{ dict(**d) }}{{ dict(d, z=a) }}{% call m() %}{{ a }}{% endcall %}",
    "{{ '%s:%s' % (a, b) }}{{ '%10s|%-10s|%.2s' % (a, b, a) }}{{ '%(k)s' % {'k': a} }}{{ '%r' % (a,) }}{{ (a ~ '%d') % "
    "5 }}",
    "{{ '{}={x}'.format(a, x=b) }}{{ '{0[k]}'.format({'k': a}) }}{{ '{!r}'.format(b) }}",
    "{{ (a ~ '\\n' ~ b)|indent(2, true) }}{{ 'z'|indent(a, true) }}{{ ('p\\nq')|indent(b) }}{{ a.center(20, '*') }}{{ "
    "b.ljust(9) }}",
    "{{ a|safe ~ 1 }}{{ '1'|safe + a }}{{ (a|safe).upper() }}{{ (a ~ '<')|e }}{{ a.join(['1', '2']) }}{{ [a, "
    "b]|join(b) }}",
    "{{ list|sort(attribute='name')|map(attribute='name')|list }}{{ [a, b]|unique|list }}{{ [a, b]|max }}{{ [b, "
    "a]|sort }}",
    "{{ list|groupby('n')|map('first')|list }}{{ [a, b, 'c']|batch(2)|list }}{{ [a, b]|reverse|list }}{{ a|reverse "
    "}}{{ a|first }}{{ b|last }}",
    "{% set ns = namespace(t='') %}{% for p in list %}{% set ns.t = ns.t ~ p.name ~ ';' %}{% endfor %}{{ ns.t }}",
    "{% for p in list %}{{ loop.previtem.name if loop.previtem }}{{ loop.cycle(a, '1', b) }}{% endfor %}",
    "{{ a if a else '1' }}{{ none or b }}{{ a and b }}{{ missing|default(a) }}{{ ('' if false else b) }}{{ "
    "a|truncate(5) }}",
    "{{ b.removeprefix('α') }}{{ b.removesuffix('ж') }}{{ a.zfill(9) }}{{ a|center(11) }}{{ [[a], [b]]|sum(start=[]) "
    "}}",
};

RC_GTEST_PROP(Marks, cover_exactly_the_bytes_of_the_user, ()) {
  const Json conversation = random_conversation();
  for (const char* source : kTemplates) expect_exact(source, conversation);
}

struct Row {
  const char* source;
  Json conversation;
  std::vector<ByteRange> user;
};

TEST(Marks, follow_bytes_into_their_escapes_but_not_into_the_quotes_around_them) {
  const Row rows[] = {
      {"{{ a|tojson }}", {{"a", "x\"\n"}}, {{1, 6}}},                   // "x\"\n"
      {"{{ [a] }}", {{"a", "\n"}}, {{2, 4}}},                           // ['\n']
      {"{{ [a] }}", {{"a", "\u200b"}}, {{2, 8}}},                       // ['\u200b']
      {"{{ ('<' ~ a)|e }}", {{"a", "<"}}, {{4, 8}}},                    // &lt;&lt;
      {"{{ a|tojson(true) }}", {{"a", "\u00e9"}}, {{1, 7}}},            // "\u00e9"
      {"{{ {a: 1} }}", {{"a", "k"}}, {{2, 3}}},                         // {'k': 1}
      {"{{ a|upper }}", {{"a", "ß"}}, {{0, 2}}},                        // SS
      {"{{ '%c' % a }}{{ '%c' % 'b' }}", {{"a", "k"}}, {{0, 1}}},       // kb
      {"{{ strftime_now(a) }}", {{"a", "%Y"}}, {{0, 4}}},               // 2026
      {"{{ a ~ b }}", {{"a", "x"}, {"b", "y"}}, {{0, 2}}},              // neighbours are one range
      {"{{ a }}", {{"a", ""}}, {}},                                     // nothing is no range
      {"{{ a|int }}{{ a|length }}{{ a == '12' }}", {{"a", "12"}}, {}},  // numbers and answers are not words
      {"{{ a|string|replace('1', '2') }}", {{"a", "11"}}, {}},          // all replaced
  };
  for (const Row& row : rows) {
    const MarkedText out = testing::render(row.source, row.conversation);
    EXPECT_EQ(out.user, row.user) << row.source << " gives " << out.text;
    expect_ordered(out);
  }
}

TEST(Marks, are_not_on_options_and_special_tokens) {
  EXPECT_TRUE(
      testing::render("{{ a }}{{ b|tojson }}", {{"a", "<s>"}, {"b", {{"k", "v"}}}}, Origin::kTemplate).user.empty());
}

}  // namespace
}  // namespace moebius::internal::jinja
