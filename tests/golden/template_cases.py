"""Small templates with one construct each, and the contexts in which they are rendered. Some are written by hand, some
are products of short lists, because engines differ in what an operator, a filter or a method does to a kind of value.
"""

import itertools

CONTEXTS = [
    {},
    {
        "s": "Hello, World",
        "u": "Grüße, 世界 😀 ǅ ß İ",
        "empty": "",
        "blank": " \t\n x \u2003",
        "lines": "one\ntwo\r\nthree\n\nfour\n",
        "quotes": "it's \"quoted\" \\ \x01 \x7f \u200b",
        "html": "<a href='x'>&\"</a>",
        "number": "42",
        "n": 7,
        "neg": -3,
        "zero": 0,
        "big": 9007199254740993,
        "f": 2.5,
        "tiny": 1e-07,
        "huge": 1e16,
        "t": True,
        "no": False,
        "nothing": None,
        "list": [3, 1, 2],
        "words": ["b", "A", "c", "a"],
        "mixed": [1, "two", None, 3.0, [4], {"five": 5}],
        "nil": [],
        "d": {"b": 1, "a": [1, 2], "C": {"x": None}, "items": "key"},
        "none_d": {},
        "people": [
            {"name": "Ann", "age": 30, "tags": ["x"]},
            {"name": "bob", "age": 25, "tags": []},
            {"name": "Cid", "age": 30},
        ],
    },
]

VALUES = "s u empty blank lines quotes html number n neg zero big f tiny huge t no nothing list words mixed nil d none_d people missing".split()

FILTERS = """
upper lower title capitalize trim string length list first last reverse|list sort unique|list join join(',')
join(', ',attribute='name') tojson tojson(indent=2) tojson(true) tojson(indent=0) tojson(indent='\\t') tojson(sort_keys=true)
tojson(separators=(',',':')) int int(5) float float(1.5) abs round round(1) round(-1) round(0,'ceil') round(1,'floor')
default('x') default('x',true) d default(none) indent indent(2) indent(2,true) indent('> ',true,true) replace('o','0')
replace('l','L',1) replace('','-') escape safe items|list dictsort dictsort(true) dictsort(by='value') dictsort(reverse=true)
min max sum sum(start=10) sum(attribute='age') map('upper')|list map(attribute='name')|list
map(attribute='name',default='?')|list map('length')|list map('tojson')|list select|list reject|list select('odd')|list
select('string')|list reject('none')|list select('equalto',1)|list select('in',[1,2])|list selectattr('age')|list
selectattr('age','equalto',30)|list selectattr('age','gt',26)|map(attribute='name')|list rejectattr('tags')|list
rejectattr('tags','defined')|list groupby('age') groupby('tags',default=0) batch(2)|list batch(2,'-')|list
sort(reverse=true) sort(case_sensitive=true) sort(attribute='age') sort(attribute='age,name') sort(attribute='name',reverse=true)
unique(true)|list unique(attribute='age')|list min(attribute='age') max(attribute='name') trim('H') center(20) truncate(9)
truncate(9,true) truncate(8,false,'!',0) wordcount count format(1,2) string|length first|upper last|default('z')
""".split()

TESTS = """
defined undefined none string mapping sequence iterable number integer float boolean true false odd even lower upper
callable divisibleby(3) divisibleby(2) eq(7) ne(7) lt(5) gt(5) le(7) ge(7) in([7,'Hello, World',none]) sameas(true)
sameas(none) equalto('')
""".split()

