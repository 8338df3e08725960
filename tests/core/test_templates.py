"""From a ConfigMap to a template: every setting and key, and where and how a wrong one is told."""

from __future__ import annotations

import pytest

from injector.core import templates
from injector.core.errors import TemplateError
from injector.core.model import Native, OnError, Policy
from injector.core.templates import ANNOTATIONS, DATA_KEYS, PROGRAM_KEYS
from tests.core.builders import POLICY, configmap, template


def refused(stored):
    with pytest.raises(TemplateError) as caught:
        templates.parse(stored, POLICY)
    return caught.value


def test_a_template_without_settings_has_the_defaults_of_the_reference():
    found = template("tool")

    assert ("tool", "pillion-system", "tool") == (found.name, found.namespace, found.reference)
    assert (False, None, None, None, None) == (
        found.is_default, found.when, found.namespace_selector, found.pod_selector, found.on_error,
    )  # fmt: skip
    assert (100, Native.AUTO, False, False, True) == (
        found.order, found.native, found.init_first, found.host_network, found.api_token,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "text", "field", "value"),
    [
        ("description", "Ships logs", "description", "Ships logs"),
        ("version", "3", "version", "3"),
        ("default", "true", "is_default", True),
        ("default", "false", "is_default", False),
        ("order", "-7", "order", -7),
        ("on-error", "deny", "on_error", OnError.DENY),
        ("on-error", "skip", "on_error", OnError.SKIP),
        ("native", "true", "native", Native.ALWAYS),
        ("native", "false", "native", Native.NEVER),
        ("init", "first", "init_first", True),
        ("init", "last", "init_first", False),
        ("host-network", "true", "host_network", True),
        ("api-token", "false", "api_token", False),
    ],
)
def test_every_setting_is_read(setting, text, field, value):
    assert value == getattr(template("tool", **{setting: text}), field)


