"""Each filter, test and function in an ordinary use and in one that is refused."""

from __future__ import annotations

import pytest

from injector.core import environments, filters
from injector.core.errors import Refused, RenderError, TemplateError
from tests.rendering.templating import become, holds, strictly

ORDINARY = [
    ("pod.nope | default('x')", "x"),
    ("pod.nope | default", ""),
    ("params.empty | default('x')", ""),
    ("params.empty | d('x', true)", "x"),
    ("params.nul | default('x')", None),
    ("params.nul | default('x', boolean=true)", "x"),
    ("'a' | mandatory", "a"),
    ("false | mandatory", False),
    ("0 | required('give a number')", 0),
    ("params.flag | ternary('on', 'off')", "on"),
    ("0 | ternary('on', 'off')", "off"),
    ("false | ternary('on')", None),
    ("params.cfg | to_yaml", {"a": {"b": 1, "c": "x"}}),
    ("params.cfg | to_nice_yaml(indent=4)", {"a": {"b": 1, "c": "x"}}),
    ("params.cfg | toYaml | string", "a:\n  b: 1\n  c: x"),
    ("params.cfg | to_yaml | length", 16),
    ("params.cfg | to_yaml == 'a:\\n  b: 1\\n  c: x'", True),
    ("(params.cfg | to_yaml) == 'a:\\n  b: 1\\n  c: x'", True),
    ("(params.cfg | to_yaml).splitlines()", ["a:", "  b: 1", "  c: x"]),
    ("(params.cfg | to_yaml) + '!'", "a:\n  b: 1\n  c: x!"),
    ("'yes' | to_yaml | string", '"yes"'),
    ("params.cfg | to_json", '{"a":{"b":1,"c":"x"}}'),
    ("params.script | toJson", '"set -e\\necho hi\\n"'),
    ("{1: params.nul, false: 0.5} | tojson", '{"1":null,"false":0.5}'),
    ("'a: [1, yes, 010]' | from_yaml", {"a": [1, True, 8]}),
    ("'' | fromYaml", None),
    ("'[1, 1.0, null]' | from_json", [1, 1.0, None]),
    ("'true' | fromJson", True),
    ("8080 | quote", "8080"),
    ("true | string", "true"),
    ("params.nul | string", "null"),
    ("params.lst | string", "- a\n- b"),
    ("'12' | int", 12),
    ("' 12 ' | int", 12),
    ("'1.9' | int", 0),
    ("'x' | int(7)", 7),
    ("1.9 | int", 1),
    ("params.nul | int", 0),
    ("'1.5' | float", 1.5),
    ("'nan' | float(0.1)", 0.1),
    ("'1e999' | float", 0.0),
    ("'üser' | b64encode", "w7xzZXI="),
    ("8080 | b64enc", "ODA4MA=="),
    ("'w7xzZXI=' | b64decode", "üser"),
    ("'dXNlcg==' | b64dec", "user"),
    ("\"it's\" | shell_quote", "'it'\"'\"'s'"),
    ("'a-1-b-22' | regex_replace('-([0-9]+)', '<\\\\1>')", "a<1>-b<22>"),
    ("'aXbX' | regex_replace('X')", "ab"),
    ("'a.b.c' | replace('.', '-')", "a-b-c"),
    ("'a.b.c' | replace('.', '-', 1)", "a-b.c"),
    ("8080 | replace(80, 1)", "11"),
    ("'Web' | lower", "web"),
    ("'web' | upper", "WEB"),
    ("'my app' | title", "My App"),
    ("'my app' | capitalize", "My app"),
    ("' a ' | trim", "a"),
    ("'--a--' | trim('-')", "a"),
    ("params.lst | join", "ab"),
    ("params.lst | join(', ')", "a, b"),
    ("[1, true, 'x'] | join('-')", "1-true-x"),
    ("pod.spec.containers | join('+', attribute='name')", "c1+c2"),
    ("'abc' | join('.')", "a.b.c"),
    ("params.nul | join(',')", ""),
    ("{'a': 1, 'b': 1} | combine({'b': 2}, {'c': 3})", {"a": 1, "b": 2, "c": 3}),
    ("{'a': {'x': 1}} | combine({'a': {'y': 2}})", {"a": {"y": 2}}),
    ("{'a': {'x': 1, 'z': [1]}} | combine({'a': {'z': [2]}}, recursive=true)", {"a": {"x": 1, "z": [2]}}),
    ("params.m | items", [["A", "1"], ["B", "2"]]),
    ("params.nul | items", []),
    ("{'b': 1, 'a': 2} | dictsort", [["a", 2], ["b", 1]]),
    ("pod.spec.containers | map(attribute='name')", ["c1", "c2"]),
    ("[{'a': {'b': 1}}, {}] | map(attribute='a.b', default=0)", [1, 0]),
    ("['Ab'] | map('lower') | list", ["ab"]),
    ("['a.b'] | map('replace', '.', '-')", ["a-b"]),
    ("['a1'] | map('regex_replace', '[0-9]', '')", ["a"]),
    ("[8080] | map('string')", ["8080"]),
    ("['1', 'x'] | map('int')", [1, 0]),
    ("[0, 1, '', 'a'] | select", [1, "a"]),
    ("['a', 'b', 'c'] | select('in', ['a', 'c'])", ["a", "c"]),
    ("['a', 'b'] | reject('eq', 'a')", ["b"]),
    ("['app', 'web'] | select('match', 'a')", ["app"]),
    ("['app', 'web'] | reject('search', 'p$')", ["web"]),
    ("[{'n': 'a'}, {'m': 1}] | selectattr('n', 'defined')", [{"n": "a"}]),
    ("[{'n': 'a'}, {'m': 1}] | rejectattr('n')", [{"m": 1}]),
    ("[{'n': 'a'}, {'n': 'b'}] | selectattr('n', 'ne', 'a')", [{"n": "b"}]),
    ("[{'n': 1}, {'m': 1}] | selectattr('n', 'none')", [{"m": 1}]),
    ("'ab' | list", ["a", "b"]),
    ("params.m | list", ["A", "B"]),
    ("range(3) | list", [0, 1, 2]),
    ("range(3)", [0, 1, 2]),
    ("range(1, 10, 4) | list", [1, 5, 9]),
    ("[2, 1, 3] | sort", [1, 2, 3]),
    ("['b', 'A'] | sort(reverse=true)", ["b", "A"]),
    ("[{'n': 2}, {'n': 1}] | sort(attribute='n')", [{"n": 1}, {"n": 2}]),
    ("['b', 'a', 'b', 1, true, 1] | unique", ["b", "a", 1, True]),
    ("[1, 2] | reverse", [2, 1]),
    ("'ab' | reverse", "ba"),
    ("['a', 'b'] | first", "a"),
    ("['a', 'b'] | last", "b"),
    ("[] | first", None),
    ("[] | last", None),
    ("'abc' | length", 3),
    ("params.m | count", 2),
    ("params.nul | length", 0),
    ("[2, 1] | min", 1),
    ("[2, 1] | max", 2),
    ("[] | max", None),
    ("[1, 2.5] | sum", 3.5),
    ("[{'n': 1}, {'n': 2}] | sum(attribute='n', start=10)", 13),
    ("(-3) | abs", 3),
    ("(0 - 3) | abs", 3),
    ("3.14159 | round(2)", 3.14),
    ("2.6 | round", 3),
    ("1234 | round(-2)", 1200),
    ("dict(a=1, b='x')", {"a": 1, "b": "x"}),
    ("'a,b'.split(',')", ["a", "b"]),
    ("'a-b'.partition('-')", ["a", "-", "b"]),
    ("'xax'.strip('x')", "a"),
    ("params.m.get('A')", "1"),
    ("params.m.get('Z', 'none')", "none"),
    ("params.m.keys() | list", ["A", "B"]),
    ("params.m.values()", ["1", "2"]),
    ("params.m.items()", [["A", "1"], ["B", "2"]]),
    ("params['port']", 8080),
    ("params.lst[0]", "a"),
    ("params.lst[-1]", "b"),
    ("params.lst[:1]", ["a"]),
    ("'abc'[1:]", "bc"),
    ("{8080: 'web'}[params.port]", "web"),
    ("7 // 2", 3),
    ("7 % 2", 1),
    ("2 ** 10", 1024),
    ("[1] + [2]", [1, 2]),
    ("'a' + 'b'", "ab"),
    ("1 < 2 < 3", True),
    ("'b' in params.lst", True),
    ("'A' in params.m", True),
    ("'bu' in params.level", True),
    ("params.lst and params.nul", None),
    ("params.nul or 'x'", "x"),
]  # fmt: skip

