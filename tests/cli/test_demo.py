"""The demo: the real server in its own process, called over HTTPS, told in order and in a hundred columns."""

from __future__ import annotations

import re

import pytest

from injector.cli import callers, demo, inputs, throwaways
from injector.core import workloads
from injector.shell.errors import ListenError


def test_the_demo_tells_its_story(pillion, monkeypatch):
    monkeypatch.chdir(demo.MANIFESTS.parents[2])

    run = pillion("demo")

    lines = run.out.splitlines()
    scenes = [line.split("  ")[1] for line in lines if re.match(r"\d  \S", line)]
    assert (0, "") == (run.code, run.err)
    assert [
        "The server",
        "A pod of deployment/web",
        "The same pod again",
        "A pod that contradicts its namespace",
        "A template with a mistake",
        "200 pods, one after the other",
        "Your turn",
    ] == scenes
    assert [] == [line for line in lines if len(line) > demo.WIDTH]
    assert [] == [line for line in lines if line != line.rstrip()]
    assert "   ✓ no patch: the pod carries everything already" in lines
    assert "   +  - name: log-shipper" in lines
    assert any("403 Forbidden: template 'namespace-node-selector'" in line for line in lines)
    assert any(re.fullmatch(r" +\| +\^", line) for line in lines)
    assert any(re.search(r"p50 \d+\.\d ms   p99 \d+\.\d ms", line) for line in lines)


def test_what_is_delivered_is_a_pod_with_its_defaults(pillion):
    assert pillion("templates", "list").code == 0
    web = next(
        document.object for document in inputs.read_documents([str(demo.MANIFESTS)]) if "spec" in document.object
    )

    pod = callers.deliver(workloads.pod_of(web, workloads.kind_of(web), "shop"))

    assert {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always"}.items() <= pod["spec"].items()
    assert "kube-api-access-7xk2p" == pod["spec"]["volumes"][-1]["name"]


def test_a_server_that_does_not_start_says_why(monkeypatch):
    monkeypatch.setenv("PILLION_PROT", "8443")

    with pytest.raises(ListenError) as caught, throwaways.serving(inputs.shipped_templates(), ""):
        pass

    sentence = "the server did not start: pillion: unknown variable PILLION_PROT; did you mean PILLION_PORT?"
    assert sentence == str(caught.value)