@pytest.mark.parametrize(
    ("setting", "text", "problem"),
    [
        ("default", "yes", "annotation 'default' is 'yes': expected 'false' or 'true'"),
        ("order", "1.5", "annotation 'order' is '1.5': expected a whole number such as \"100\""),
        ("order", "", "annotation 'order' is '': expected a whole number such as \"100\""),
        ("order", "9" * 10, f"annotation 'order' is '{'9' * 10}': expected a whole number such as \"100\""),
        ("on-error", "ignore", "annotation 'on-error' is 'ignore': expected 'deny' or 'skip'"),
        ("native", "maybe", "annotation 'native' is 'maybe': expected 'auto' or 'true' or 'false'"),
        ("init", "middle", "annotation 'init' is 'middle': expected 'last' or 'first'"),
        ("host-network", "on", "annotation 'host-network' is 'on': expected 'false' or 'true'"),
        ("api-token", "no", "annotation 'api-token' is 'no': expected 'true' or 'false'"),
        ("delimiters", "[[", "annotation 'delimiters' is '[[': expected two pairs of signs such as '[[ ]]'"),
        ("delimiters", "[[ [[", "annotation 'delimiters' is '[[ [[': expected two pairs of signs such as '[[ ]]'"),
        ("delimiters", "aa bb", "annotation 'delimiters' is 'aa bb': expected two pairs of signs such as '[[ ]]'"),
        (
            "namespace-selector",
            "=x",
            "'=x' is no label selector: write them like 'app=web,tier!=db,env in (a,b),!canary'",
        ),
        ("pod-selector", "a b", "'a b' is no label selector: write them like 'app=web,tier!=db,env in (a,b),!canary'"),
        ("versoin", "1", "unknown annotation 'versoin'; did you mean 'version'?"),
        ("x", "1", f"unknown annotation 'x'; there are {', '.join(ANNOTATIONS)}"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_expected(setting, text, problem):
    error = refused(configmap("tool", {}, **{setting: text}))

    assert f"ConfigMap pillion-system/tool, key {setting}: {problem}" == str(error)


@pytest.mark.parametrize(
    ("condition", "problem", "caret"),
    [
        ("podd.spec", "'podd' is undefined; did you mean 'pod'?", "^"),
        ("pod.spec and nodes", "'nodes' is undefined", "             ^"),
        ("pod.spec | lenght > 1", "there is no filter 'lenght'; did you mean 'length'?", "           ^"),
        ("pod.spec is mappping", "there is no test 'mappping'; did you mean 'mapping'?", "            ^"),
        ("params.levle", "'params.levle' is no declared parameter; did you mean 'params.level'?", "^"),
        ("{{ pod }}", 'expected an expression without {{ }} or {% %}, such as "not pod.spec.hostNetwork"', "^"),
    ],
)
def test_a_wrong_condition_is_refused_with_a_caret(condition, problem, caret):
    error = refused(configmap("tool", {"parameters": "level: {type: string}\n"}, when=condition))

    where = f"ConfigMap pillion-system/tool, key when, line 1, column {len(caret)}"
    assert [f"{where}: {problem}", f"  | {condition}", f"  | {caret}"] == error.with_caret().split("\n")


@pytest.mark.parametrize("key", PROGRAM_KEYS)
def test_every_data_key_holds_a_text_whose_mistakes_are_shown_with_line_column_and_caret(key):
    error = refused(configmap("tool", {key: "# first\n- {{ parms.x }}\n"}))

    assert [
        f"ConfigMap pillion-system/tool, key {key}, line 2, column 6: 'parms' is undefined; did you mean 'params'?",
        "  | - {{ parms.x }}",
        "  |      ^",
    ] == error.with_caret().split("\n")


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ({"env": "- name: A\n  value: {{ params.x }}\n", "parameters": "xx: {}"},
         ["key env, line 2, column 13: 'params.x' is no declared parameter; did you mean 'params.xx'?",
          "  |   value: {{ params.x }}", "  |             ^"]),
        ({"env": "- {{ 'x' | to_yml }}"},
         ["key env, line 1, column 12: there is no filter 'to_yml'; did you mean 'to_yaml'?",
          "  | - {{ 'x' | to_yml }}", "  |            ^"]),
        ({"env": "a\n{% endfor %}"}, ["key env, line 2, column 4: Encountered unknown tag 'endfor'",
                                      "  | {% endfor %}", "  |    ^"]),
        ({"env": "{% include 'x' %}"}, ["key env, line 1, column 4: 'include' is not available in templates",
                                        "  | {% include 'x' %}", "  |    ^"]),
        ({"parameters": "a: {type: string\nb: c"}, [("key parameters, line 2, column 2: no valid YAML: "
         "did not find expected ',' or '}'"), "  | b: c", "  |  ^"]),
        ({"parameters": "a: {}\na: {}"}, ["key parameters, line 2, column 1: the key 'a' stands here twice",
                                          "  | a: {}", "  | ^"]),
        ({"parameters": "- a"}, ["key parameters: expected a mapping of names to schemas, got list"]),
        ({"parameters": "a: {type: strin}"}, [("key parameters: parameter 'a': 'strin' is no type; "
                                              "did you mean 'string'?")]),
        ({"sidecar": ""}, ["key sidecar: unknown data key 'sidecar'; did you mean 'sidecars'?"]),
        ({"x": ""}, [f"key x: unknown data key 'x'; there are {', '.join(DATA_KEYS)}"]),
        ({5: ""}, [f"key 5: unknown data key 5; there are {', '.join(DATA_KEYS)}"]),
        ({"labels": 3}, ["key labels: expected a text (write 'key: |'), got int"]),
        ({"labels": None}, ["key labels: expected a text (write 'key: |'), got NoneType"]),
        ({"labels": {"a": "b"}}, ["key labels: expected a text (write 'key: |'), got dict"]),
        ({"env": "x" * 65_537}, ["key env: the text has more than 65536 bytes"]),
    ],
)  # fmt: skip
def test_a_wrong_text_is_refused_with_its_place(data, lines):
    first, *shown = lines

    error = refused(configmap("tool", data))

    assert [f"ConfigMap pillion-system/tool, {first}", *shown] == error.with_caret().split("\n")


@pytest.mark.parametrize(
    ("stored", "problem"),
    [
        (None, "a template must be a ConfigMap with metadata.name"),
        ([], "a template must be a ConfigMap with metadata.name"),
        ({}, "a template must be a ConfigMap with metadata.name"),
        ({"metadata": {"name": 3}}, "a template must be a ConfigMap with metadata.name"),
        ({"metadata": {"name": "A_b", "namespace": "x"}}, ("ConfigMap x/A_b, key metadata.name: the name 'A_b' is no "
         "DNS label (lower-case letters, digits and -, at most 63): rename it")),
        ({"metadata": {"name": "a.b"}}, ("ConfigMap pillion-system/a.b, key metadata.name: the name 'a.b' is no "
         "DNS label (lower-case letters, digits and -, at most 63): rename it")),
        ({"metadata": {"name": "a"}, "data": ["x"]},
         "ConfigMap pillion-system/a, key data: expected a mapping of keys to texts, got list"),
        ({"metadata": {"name": "a"}, "binaryData": {"x": "eA=="}},
         "ConfigMap pillion-system/a, key binaryData: binaryData is not read: move its keys to data"),
        ({"metadata": {"name": "a", "annotations": ["x"]}},
         "ConfigMap pillion-system/a, key metadata.annotations: expected a mapping, got list"),
    ],
)  # fmt: skip
def test_what_is_no_configmap_is_refused(stored, problem):
    assert problem == str(refused(stored))


def test_annotations_of_others_are_none_of_ours():
    stored = configmap("tool", {})
    stored["metadata"]["annotations"] = {"example.com/default": "?", "kubectl.kubernetes.io/last": "?", 5: "?"}

    assert not templates.parse(stored, POLICY).is_default


def test_a_configmap_whose_texts_hold_no_jinja_is_a_template():
    assert {"labels", "env"} == set(template("tool", {"labels": "a: b\n", "env": "[]\n"}).programs)


def test_empty_texts_are_left_out():
    assert {} == template("tool", {"labels": " \n", "env": ""}).programs


@pytest.mark.parametrize(
    ("namespace", "expected"), [("pillion-system", "tool"), ("shop", "shop/tool"), ("", "tool"), (None, "tool")]
)
def test_pods_ask_for_it_by_name_or_by_namespace_and_name(namespace, expected):
    stored = configmap("tool", {}, namespace=namespace)

    assert expected == templates.parse(stored, POLICY).reference
    assert expected == templates.broken(stored, "why", POLICY).reference


def test_another_release_namespace_is_the_home_of_cluster_templates():
    policy = Policy(release_namespace="infra")

    assert ("tool", "pillion-system/tool") == (
        template("tool", namespace="infra", policy=policy).reference,
        template("tool", policy=policy).reference,
    )


@pytest.mark.parametrize(
    ("stored", "is_default", "on_error"),
    [
        (configmap("tool", {}, default="true", on_error="deny"), True, OnError.DENY),
        (configmap("tool", {}, default="yes", on_error="never"), False, None),
        ({"metadata": {"name": "tool", "annotations": ["x"]}}, False, None),
        ({"metadata": None}, False, None),
        ("no ConfigMap", False, None),
    ],
)
def test_of_a_broken_one_so_much_is_known_as_decides_about_its_pods(stored, is_default, on_error):
    found = templates.broken(stored, "the problem", POLICY)

    assert ("the problem", is_default, on_error) == (found.problem, found.is_default, found.on_error)


def test_other_delimiters_leave_double_braces_to_helm():
    stored = template("tool", {"labels": "a: '[[ 1 ]]'\nb: '{{ x }}'\n"}, delimiters="[[ ]]")

    assert ("[[", "]]") == stored.programs["labels"].delimiters