REFUSED = [
    ("pod.nope | mandatory", "a mandatory value is absent"),
    ("params.nul | mandatory('set the level')", "set the level"),
    ("params.empty | required('set the level')", "set the level"),
    ("pod.nope | ternary(1, 2)", "'nope' is absent here"),
    ("pod.nope | to_yaml", "'nope' is absent here"),
    ("pod.nope | quote", "'nope' is absent here"),
    ("pod.nope | int", "'nope' is absent here"),
    (
        "'a: b: c' | from_yaml",
        "from_yaml, line 1 of the text: no valid YAML: mapping values are not allowed in this context",
    ),
    ("'{' | from_json", "from_json: the text is no JSON"),
    ("'ä' | b64decode", "b64decode: the text is no Base64 of UTF-8"),
    ("'/w==' | b64decode", "b64decode: the text is no Base64 of UTF-8"),
    ("'a' | regex_replace('(', '')", "'(' is no regular expression of RE2: missing ): ("),
    ("'a' | regex_replace('a', '\\\\7')", "'\\\\7' is no replacement for 'a'"),
    ("'a' | regex_replace(1, '')", "a regular expression must be a text, got 1"),
    ("params.lst | combine({})", "combine: expected mappings, got list"),
    ("params.m | combine(pod.nope)", "'nope' is absent here"),
    ("params.lst | items", "expected a mapping, got ['a', 'b']"),
    ("8080 | dictsort", "expected a list, got 8080"),
    ("8080 | length", "expected a list, got 8080"),
    ("8080 | first", "expected a list, got 8080"),
    ("8080 | join(',')", "expected a list, got 8080"),
    ("['a'] | map('shout')", "map: expected attribute='…' or one of b64encode, float, int,"),
    ("['a'] | map", "map: expected attribute='…' or one of b64encode, float, int,"),
    ("['a'] | select('shouted')", "there is no test 'shouted' here: use one of !=, ==, defined,"),
    ("['a', 1] | sort", "TypeError: '<' not supported between instances of 'int' and 'str'"),
    ("['a', 1] | min", "TypeError: '<' not supported between instances of 'int' and 'str'"),
    ("['a'] | sum", "sum: 'a' is no number"),
    ("'a' | abs", "TypeError: bad operand type for abs(): 'str'"),
    ("'a' | round", "TypeError: type str doesn't define __round__ method"),
    ("1.5 | round('x')", "round: expected up to 20 digits, got 'x'"),
    ("'a' | indent('x')", "an indent is 'x', expected a number from 0 to 64"),
    ("'a' | nindent(65)", "an indent is 65, expected a number from 0 to 64"),
    ("'a' | upper(1)", "TypeError: "),
    ("range('a')", "TypeError: 'str' object cannot be interpreted as an integer"),
    ("dict(1)", "TypeError: 'int' object is not iterable"),
    ("range", "'function' is nothing that YAML can hold"),
    ("'a'.replace('a', 'b')", "a value of type str has no part 'replace': use the filter 'replace'"),
    ("params.lst.append(1)", "a value of type list has no part 'append'"),
    ("8080.x", "a value of type int has no part 'x'"),
    ("params.lst['a']", "a value of type list has no part 'a'"),
    ("'a' + 1", "'+' takes two numbers, got str and int; join texts with ~"),
    ("[1] - [1]", "'-' takes two numbers, got list and list"),
    ("1 / 0", "ZeroDivisionError: division by zero"),
    ("1 < 'a'", "TypeError: '<' not supported between instances of 'int' and 'str'"),
    ("pod.nope + 1", "'nope' is absent here"),
    ("{[]: 1}", "TypeError: unhashable type: 'list'"),
    ("params.port()", "TypeError: 'int' object is not callable"),
    ("'a' is match('(')", "'(' is no regular expression of RE2: missing ): ("),
    ("'a' is divisibleby('b')", "TypeError: "),
]