METHODS = """
upper() lower() title() capitalize() swapcase() strip() lstrip() rstrip() strip('H') lstrip('\\n') rstrip('d\\n')
split() split(',') split(',',1) split(none,1) split('l') rsplit() rsplit('l',1) rsplit(none,1) rsplit(sep='o',maxsplit=1)
splitlines() splitlines(true) startswith('H') endswith('d') startswith(('x','H')) startswith('e',1) endswith('') find('o')
find('o',5) find('o',-3) find('zz') rfind('o') rfind('l',0,4) index('e') rindex('o') count('l') count('') count('o',5)
replace('l','L') replace('l','',1) replace('','.') replace('o','oo',-1) join(['a','b']) join('xyz') isdigit() isalpha()
isalnum() isspace() isupper() islower() isnumeric() isdecimal() isascii() isprintable() removeprefix('Hel')
removesuffix('ld') partition(',') rpartition('o') partition('zz') rpartition('zz') ljust(15) rjust(15,'*') center(15)
center(16,'-') zfill(5) format() items() keys() values() get('b') get('zz') get('zz',3) copy() count(1) index(1)
items()|list keys()|list values()|list nosuch pop append __class__ _x
""".split()

INDICES = "0 1 -1 99 'b' 'zz' 'items' none 1.0 true [1] 1: :2 -2: ::-1 ::2 1:-1 -100:100 5:1 4:0:-2 ::0 'a': :1.5".split()

OPERATORS = "+ - * / // % ** ~ == != < <= > >= in and or".split() + ["not in"]
OPERANDS = "s empty n neg zero t nothing list nil d missing '1' 2 2.0 (1,) [1] 'ab'".split()

