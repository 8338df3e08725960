"""
Templates that ask for too much, and how each must end: by an error of a template's, or as harmless text.

Run as a program, this module tries them all in a process of little memory and prints what became of each.
"""

from __future__ import annotations

import json
import resource

from injector.core import binding, rendering
from injector.core.errors import PillionError
from tests.rendering.templating import PARAMETERS, scope

MEMORY = 1 << 30
"""Bytes of address space, which is several times what the interpreter and its libraries take."""

PARAMETERS = {
    **PARAMETERS,
    "big": "z" * 60_000,
    "lines": "a\n" * 20_000,
    "numbers": ",1" * 15_000,
    "repeated": "a" * 4_096,
    "tree": [{"a": number, "b": ["x"] * 3} for number in range(1_500)],
    "words": [str(number) for number in range(15_000)],
    "map": {str(number): {"a": number} for number in range(3_000)},
}


def doubled(expression, times=40):
    """A macro that calls itself with something twice as large each time; there is no variable that outlives a loop."""
    step = f"{{% if n > 0 %}}{{{{ f(n - 1, {expression}) }}}}{{% else %}}{{{{ s }}}}{{% endif %}}"
    return f"{{% macro f(n, s) %}}{step}{{% endmacro %}}x: {{{{ f({times}, 'ab') }}}}"


def often(body, loops=2):
    """A body a thousand times a thousand times."""
    return "{% for i in range(1000) %}" * loops + body + "{% endfor %}" * loops


LONG = "{% set s = '" + "a" * 60_000 + "' %}"
STEPS = "the template takes more than 200000 steps"
PRINTED = "values grow beyond 20000 items or 262144 characters"
TEXT = "a text grows beyond 65536 characters"
NESTED = "expressions or tags are nested too deep"
NUMBERS = "takes two numbers"
POWER = "a power grows beyond 256 bits"
YAML_DEPTH = "the YAML is nested more than 32 deep"

