"""A fresh cluster, one command, a webhook that works."""

from __future__ import annotations

import base64
import json
import ssl

import pytest

from e2e.chart import clusters
from e2e.chart.charts import NAMESPACE
from e2e.live import servers

CONFIGURATIONS = ("mutatingwebhookconfiguration", "validatingwebhookconfiguration")


def test_the_cluster_signs_the_certificate_on_request(release):
    ours = [each for each in release.requests if each["metadata"]["name"] == f"pillion.{NAMESPACE}"]

    assert {"kubernetes.io/kubelet-serving"} == {each["spec"]["signerName"] for each in ours}
    assert {f"system:serviceaccount:{NAMESPACE}:pillion-certs-setup"} == {each["spec"]["username"] for each in ours}
    assert [] == list(_conditions(ours[0]))
    assert ["Approved"] == list(_conditions(ours[-1]))
    assert ours[-1]["status"]["certificate"]


def test_the_request_is_gone_afterwards(release):
    assert "" == clusters.kubectl("get", "certificatesigningrequests", "-o", "name").stdout


def test_the_secret_says_that_the_cluster_signed(release):
    annotations = _read("secret", "pillion-tls", "-n", NAMESPACE)["metadata"]["annotations"]

    assert "csr" == annotations["pillion.dev/certs-mode"]
    assert "pillion.dev/certs-reason" not in annotations


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_every_webhook_trusts_the_authority_of_the_secret(release, kind):
    authority = base64.b64decode(_read("secret", "pillion-tls", "-n", NAMESPACE)["data"]["ca.crt"])
    bundles = {base64.b64decode(each["clientConfig"]["caBundle"]) for each in _read(kind, "pillion")["webhooks"]}

    assert {authority} == bundles
    ssl.create_default_context(cadata=authority.decode())


def test_helm_test_is_green(release):
    assert "Phase:          Succeeded" in release.run("test", "--timeout", "2m")


def test_nothing_that_made_the_certificate_is_left(release):
    jobs = clusters.kubectl("-n", NAMESPACE, "get", "jobs", "-o", "name")
    roles = clusters.kubectl("get", "clusterroles,clusterrolebindings", "-o", "name")

    assert "" == jobs.stdout
    assert "certs-setup" not in roles.stdout


def test_the_core_of_the_image_is_compiled(release):
    program = "import injector.core.patches as patches; print(patches.__file__)"
    asked = clusters.kubectl("-n", NAMESPACE, "exec", servers.names()[0], "--", "python", "-c", program)

    assert asked.stdout.endswith(".so\n")


def test_two_servers_run_as_nobody_on_a_file_system_that_they_cannot_write(release):
    for server in servers.names():
        written = clusters.kubectl("-n", NAMESPACE, "exec", server, "--", "sh", "-c", "id -u; echo a >/opt/pillion/a")

        assert "65532" == written.stdout.strip()
        assert "Read-only file system" in written.stderr
    assert 2 == len(servers.names())


def _conditions(request):
    return (each["type"] for each in request.get("status", {}).get("conditions", ()))


def _read(*what):
    return json.loads(clusters.kubectl("get", *what, "-o", "json").stdout)