# Statements of one kind stand together, so that a failure says what it is about.
STATEMENTS = [
    # white space
    "a {% if true %} b {% endif %} c",
    "a\n{% if true %}\nb\n{% endif %}\nc\n",
    "a\n  {% if true %}\n  b\n  {% endif %}\nc\n\n",
    "a\n  {%+ if true %}\n  b\n  {%- endif %}\nc",
    "a  {%- if true -%}  b  {%- endif -%}  c",
    "a  {{- 'x' -}}  b {{ 'y' }}\n\nc",
    "a\n\n  {{- n -}}  \n b",
    "  {{ 'x' }}\n  {# c #}\n  y {# d #} z\n{#- e -#}\n w",
    "{# a {{ b }} {% c %} #}x{# #}\n\ny{#+ z +#}\nq",
    "x {% raw %} {{ n }} {% if %} {% endraw %} y",
    "x\n  {% raw %}\n  {{ n }}\n  {% endraw %}\n  y",
    "x {%- raw -%} {{ n }} {%- endraw -%} y\n",
    "{% if true +%}\nx{% endif +%}\ny",
    "a\r\nb\rc\n{% if true %}\r\nd{% endif %}\r\n",
    "\n\n{{ 1 }}\n\n\n",
    " \t{% set x = 1 %} \t\n{{ x }}",
    "{{ '{{' }}{{ '%}' }}{{ \"}}\" }}",
    "{ { % # } { }}",
    "{{ {'a': {'b': 1}}['a']['b'] }}{{ {}}}",
    "x {%set y=1%}{%if y%}z{%endif%}",
    "\u2003{% if true %}\u2003\nx{% endif %}",
    # literals
    r"{{ 'a\n\t\\\'\"\x41\u00e9\U0001f600\101\q\
b' }}",
    r"{{ 'é\é\\é' }}",
    "{{ 'a' 'b' \"c\" }}",
    "{{ 1_000 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 00 }}",
    "{{ 1.5 }} {{ 1e3 }} {{ 1.5e-7 }} {{ 2E+2 }} {{ 1_0.5_0 }} {{ 1e16 }} {{ 123456789.0 }} {{ 1e400 }}",
    "{{ true }} {{ True }} {{ none }} {{ None }} {{ false }}",
    "{{ [1, 'a', none, [true], (1,), (), {'k': 2.0}] }}",
    "{{ (1, 2) }} {{ 1, 2 }} {{ (1) }} {{ () }} {{ 1, }}",
    "{{ {1: 'a', 'b': 2, 1.0: 'c', true: 'd'} }}",
    "{{ {'a': 1, 'a': 2} }}",
    "{{ [1, 2, ] }} {{ {'a': 1, } }}",
    "{{ ['it\\'s', 'a\"b', '\\'\"', 'tab\\t', '\\x00\\x7f', 'é\\u200b', '\\U000e0001'] }}",
    # operators
    "{{ 1 + 2 * 3 - 4 / 2 }} {{ (1 + 2) * 3 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }}",
    "{{ 7 % -3 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 7.5 % -2 }} {{ 2 ** -1 }} {{ 2 ** 0.5 }} {{ 0.1 + 0.2 }}",
    "{{ -n }} {{ +n }} {{ - -n }} {{ -n|abs }} {{ not n }} {{ not not n }} {{ -s }}",
    "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 3 > 2 > 1 == 1 }} {{ 1 == 1.0 == true }}",
    "{{ 'a' ~ 1 ~ none ~ 2.0 ~ [1] ~ missing }}",
    "{{ 1 in [1, 2] }} {{ 'a' not in 'abc' }} {{ 'x' in {'x': 1} }} {{ not 1 in [2] }}",
    "{{ 'a' if true }} {{ 'a' if false }} {{ 'a' if false else 'b' }} {{ 1 if 0 else 2 if 0 else 3 }}",
    "{{ 0 or '' or 'x' }} {{ 1 and 2 }} {{ 0 and 2 }} {{ none or missing }} {{ missing and 1 }}",
    "{{ s is string and n is number or t }} {{ n is not none }} {{ not n is none }} {{ n is divisibleby 7 }}",
    "{{ missing is defined }} {{ s is defined and s }} {{ d.zz is defined }} {{ d.zz.y is defined }}",
    "{{ 1 if s is string else 2 }} {{ [1 is odd, 2 is even] }} {{ 3 is in [3] }} {{ n is eq 7 }}",
    "{{ '%s-%d-%5.2f|%-5s|%05d|%x|%r|%%' % ('a', 3, 2.5, 'b', 42, 255, 'q') }} {{ '%s' % 'x' }} {{ '%s' % [1] }}",
    "{{ '%(a)s %(b)05.1f' % {'a': 1, 'b': 2} }} {{ '%+d % d %e %g %G %c %c %o %X %#x %i' % (1, 2, 3.5, 1e10, 1e-10, 'z', 65, 8, 255, 255, 7.9) }}",
    "{{ '%s %s' % 'a' }}",
    "{{ '%d' % 'a' }}",
    "{{ 'x' % 'a' }} {{ 'x' % [] }} {{ 'x' % {} }}",
    "{{ '{} {1}'.format(1, 2) }}",
    "{{ '{} {}'.format(1, 'b') }} {{ '{1}{0}'.format('a', 'b') }} {{ '{x} {{}} {x!r}'.format(x='y') }} {{ '{0.b} {0[a]}'.format(d) }}",
    "{{ 9223372036854775807 }} {{ -9223372036854775807 - 1 }}",
    "{{ 1 / 0 }}",
    "{{ 1 // 0 }}",
    "{{ 1.0 % 0 }}",
    "{{ [1] * 3 }} {{ 2 * 'ab' }} {{ 'ab' * -1 }} {{ (1,) + (2,) }} {{ [1] + [2] }} {{ true + true }} {{ 'a' * true }}",
    "{{ [1, 2] < [1, 3] }} {{ (1, 'a') < (1, 'b') }} {{ [1] == (1,) }} {{ {'a': 1} == {'a': 1.0} }} {{ range(3) == range(3) }}",
    # if, for
    "{% if n > 5 %}big{% elif n > 3 %}mid{% else %}small{% endif %}",
    "{% if missing %}a{% elif nothing %}b{% elif nil %}c{% endif %}",
    "{% for x in list %}{{ x }}{% endfor %}{% for x in nil %}a{% else %}none{% endfor %}",
    "{% for k in d %}{{ k }} {% endfor %}{% for k, v in d.items() %}{{ k }}={{ v }} {% endfor %}",
    "{% for c in u %}[{{ c }}]{% endfor %}{% for x in missing %}a{% else %}b{% endfor %}",
    "{% for x in 5 %}{% endfor %}",
    "{% for x in nothing %}{% endfor %}",
    "{% for x in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }} {% endfor %}",
    "{% for x in list %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {{ loop.previtem is defined }}{{ loop.nextitem is defined }} {% endfor %}",
    "{% for x in list %}{{ loop.cycle('a', 'b') }}{% endfor %}{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{% endfor %}",
    "{% for x in list if x > 1 %}{{ x }}{{ loop.index }}{{ loop.length }}{{ loop.last }} {% else %}e{% endfor %}",
    "{% for x in list if x > 9 %}{{ x }}{% else %}e{% endfor %}",
    "{% for a, b in [(1, 2), [3, 4], 'xy'] %}{{ a }}{{ b }} {% endfor %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{% endfor %}",
    "{% for a, b in [1] %}{% endfor %}",
    "{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in [1, 2] %}{% for y in [1, 2] %}{% if y == 2 %}{% break %}{% endif %}{{ x }}{{ y }}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}",
    "{% for x in [] %}{% else %}{{ loop is defined }}{% endfor %}",
    "{% for x in 1, 2 %}{{ x }}{% endfor %}{% for x in [1, 2][::-1] %}{{ x }}{% endfor %}",
    "{% for m in people if m.age == 30 and m.tags is defined %}{{ m.name }}{% endfor %}",
    "{% set ns = namespace(c=0) %}{% for x in list if ns.c < 2 %}{% set ns.c = ns.c + 1 %}{{ x }}{% endfor %}",
    "{% set ns = namespace(c=0) %}{% for x in list if ns.c < 2 %}{{ loop.last }}{% set ns.c = ns.c + 1 %}{{ x }}{% endfor %}",
    "{% for x in list %}{% break %}{% else %}e{% endfor %}{% for x in list %}{% continue %}{% else %}e{% endfor %}",
    "{% for x in list %}{% if x == 1 %}{% break %}{% endif %}{% else %}e{% endfor %}",
    "{% filter length %}abc{% endfilter %}",
    "{% for loop in list %}{% endfor %}",
    "{% break %}",
    "{% for x in list %}{% set y %}{% break %}{% endset %}{% endfor %}z",
    "{% for x in list %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
    # set and scopes
    "{% set x = 1 %}{{ x }}{% set x = x + 1 %}{{ x }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, d) = [3, 4] %}{{ c }}{{ d }}{% set e, = [5] %}{{ e }}",
    "{% set a, b = 1 %}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}",
    "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% for i in [1] %}{% if true %}{% set n = 2 %}{% endif %}{{ n }}{% endfor %}{{ n }}",
    "{% set x %}a{{ n }}b{% endset %}[{{ x }}]{{ x|length }}",
    "{% set x | upper | replace('A', 'z') %}a{{ s }}b{% endset %}[{{ x }}]",
    "{% set y = 1 %}{% set x %}{% set y = 2 %}{{ y }}{% endset %}{{ x }}{{ y }}",
    "{% set ns = namespace(a=1, b='x') %}{% for i in list %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c }}{{ ns['a'] }}",
    "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a + ns.b }}{% set ns.c, x = 3, 4 %}{{ ns.c }}{{ x }}",
    "{% set n.x = 1 %}",
    "{% set d.x = 1 %}",
    "{% set missing.x = 1 %}",
    "{% set ns = namespace(_a=1) %}",
    "{% set true = 1 %}",
    "{% set x = %}",
    "{% set 5 = x %}",
    "{% with a = 1, b = n %}{{ a }}{{ b }}{% set a = 2 %}{{ a }}{% endwith %}{{ a }}",
    "{% filter upper %}a{{ s }}{% endfilter %}{% filter trim|replace('a', 'b')|indent(2) %}  a\nc {% endfilter %}",
    "{% generation %}{% set q = 1 %}x{{ n }}{{ q }}{% endgeneration %}{{ q }}",
    "a\n  {% generation %}\n  b\n  {% endgeneration %}\nc",
    "{% print n, s %}{% print 1 %}",
    # macros
    "{% macro m(a, b=2, c='x') %}{{ a }}-{{ b }}-{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m(b=5, a=4) }}{{ m() }}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{% endmacro %}{{ m(z=2) }}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, a=2) }}",
    "{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}{{ m(1) }}",
    "{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, 2) }}",
    "{% macro m(x) %}{{ x }}{{ n }}{% set n = 9 %}{{ n }}{% endmacro %}{{ m(1) }}{{ n }}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}",
    "{% macro fact(n) %}{% if n < 2 %}1{% else %}{{ n * fact(n - 1)|int }}{% endif %}{% endmacro %}{{ fact(5) }}",
    "{% macro m(x, default=true) %}{{ x }}{{ default }}{% endmacro %}{{ m('a')|upper|trim }}[{{ m('b', false)|length }}]",
    "{% set ns = namespace(c=0) %}{% macro m() %}{% set ns.c = ns.c + 1 %}{% endmacro %}{{ m() }}{{ m() }}{{ ns.c }}",
    "{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}in {{ n }}{% endcall %}",
    "{% macro m(l) %}{% for x in l %}{{ caller(x) }},{% endfor %}{% endmacro %}{% call(i) m(list) %}<{{ i }}>{% endcall %}",
    "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}",
    "{% call n() %}{% endcall %}",
    "{% call n %}{% endcall %}",
    "{% macro m() %}x{% endmacro %}{{ m is callable }}{{ m is defined }}{{ n is callable }}",
    "{% for x in [1, 2] %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% macro m(a, a) %}{% endmacro %}",
    "{% macro m(a=1, b) %}{% endmacro %}",
    "{{ m() }}",
    "{{ n() }}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(*[1]) }}{{ m(**{'x': 2}) }}{{ m(*[1], **{'x': 2}) }}",
    # functions
    "{{ range(3)|list }} {{ range(1, 4)|list }} {{ range(5, 0, -2)|list }} {{ range(0)|list }} {{ range(3) }} {{ range(3)|length }} {{ range(5)[1:3]|list }} {{ range(9)[2] }} {{ 2 in range(3) }}",
    "{{ range(1, 2, 0) }}",
    "{{ range('a') }}",
    "{{ range() }}",
    "{{ range(200000)|length }}",
    "{{ dict(a=1, b='x') }} {{ dict([('k', 1), ('k', 2)]) }} {{ dict({'a': 1}, b=2) }}",
    "{{ raise_exception('no: ' ~ n) }}",
    "{% if n > 5 %}{{ raise_exception('boom') }}{% endif %}x",
    "{{ strftime_now('%Y-%m-%d %H:%M:%S %d %b %Y %A %B %j %-d %%') }}",
    "{{ raise_exception() }}",
    # generators
    "{% if nil|select %}yes{% endif %}{{ (words|select)|list }}",
    "{{ words|map('upper')|join(',') }}{{ words|map('upper')|length }}",
    "{% set g = words|map('upper') %}{% for x in g %}{{ x }}{% endfor %}{% for x in g %}{{ x }}{% endfor %}",
    "{{ (words|reverse)|first }}{{ words|select('equalto', 'c')|first }}{{ nil|select|first }}",
    "{{ words|map('nosuch')|list }}",
    "{{ words|select('nosuch')|list }}",
    "{{ words|map|list }}",
    "{{ (words|map('upper'))[0] }}{{ (words|map('upper')) is sequence }}{{ (words|map('upper')) is iterable }}",
    "{{ 'A' in words|map('upper') }}",
    "{{ d.keys()|list }}{{ 'b' in d.keys() }}{{ d.values()|list|length }}{{ d.keys() is sequence }}{{ d.items()|first }}{{ d.keys()|length }}",
    # errors
    "{{ missing.x }}",
    "{{ missing['x'] }}",
    "{{ d.zz.y }}",
    "{{ missing + 1 }}",
    "{{ missing ~ 1 }}",
    "{{ 'a' + missing }}",
    "{{ missing() }}",
    "{{ missing < 1 }}",
    "{{ missing == missing2 }} {{ missing != 1 }} {{ missing == none }} {{ missing in [missing2] }} {{ 1 in missing }}",
    "{{ s + 1 }}",
    "{{ n|nosuch }}",
    "{{ n is nosuch }}",
    "{{ s.nosuch() }}",
    "{{ nothing.x }}|{{ n.x }}|{{ s.x }}|{{ list.x }}|{{ nothing['x'] }}|{{ nothing[0] }}",
    "{{ nothing.x.y }}",
    "{% if %}{% endif %}",
    "{% if n %}",
    "{% endif %}",
    "{% for x %}{% endfor %}",
    "{% nosuch %}",
    "{{ n",
    "{{ n }",
    "{{ (n }}",
    "{{ n) }}",
    "{{ 'abc }}",
    "{{ }}",
    "{{ a b }}",
    "{{ 1 + }}",
    "{{ [1, 2 }}",
    "{{ {'a' 1} }}",
    "{{ f(a=1, a=2) }}",
    "{{ f(a=1, 2) }}",
    "{{ n is string is none }}",
    "{{ ! n }}",
    "{{ n @ 2 }}",
    "{{ 'a\\x4' }}",
    "{{ 'a\\u12' }}",
    "{# never closed",
    "{% raw %} never closed",
    "{{ ''.__class__.__mro__ }}",
    "{{ ''.__class__ }}|{{ s['__class__'] }}|{{ d.pop }}|{{ list.append }}",
    "{{ d.pop('b') }}",
    "{{ list.append(1) }}",
    "{{ d.update({'a': 1}) }}",
    "{{ [1]|tojson }} {{ missing|tojson }}",
    "{{ range|tojson }}",
    "{{ {1: 2, none: 3, true: 4, 1.5: 5}|tojson }}",
    "{{ {(1, 2): 3}|tojson }}",
    "{{ {[1]: 3} }}",
    "{{ (1, 2)|tojson }} {{ 1e16|tojson }} {{ 1e400|tojson }} {{ [[], {}]|tojson(indent=2) }} {{ [1, [2, {'a': 3}]]|tojson(indent=1) }}",
    "{{ '\\x00\\x1f\\x7f\\u2028\\u00e9\\U0001f600/<>&\\'' | tojson }} {{ '\\x7f\\u00e9\\U0001f600' | tojson(ensure_ascii=true) }}",
    "{{ [3, 'a']|sort }}",
    "{{ [none, 1]|max }}",
    "{{ ['a']|sum }}",
    "{{ [[1], [2]]|sum(start=[]) }}",
    "{{ {'b': 1, 'A': 2}|dictsort }} {{ {'b': 1, 'A': 2}|dictsort(true) }} {{ [('b', 1)]|dictsort }}",
    "{{ 'x'|indent(2) }}|{{ 5|indent }}",
    "{{ '12abc'|int }} {{ ' 12 '|int }} {{ '1_000'|int }} {{ '0x1f'|int(0, 16) }} {{ '0b11'|int(base=0) }} {{ '12.9'|int }} {{ none|int }} {{ 'x'|int(-1) }} {{ '-5'|int }} {{ '1e3'|int }} {{ 2.9|int }} {{ -2.9|int }} {{ true|int }}",
    "{{ '1.5'|float }} {{ ' 1e3 '|float }} {{ 'inf'|float }} {{ 'nan'|float }} {{ 'x'|float }} {{ none|float(2) }} {{ '.5'|float }} {{ '5.'|float }} {{ '1_0.5'|float }} {{ 'Infinity'|float }} {{ '-inf'|float }} {{ '+-1'|float }}",
    "{{ 2.5|round }} {{ 3.5|round }} {{ 2.675|round(2) }} {{ -2.5|round }} {{ 1234.567|round(-2) }} {{ 15|round(-1) }} {{ 25|round(-1) }} {{ 5|round }} {{ 2.1|round(0, 'ceil') }} {{ 7|round(0, 'floor') }} {{ 0.5|round }}",
    "{{ 1|round(0, 'x') }}",
    "{{ 1.0 }} {{ 100000.0 }} {{ 1e15 }} {{ 1e16 }} {{ 1.1e16 }} {{ 0.0001 }} {{ 0.00001 }} {{ -0.0 }} {{ 1e22 }} {{ 5e-324 }} {{ 1.7976931348623157e308 }} {{ 3.0 * 1.1 }}",
]