HOSTILE = {
    "a range has more than 1000 numbers": {
        "a range of a billion": "{% for i in range(10**9) %}{% endfor %}",
        "a range beyond what Python can count": "{% for i in range(10**30) %}{% endfor %}",
        "two long ranges": "{% for i in range(99999) %}{% for j in range(99999) %}{{ i }}{% endfor %}{% endfor %}",
        "a long range through map": "{% set x = range(99999) | map('string') | list %}",
    },
    NUMBERS: {
        "a text times a number": "x: {{ 'a' * 10**10 }}",
        "a list times a number": "x: {{ ([1] * 10**9) | length }}",
        "a number formatted to a width": "x: {{ '%9999999999d' % 1 }}",
        "a list and a text": "x: {{ [1] + 'a' }}",
        "keys of a mapping less a list": "x: {{ params.map.keys() - [1] }}",
    },
    POWER: {
        "a power of a power": "x: {{ (10**10**8) > 5 }}",
        "a power with brackets": "x: {{ (10**(10**8)) > 5 }}",
        "a power of a fraction": "x: {{ 2.0**100000 }}",
        "a negative power": "x: {{ 10**-100000000 }}",
        "a chain of powers": "x: {{ " + "**".join(["9"] * 50) + " }}",
    },
    "a number grows beyond 256 bits": {
        "a product of long numbers": "x: {{ " + "9" * 4000 + " * " + "9" * 4000 + " }}",
        "a long product": "x: {{ 9" + " * 99999999999" * 20 + " }}",
    },
    "a value of type str has no part": {
        "ljust": "x: {{ 'x'.ljust(10**10) }}",
        "zfill": "x: {{ 'x'.zfill(10**10) }}",
        "expandtabs": "x: {{ '\t'.expandtabs(10**10) }}",
        "format": "x: {{ '{:9999999999}'.format(1) }}",
        "format in brackets": "x: {{ 'x{:9999999999}'['format'](1) }}",
        "format_map": "x: {{ '{a}'.format_map({'a': 1}) }}",
        "dunder": "x: {{ ''.__class__.__mro__ }}",
        "dunder in brackets": "x: {{ ''['__class__'] }}",
    },
    "has no part": {
        "to_bytes": "x: {{ (1).to_bytes(10**9, 'big') }}",
        "a method of a list": "x: {{ [1].append(2) }}",
        "the insides of a function": "x: {{ range.__globals__ }}",
        "the insides of a macro": "{% macro m() %}{% endmacro %}x: {{ m._func }}",
        "the insides of a loop": "{% for i in [1] %}{{ loop._iterator }}{% endfor %}",
        "the insides of a number": "x: {{ params.port.__class__ }}",
    },
    "is absent here": {
        "the insides of a mapping": "x: {{ pod.__class__ }}",
        "the insides of an absent field": "x: {{ pod.nope.__init__.__globals__ }}",
        "a method of mappings that is not listed": "x: {{ pod.update({'a': 1}) }}",
    },
    "there is no filter": {
        "center": "{{ 'x' | center(10**10) }}",
        "batch": "{{ [1] | batch(10**8, 0) }}",
        "slice": "{{ [1] | slice(10**8) }}",
        "pprint": "{{ [1] | pprint }}",
        "attr": "{{ 'x' | attr('format') }}",
        "format as a filter": "{{ '%9999999999d' | format(1) }}",
        "xmlattr": "{{ {} | xmlattr }}",
        "urlize": "{{ 'x' | urlize }}",
        "random": "{{ [1] | random }}",
    },
    "is undefined": {
        "lipsum": "{{ lipsum(n=10**6) }}",
        "cycler": "{{ cycler(1) }}",
        "joiner": "{{ joiner() }}",
        "self": "{{ self }}",
        "varargs": "{% macro m() %}{{ varargs }}{% endmacro %}",
    },
    "starts with _": {
        "the budget": "{{ __budget }}{{ ''.__class__.__mro__ }}",
        "our budget": "{{ _budget.spend(-1000000) }}",
        "our values": "{{ _values.append(1) }}",
        "a variable like ours": "{% set _budget = 1 %}",
        "a parameter of a macro like ours": "{% macro m(_values) %}{% endmacro %}",
    },
    TEXT: {
        "texts joined, doubled": doubled("s ~ s"),
        "texts added, doubled": doubled("s + s"),
        "JSON, doubled": doubled("[s, s] | to_json"),
        "strings, doubled": doubled("[s, s] | string"),
        "quotes, doubled": doubled("[s, s] | quote"),
        "Base64 of Base64": doubled("s | b64encode", 200),
        "set blocks, doubled": LONG + "{% set s %}{{ s }}{{ s }}{% endset %}" * 40 + "x: {{ s | length }}",
        "set blocks of tokens, doubled": "{% set s %}{{ params.script }}{% endset %}"
        + "{% set s %}{{ s }}{{ s }}{% endset %}" * 40
        + "x: {{ s | length }}",
        "a set block with a small source and a large value": "{% set s %}{{ params.big }}{{ params.big }}{% endset %}",
        "a macro of long text": "{% macro m() %}"
        + "x" * 40_000
        + "{% endmacro %}{% macro n() %}{{ m() }}{{ m() }}{% endmacro %}x: {{ n() }}",
        "a text in capital letters": "{% set s = '"
        + "ŉ" * 32_000
        + "' %}{{ s | upper | upper }}"
        + "{{ (s ~ s) | upper }}",
        "a replacement of groups": "x: {{ params.repeated | regex_replace('(a*)', '" + "\\\\1" * 490 + "') | length }}",
    },
    "join: the text grows beyond": {
        "join, doubled": doubled("[s, s] | join"),
        "join with a long text between": "x: {{ range(1000) | join(params.big) }}",
    },
    "replace: the text grows beyond": {
        "replace by itself": LONG + "x: {{ s | replace('a', s) | length }}",
        "replace of nothing": LONG + "x: {{ s | replace('', s) | length }}",
        "replace, doubled": doubled("s | replace('a', s)"),
        "replace in map": "x: {{ range(1000) | map('string') | map('replace', '0', '" + "z" * 60_000 + "') | list }}",
    },
    "map: the texts grow beyond": {
        "many long texts in map": "x: {{ range(1000) | map('string') | map('replace', '0', '"
        + "z" * 20_000
        + "') | list }}",
    },
    "an indented text grows beyond": {
        "indent of indent": "{% set s = '" + "a\\n" * 900 + "' %}x: {{ (s" + " | indent(64)" * 100 + ") | upper }}",
        "a column in a block": "x: |\n  y\n" + " " * 40_000 + "{{ params.lines }}\n",
    },
    PRINTED: {
        "output of three loops": often("{{ i }}", 3),
        "lists, doubled": doubled("[s, s]"),
        "lists added, doubled": doubled("[s] + [s]"),
        "tuples, doubled": doubled("(s, s)"),
        "dict(), doubled": doubled("dict(a=s, b=s)"),
        "mappings, doubled": doubled("{'a': s, 'b': s}"),
        "views of mappings, doubled": doubled("{'a': {'x': s, 'y': s}.items(), 'b': {'x': s}.values()}"),
        "YAML, doubled": doubled("[s, s] | to_yaml"),
        "a shared tree as JSON": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "x: {{ a | to_json | length }}",
        "a shared tree": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "x: {{ a }}",
        "two shared trees compared": "{% set a = [1] %}"
        + "{% set a = [a, a] %}" * 60
        + "{% set b = [1] %}"
        + "{% set b = [b, b] %}" * 60
        + "x: {{ a == b }}",
        "a macro that calls itself twice": "{% macro m(n) %}{% if n > 0 %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}"
        "{% endmacro %}x: {{ m(40) }}",
        "one long value, often": often("- {{ params.big }}\n"),
        "one large tree, often": often("- {{ params.tree }}\n"),
        "captured text with a long value, often": "{% set s %}{{ params.big }}{% endset %}" + often("{{ s }}"),
        "captured text with a large tree, often": "{% set s %}{{ params.tree[:9] }}{% endset %}" + often("- {{ s }}\n"),
        "a captured list, again and again": "{% set s %}{{ range(1000) | list }}{% endset %}" + "- {{ s }}\n" * 30,
        "a macro of long text, often": "{% macro m() %}" + "x" * 50_000 + "{% endmacro %}" + often("{{ m() }}"),
        "a set block of long text, often": "{% set m %}" + "x" * 50_000 + "{% endset %}" + often("{{ m }}"),
        "long punctuation, often": often("{{ '" + "-" * 50_000 + "' }}"),
        "a text split into letters": LONG + "{% set x = s.split('a') %}",
        "a text as a list": LONG + "{% set x = s | list %}",
    },
    STEPS: {
        "three loops": often("", 3),
        "a long text, often": often("x" * 50_000),
        "map, often": often("{% set x = range(999) | map('string') | list %}"),
        "items of items, doubled": doubled("{'a': {'x': s}.items() | list, 'b': {'x': s}.items() | list}"),
        "equal trees, often": often("{% if params.tree == params.tree | list %}{% endif %}"),
        "a search in a list by the test in": often("{% if -1 is in(params.words) %}{% endif %}"),
        "a search in a list": often("{% if -1 in params.words %}{% endif %}"),
        "a search in the values of a mapping": often("{% if params.tree in params.map.values() %}{% endif %}"),
        "a search in a long text": often("{% if 'b' in params.big %}{% endif %}"),
        "a search in a long literal": often("{% if 'b' in '" + "a" * 60_000 + "' %}{% endif %}"),
        "a method of a long text": often("{% if params.big.isalpha() %}{% endif %}"),
        "a count in a long text": often("{% if params.big.count('b') %}{% endif %}"),
        "words of a long text": "{% set s = '" + "a " * 15_000 + "' %}" + often("{% set x = s.split() %}"),
        "slices": often("{% set x = params.words[:] %}"),
        "sort": often("{% set x = params.words | sort %}"),
        "unique": often("{% set x = params.tree | unique %}"),
        "min": often("{% set x = params.words | min %}"),
        "combine": often("{% set x = params.map | combine(params.map, recursive=true) %}"),
        "dict of a mapping": often("{% set x = dict(params.map) %}"),
        "default of a macro": "{% macro m(a=range(1000) | list) %}{% endmacro %}" + often("{{ m() }}"),
        "YAML in YAML": often("{% set x = ('[' ~ i ~ params.numbers ~ ']') | from_yaml %}"),
        "JSON in YAML": often("{% set x = ('[' ~ i ~ params.numbers ~ ']') | from_json %}"),
        "one pattern, often": often("{% set x = 'a' | regex_replace('(x+x+)+y', '') %}"),
        "many patterns": often("{% set x = 'a' | regex_replace('a{' ~ i ~ '}', '') %}"),
        "what a loop knows of itself": often("{% set x = loop.length + loop.revindex %}{% set y = loop.cycle(1, 2) %}"),
        "loops in macros in loops": "{% macro m() %}" + often("", 3) + "{% endmacro %}" + often("{{ m() }}", 3),
        "many lines of output": often("- a\n"),
    },
    "takes too long": {
        "a search for many items among many": "{% set a = range(1000) | list + range(1000) | list %}"
        "{% set x = a | select('in', a) | list %}",
        "a search for many items in a text": "{% set x = params.words | reject('in', params.big) | list %}",
    },
    "more than 64 characters to strip": {
        "strip": LONG + "{% set x = s.strip('b' ~ s) %}",
        "trim": LONG + "{% set x = s | trim('b' ~ s) %}",
    },
    "an attribute has more than 256 characters": {
        "a path of dots": "{% set p = '" + "." * 60_000 + "' %}{% set x = params.tree | map(attribute=p) %}",
    },
    "is too complex for": {
        "a pattern of many states": "x: {{ params.repeated | regex_replace('(?:a?){100}(?:a){100}', '') }}",
    },
    "is no regular expression of RE2": {
        "a pattern of too many states": "x: {{ 'a' | regex_replace('((a{1,100}){1,100}){1,100}', '') }}",
        "a pattern that looks back": "x: {{ 'a' | regex_replace('(a)\\\\1', '') }}",
    },
    "has more than 1000 characters": {
        "a long pattern": "x: {{ 'a' | regex_replace(params.big, '') }}",
        "a long replacement": "x: {{ params.repeated | regex_replace('a', params.big) }}",
    },
    "has more than 4096 characters": {
        "a long text under a pattern": "x: {{ params.big | regex_replace('z', '') }}",
        "a long text under a test": "x: {{ params.big is search('a') }}",
        "a long text under select": "x: {{ [params.big] | select('match', 'a') }}",
    },
    "expected up to 20 digits": {"round to a hundred million digits": "x: {{ 7 | round(-100000000) }}"},
    "expected a number from 0 to 64": {"a wide indent": "x: {{ 'a' | indent(10**9) }}"},
    "no number that Kubernetes can hold": {
        "an infinite number": "x: {{ 1e308 * 10 }}",
        "a number of more than 64 bits": "x: {{ 2**100 }}",
    },
    "nested more than 32 deep": {
        "deep JSON": "x: {{ ('" + "[" * 1000 + "]" * 1000 + "') | from_json }}",
        "deep YAML in YAML": "x: {{ ('" + "[" * 30_000 + "') | from_yaml }}",
        "deep lists": "[" * 30_000,
        "deep items": "- " * 30_000,
        "deep mappings": "{a: " * 9_000,
        "deep complex keys": "? " * 30_000,
        "a deep value": "{% set a = [1] %}" + "{% set a = [a] %}" * 40 + "x: {{ a }}",
    },
    "the YAML has more than 20000 parts": {"many parts": "- [a" + ",a" * 30_000 + "]"},
    "anchors and aliases are not available": {
        "anchors": "&a " * 20_000,
        "a billion laughs": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    },
    "macros call each other, or values are nested, too deep": {
        "a macro without end": "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}x: {{ m(0) }}",
    },
    NESTED: {
        "brackets": "x: {{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
        "lists in lists": "x: {{ " + "[" * 9_000 + "]" * 9_000 + " }}",
        "braces": "{{" * 30_000,
        "negations": "x: {{ " + "not " * 10_000 + "1 }}",
        "signs": "x: {{ " + "-" * 30_000 + "1 }}",
        "conditions": "{% if 1 %}" * 3_000 + "{% endif %}" * 3_000,
        "attributes": "x: {{ pod" + ".a" * 20_000 + " }}",
        "items": "x: {{ pod" + "['a']" * 900 + " }}",
        "sums": "x: {{ 1" + "+1" * 20_000 + " }}",
        "calls": "x: {{ range" + "(1)" * 900 + " }}",
        "filters": "x: {{ 1" + "|abs" * 3_000 + " }}",
    },
    "split the template": {
        "many expressions": "{{ 1 }}" * 8_000,
        "many conditions in one": "x: {{ " + "1 if 0 else " * 900 + "2 }}",
    },
    "the text has more than 65536 bytes": {
        "a long source": "x" * 65_537,
        "a long source of wide letters": "😀" * 16_385,
    },
    "deep in each other": {"four loops": often("", 4)},
    "recursive loops are not available": {
        "a recursive loop": "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}"
    },
    "is not available in templates": {
        "include": "{% include 'x' %}",
        "import": "{% import 'x' as y %}",
        "from": "{% from 'x' import y %}",
        "extends": "{% extends 'x' %}",
        "a block": "{% block x %}{% endblock %}",
        "call": "{% call range(3) %}{% endcall %}",
        "a filter block": "{% filter upper %}x{% endfilter %}",
        "a field of a namespace": "{% set namespace.x = 1 %}",
    },
    "unknown tag": {
        "do": "{% do [].append(1) %}",
        "break": "{% for i in [1] %}{% break %}{% endfor %}",
        "debug": "{% debug %}",
    },
    "cannot be compiled": {"a number of 5000 digits": "x: {{ " + "9" * 5000 + " }}"},
    "a comment is never closed": {"comments without end": "{#" * 30_000},
    "tag name expected": {"tags without end": "{%" * 30_000, "a tag of spaces": "{%" + " " * 60_000},
    "Missing end of raw directive": {"raw blocks without end": "{% raw %}" * 7_000},
    "expected token": {"quotes without end": '{{ "a' * 10_000, "more quotes without end": "{{ '" * 10_000},
    "Expected an expression": {"an expression of spaces": "{{" + " " * 60_000 + "}}"},
    "the key 'a' stands here twice": {"a key in a loop": "{% for i in range(9) %}\na: 1\n{% endfor %}"},
    "OK": {
        "a long number from text": "{% set s = '" + "9" * 60_000 + "' %}x: {{ s | int }}",
        "many branches": "{% if 0 %}" + "{% elif 0 %}" * 900 + "{% endif %}x: 1",
        "captured text, doubled a little": "{% set s %}{{ params.script }}{% endset %}"
        + "{% set s %}{{ s }}{{ s }}{% endset %}" * 10
        + "x: {{ s }}",
        "many lists in brackets": "".join(f"k{number}: [\n{{{{ params.lst }}}}\n]\n" for number in range(300)),
        "a wide but short text": "x: |\n" + "".join(f"  {' ' * 100}{{{{ params.script }}}}\n" for _ in range(50)),
    },
}
"""What the error must say, and the templates that must end in it; ``OK`` for those that are harmless."""


def outcome(template):
    """Return how a template ends, and the steps that it took."""
    shown = scope(PARAMETERS)
    try:
        program = rendering.compile_program(template, key="pod", parameters=PARAMETERS)
        binding.bind(rendering.render(program, shown), key="pod")
    except PillionError as error:
        return f"{type(error).__name__}: {error}"[:500], shown.budget.spent
    except BaseException as error:  # noqa: BLE001 - anything else is what must not happen, MemoryError included
        return f"NO ERROR OF OURS: {type(error).__name__}: {error}"[:500], shown.budget.spent
    return "OK", shown.budget.spent


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for templates in HOSTILE.values():
        for name, template in templates.items():
            print(json.dumps([name, *outcome(template)]), flush=True)  # noqa: T201 - what it is there for
