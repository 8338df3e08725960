"""Bad input: one clear sentence on stderr, nothing on stdout, exit code 2, and never a traceback."""

from __future__ import annotations

import pytest

POD = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: app}]}}"
SHAPES = (
    ("no YAML", "a: [", "file 'stdin', line 2, column 1: while parsing a flow node"),
    ("a tab", "a:\n\tb: c", "file 'stdin', line 2, column 1: "),
    ("no JSON", '{"a": 1', "file 'stdin', line 2, column 1: while parsing a flow mapping"),
    ("a list", "[]", "file 'stdin', line 1: expected a Kubernetes object with apiVersion and kind, got a list"),
    ("a text", "hello", "file 'stdin', line 1: expected a Kubernetes object with apiVersion and kind, got a str"),
    ("no kind", "a: b", "file 'stdin', line 1: expected a Kubernetes object, but it has no apiVersion"),
    ("deep nesting", "a: " + "[" * 5000, "file 'stdin', line 1, column 103: it is nested more than 100 deep"),
    ("binary", "\x00\x01", "file 'stdin', line 1"),
    (
        "metadata that is a list",
        "{apiVersion: v1, kind: Pod, metadata: []}",
        "file 'stdin', line 1: metadata is a list, expected a mapping",
    ),
    (
        "a Deployment without template",
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {}}",
        "file 'stdin', line 1: deployment/web: spec.template is missing: a Deployment makes its pods of spec.template",
    ),
    (
        "a container without name",
        POD.replace("{name: app}", "{image: app}"),
        "file 'stdin', line 1: pod/web: the pod's spec.containers[0] lacks a name",
    ),
    (
        "a number for a name",
        POD.replace("{name: app}", "{name: 8}"),
        "file 'stdin', line 1: pod/web: the pod's spec.containers[0] has the name 8, expected a string",
    ),
    (
        "containers that are a mapping",
        POD.replace("[{name: app}]", "{name: app}"),
        "file 'stdin', line 1: pod/web: the pod's spec.containers is a mapping, expected a list",
    ),
    (
        "an operating system that is a text",
        POD.replace("{containers", "{os: linux, containers"),
        "file 'stdin', line 1: pod/web: the pod's spec.os is a string, expected a mapping",
    ),
    (
        "a port that is a text",
        POD.replace("{name: app}", "{name: app, ports: [{containerPort: '80'}]}"),
        (
            "file 'stdin', line 1: pod/web: the pod's spec.containers[0].ports[0].containerPort is a string,"
            " expected an integer"
        ),
    ),
    (
        "a label that is a number",
        POD.replace("{name: web}", "{name: web, labels: {version: 1.10}}"),
        "file 'stdin', line 1: pod/web: the pod's metadata.labels['version'] is 1.1, expected a string",
    ),
    (
        "a namespace whose labels are a list",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: [a]}}",
        "file 'stdin', line 1: namespace/shop: metadata.labels must be a mapping of strings",
    ),
    (
        "an item that is a text",
        "{apiVersion: v1, kind: List, items: [a]}",
        "file 'stdin', line 1: items[0] is a str, expected a mapping",
    ),
)