# Each product is a list of lists. A template is `{{ `, one item of each list, ` }}`.
PRODUCTS = [
    [VALUES, [""] + [f"|{name}" for name in FILTERS]],
    [VALUES, [f" is {name}" for name in TESTS]],
    [VALUES[:-1], [f".{name}" for name in METHODS]],
    [VALUES, [f"[{index}]" for index in INDICES]],
    [OPERANDS, [f" {operator} " for operator in OPERATORS], OPERANDS],
]


def product(parts):
    for combination in itertools.product(*parts):
        yield "{{ " + "".join(combination) + " }}"

# Integers of more than 64 bits, where Python has no limit. They are printed, compared and told from text, and not
# computed with.
INTEGERS = {
    "first_beyond": 9223372036854775808,
    "last_unsigned": 18446744073709551615,
    "first_below": -9223372036854775809,
    "lowest": -9223372036854775808,
    "wide": 123456789012345678901234567890,
    "wide_below": -123456789012345678901234567890,
    "hash": 2**256 - 1,
    "near": 10**30,
    "near_float": 1e30,
    "long": 10**300 + 7,
    "word": "123456789012345678901234567890",
    "padded": " +00_9223372036854775808 ",
    "call": {"id": 12345678901234567890, "ids": [1, 98765432109876543210], "deep": {"x": [{"y": -98765432109876543210}]}},
}
INTEGER_NAMES = "first_beyond last_unsigned first_below lowest wide wide_below hash near long".split()
INTEGER_FORMS = """
X; X|string; X|tojson; X|tojson(indent=2); X ~ ''; X is integer; X is number; X is float; X is string; X is true
X is boolean; not X; X if X else 'no'; X is defined; X is mapping; X is iterable; X|int; X|float; X|abs; X|round; -X; +X
X == X; X != 1; X > 5; X < 5; X >= lowest; X <= wide; X < near_float; X == near_float; X > -1.5; X == 'x'; X in [1, X]
'%d' % X; '%5s' % X; '%f' % X; '{}'.format(X); [X]; {'a': X}; [X, 1, 2.5]|sort; [X, near, 3]|max; [X, near, 3]|min
[X, X]|unique|list; X is eq(X); X is lt(near); X|default(1); {'a': [X]}|tojson; X * 1.5; X + 0.5; X / 2.0; [1][X]
(X|string)|length; "%030d" % X
""".strip().replace("\n", ";").split(";")
INTEGER_WHOLE = [
    "{{ call|tojson }}", "{{ call }}", "{% for k, v in call.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in call|items %}{{ k }}={{ v|tojson if v is mapping or v is not string and v is sequence else v|string }};"
    "{% endfor %}",
    "{{ word|int }} {{ word|int|tojson }} {{ padded|int }} {{ word|int is integer }} {{ near_float|int }} {{ word|float }}",
    "{{ ('9' * 4300)|int|string|length }} {{ ('9' * 4301)|int }} {{ ('-' ~ '9' * 4301)|int(5) }} {{ ('9' * 4300)|float }}",
    "{{ ('9' * 4300)|int > wide }} {{ ('9' * 400)|int == ('09' * 1 ~ '9' * 399)|int }} {{ 'x'|int }}",
    "{{ [first_beyond, lowest, last_unsigned, wide_below, 0, first_below, near_float]|sort }}",
]
