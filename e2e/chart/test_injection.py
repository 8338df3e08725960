"""The chart's webhook configurations before the real server, which has the chart's templates."""

from __future__ import annotations

import json
import uuid

import pytest
import yaml

from e2e.chart import charts, clusters
from e2e.chart.conftest import ENABLED, PLAIN, namespace
from injector.cli import main, throwaways

KINDS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
PASSENGER = {
    "templates": {
        "passenger": {"data": {"sidecars": [{"name": "passenger", "image": "example.com/{{ namespace.name }}"}]}}
    }
}
BROKEN = {"sidecars": "- name: {{ params.nmae }}\n", "parameters": "name: {type: string, default: a}\n"}


@pytest.fixture(scope="module")
def server(install, tmp_path_factory):
    """The server, with what the chart renders as templates, and the chart's webhooks that call it."""
    folder = tmp_path_factory.mktemp("templates")
    (folder / "chart.yaml").write_text(yaml.safe_dump_all(charts.of_kind("ConfigMap", charts.render(PASSENGER))))
    spaces = [namespace(ENABLED, {"pillion.dev/injection": "enabled"}), namespace(PLAIN)]
    with throwaways.serving(folder, yaml.safe_dump_all(spaces)) as found:
        authority = found.certificate.read_text()
        install(_values(f"https://localhost:{found.port}", authority), *KINDS)
        clusters.await_true("the API server calls", lambda: _create({"hello": "true"}, ENABLED)["spec"].get("volumes"))
        yield found


def test_a_pod_of_an_enabled_namespace_is_injected_for_real(server):
    pod = _create({"hello": "true"}, ENABLED)

    assert pod["metadata"]["labels"]["hello-added"] == "OK"
    assert {"name": "hello", "configMap": {"name": "hello", "optional": True, "defaultMode": 420}} in pod["spec"][
        "volumes"
    ]


def test_a_pod_that_does_not_opt_in_is_left_as_it_is(server):
    assert "hello-added" not in _create({"hello": "true"}, PLAIN)["metadata"]["labels"]


def test_verify_says_that_a_pod_is_injected(server, capsys):
    assert 0 == main.run(["verify", "--namespace", PLAIN, "--template", "passenger"])
    assert '"containers":["passenger"]' in capsys.readouterr().out.replace(" ", "")


def test_verify_fails_when_a_pod_is_not_injected_and_repeats_what_the_webhook_says(server, capsys):
    assert 2 == main.run(["verify", "--namespace", PLAIN, "--template", "passenger", "--container", "driver"])
    assert "the pod came back without container 'driver'" in capsys.readouterr().err


def test_verify_fails_when_the_template_is_unknown(server, capsys):
    assert 2 == main.run(["verify", "--namespace", PLAIN, "--template", "passanger"])
    assert "did you mean 'passenger'?" in capsys.readouterr().err


def test_a_broken_template_is_refused_at_apply_with_line_and_caret(server):
    refusal = clusters.create(_template({})).stderr

    assert (
        "key sidecars, line 1, column 12: 'params.nmae' is no declared parameter; did you mean 'params.name'?"
        in refusal
    )
    assert "  | - name: {{ params.nmae }}\n  |            ^" in refusal


def test_a_broken_template_of_the_release_itself_is_only_warned_of(server):
    release = {"meta.helm.sh/release-name": "pillion", "meta.helm.sh/release-namespace": charts.NAMESPACE}
    done = clusters.create(_template(release))

    assert (0, True) == (done.returncode, "did you mean 'params.name'?" in done.stderr)


def test_whoever_applies_a_workload_is_warned_of_what_its_pods_will_be_told(server):
    done = clusters.create(_deployment({"pillion.dev/templates": "passanger"}))

    name = json.loads(done.stdout)["metadata"]["name"]
    assert [
        f"Warning: pods of deployment/{name} will be refused",
        (
            "Warning: template 'passanger': pillion.dev/templates asks for template 'passanger', which does not exist;"
            " did you mean 'passenger'? (unknown-template)"
        ),
    ] == done.stderr.splitlines()


def test_whoever_applies_a_workload_in_order_hears_nothing(server):
    done = clusters.create(_deployment({"pillion.dev/templates": "passenger"}))

    assert (0, "") == (done.returncode, done.stderr)


def _values(url, authority):
    provided = {"mode": "provided", "provided": {"secretName": "unused", "caBundle": authority}}
    return {**PASSENGER, "webhook": {"url": url}, "certificates": provided}


def _create(labels, space):
    metadata = {"name": f"web-{uuid.uuid4().hex[:10]}", "namespace": space, "labels": labels}
    spec = {"containers": [{"name": "app", "image": "example.com/app"}]}
    done = clusters.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _deployment(annotations):
    name = f"web-{uuid.uuid4().hex[:10]}"
    spec = {"containers": [{"name": "app", "image": "example.com/app"}]}
    template = {"metadata": {"labels": {"app": name}, "annotations": annotations}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": ENABLED},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
    }


def _template(annotations):
    metadata = {
        "name": f"broken-{uuid.uuid4().hex[:10]}",
        "namespace": charts.NAMESPACE,
        "labels": {"pillion.dev/template": "true"},
        "annotations": annotations,
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": BROKEN}