@pytest.mark.parametrize("command", ["inject", "diff", "explain"])
@pytest.mark.parametrize(("text", "sentence"), [row[1:] for row in SHAPES], ids=[row[0] for row in SHAPES])
def test_a_bad_manifest_gets_one_sentence(pillion, command, text, sentence):
    run = pillion(command, "-f", "-", "-t", "templates", stdin=text)

    assert (2, "") == (run.code, run.out)
    assert run.err.startswith(f"pillion: {sentence}")
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("injct", "unknown command 'injct'; did you mean 'inject'? (see 'pillion --help')"),
        (
            "explode",
            (
                "unknown command 'explode'; there are demo, inject, diff, explain, lint, templates, serve, verify,"
                " certs, completion (see 'pillion --help')"
            ),
        ),
        ("inject", "Missing option '-f' / '--filename' (see 'pillion inject --help')"),
        (
            "inject -f x.yaml --outptu json",
            "No such option '--outptu'. Did you mean '--output'? (see 'pillion inject --help')",
        ),
        ("inject -f nowhere.yaml", "file 'nowhere.yaml': it does not exist"),
        ("inject -f manifests/web.yaml -t nowhere", "file 'nowhere': it does not exist"),
        (
            "inject -f manifests/web.yaml -t golden",
            "file 'golden': the folder has no file that ends in .yaml, .yml, .json",
        ),
        (
            "inject -f manifests/web.yaml -t manifests/kinds.yaml",
            (
                "manifests/kinds.yaml: there is no template here;"
                ' a template is a ConfigMap with the label pillion.dev/template: "true"'
            ),
        ),
        (
            "inject -f manifests/web.yaml -t templates --kube-version new",
            "--kube-version is 'new': expected a version of Kubernetes such as 1.29 (see 'pillion inject --help')",
        ),
        (
            "inject -f manifests/web.yaml -t templates --namespace-label enabled",
            "--namespace-label is 'enabled': expected KEY=VALUE (see 'pillion inject --help')",
        ),
        (
            "inject -f manifests/web.yaml -t templates --set level",
            "--set is 'level': expected TEMPLATE.PARAM=VALUE (see 'pillion inject --help')",
        ),
        (
            "inject -f manifests/web.yaml -t templates --set pasenger.level=debug",
            (
                "--set pasenger.level=debug: there is no template 'pasenger'; did you mean 'passenger'?"
                " (see 'pillion inject --help')"
            ),
        ),
        (
            "inject -f manifests/web.yaml -t templates --set passenger.levl=debug",
            (
                "--set passenger.levl=debug: template 'passenger' has no parameter 'levl'; did you mean 'level'?"
                " (see 'pillion inject --help')"
            ),
        ),
        (
            "inject -f manifests/web.yaml -t templates --set passenger.level=loud",
            "--set passenger.level=loud: 'loud' is not one of ['info', 'debug'] (see 'pillion inject --help')",
        ),
        ("explain -f manifests/namespace.yaml -t templates", "there is no workload in what was read:"),
        ("lint", "Missing argument 'FILE|DIR|-...' (see 'pillion lint --help')"),
        ("lint nowhere", "file 'nowhere': it does not exist"),
        (
            "lint manifests/web.yaml",
            (
                "manifests/web.yaml: there is no template here;"
                ' a template is a ConfigMap with the label pillion.dev/template: "true"'
            ),
        ),
        ("templates show pasenger -t templates", "there is no template 'pasenger'; did you mean 'passenger'?"),
        (
            "templates show fares -t broken",
            "template 'fares' is broken: ConfigMap pillion-system/fares, key ordr: unknown annotation 'ordr';",
        ),
        (
            "templates new My_Sidecar",
            "ConfigMap pillion-system/My_Sidecar, key metadata.name: the name 'My_Sidecar' is no",
        ),
        ("completion tcsh", "Invalid value for '{bash|zsh|fish}'"),
    ],
)
def test_a_bad_call_gets_one_sentence(pillion, arguments, sentence):
    run = pillion(*arguments.split())

    assert (2, "") == (run.code, run.out)
    assert run.err.startswith(f"pillion: {sentence}")
    assert "Traceback" not in run.err


def test_what_cannot_be_read_is_named(pillion, tmp_path):
    secret = tmp_path / "secret.yaml"
    secret.mkdir()
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")

    assert "secret.yaml" in pillion("inject", "-f", secret, "-t", "templates").err
    assert "binary.yaml" in pillion("inject", "-f", tmp_path / "binary.yaml", "-t", "templates").err


def test_a_bad_place_in_yaml_is_shown_with_a_caret(pillion):
    run = pillion("inject", "-f", "-", "-t", "templates", stdin="kind: Pod\nkind: Pod\n")

    assert run.err.splitlines()[1:] == ["  | kind: Pod", "  | ^"]


def test_one_bad_object_keeps_the_others_from_being_written_too(pillion):
    run = pillion("inject", "-f", "manifests/web.yaml", "-f", "-", "-t", "templates", stdin="[]")

    assert (2, "") == (run.code, run.out)


def test_a_template_that_never_ends_is_cut_off(pillion, tmp_path):
    (tmp_path / "loop.yaml").write_text(LOOP)

    run = pillion("inject", "-f", "manifests/web.yaml", "-t", tmp_path)

    assert 1 == run.code
    assert "limit-exceeded" in run.err or "template:" in run.err


LOOP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: loop
  namespace: pillion-system
  labels: {pillion.dev/template: "true"}
  annotations: {pillion.dev/default: "true"}
data:
  env: |
    {% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}
    {% endfor %}{% endfor %}{% endfor %}
"""