TESTS = [
    ("params.port is defined", True), ("pod.nope is defined", False), ("pod.nope is undefined", True),
    ("params.nul is none", True), ("params.port is none", False), ("params.tag is string", True),
    ("params.port is string", False), ("params.port is number", True), ("params.port is integer", True),
    ("params.flag is integer", False), ("params.ratio is float", True), ("params.flag is boolean", True),
    ("params.m is mapping", True), ("params.lst is mapping", False), ("params.lst is sequence", True),
    ("params.lst is iterable", True), ("params.port is iterable", False), ("params.flag is true", True),
    ("params.flag is false", False), ("3 is odd", True), ("3 is even", False), ("9 is divisibleby(3)", True),
    ("'a' is lower", True), ("'a' is upper", False), ("'a' is in(params.lst)", True),
    ("'z' is not in(params.lst)", True),
    ("1 is eq(1)", True), ("1 is equalto(2)", False), ("1 is ne(2)", True), ("1 is lt(2)", True),
    ("1 is lessthan(2)", True), ("1 is le(1)", True), ("2 is gt(1)", True), ("2 is greaterthan(3)", False),
    ("2 is ge(2)", True), ("'debug' is match('de')", True), ("'debug' is match('bug')", False),
    ("'debug' is search('bug')", True), ("8080 is match('80')", True),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "value"), ORDINARY, ids=[expression for expression, _ in ORDINARY])
def test_an_expression_gives_its_value(expression, value):
    assert strictly({"x": value}) == strictly(become(f"x: {{{{ {expression} }}}}\n"))


@pytest.mark.parametrize(("expression", "problem"), REFUSED, ids=[expression for expression, _ in REFUSED])
def test_an_erroneous_use_says_what_is_wrong_and_where(expression, problem):
    with pytest.raises(RenderError) as caught:
        become(f"y: 1\nx: {{{{ {expression} }}}}\n")

    assert problem in caught.value.problem
    assert ("pod", 2) == (caught.value.place.key, caught.value.place.line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("condition", "expected"), TESTS, ids=[condition for condition, _ in TESTS])
def test_a_test_tells_what_is_so(condition, expected):
    assert expected is holds(condition)


def test_every_filter_is_used_in_this_table():
    text = " ".join(expression for expression, _ in ORDINARY)
    unused = {name for name in filters.FILTERS if f"| {name}" not in text}

    assert {"indent", "nindent"} == unused  # they place, and have cases of their own


def test_every_test_is_used_in_this_table():
    text = " ".join(condition for condition, _ in TESTS)
    names = {name for name in (*filters.JINJA_TESTS, *filters.TESTS) if name.isalpha()}

    assert set() == {name for name in names if f"is {name}" not in text and f"is not {name}" not in text}


def test_nothing_else_of_jinja_is_there():
    environment = environments.environment_of(("{{", "}}"))

    public = {name for name in environment.filters if not name.startswith("_")}
    assert set(filters.FILTERS) == public
    assert {*filters.JINJA_TESTS, *filters.TESTS} == set(environment.tests)
    assert {"range", "dict", "fail"} == set(environment.globals)


@pytest.mark.parametrize(("call", "message"), [("fail('set the label')", "set the label"), ("fail()", "refuses")])
def test_fail_refuses_the_pod_as_its_authors_fault(call, message):
    with pytest.raises(Refused, match=message):
        become(f"x: {{{{ {call} }}}}\n")


def test_a_filter_that_does_not_exist_is_found_when_the_template_is_loaded():
    with pytest.raises(TemplateError) as caught:
        become("x: {{ params.tag | uper }}\n")

    assert (
        "key pod, line 1, column 20: there is no filter 'uper'; did you mean 'upper'?\n"
        "  | x: {{ params.tag | uper }}\n"
        "  |                    ^"
    ) == caught.value.with_caret()
