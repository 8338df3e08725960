"""The accounts of the chart can do what they are for, with the rights that the chart gives them and no others."""

from __future__ import annotations

import base64
import json
import subprocess
import sys

import pytest
import yaml

from e2e.chart import charts, clusters
from e2e.chart.charts import NAMESPACE
from e2e.chart.switches import EVERYTHING
from injector.cli import main, throwaways

RIGHTS = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
SELF_SIGNED = {"certificates": {"mode": "self-signed"}}


@pytest.fixture(scope="module")
def installed(install):
    """All accounts of a self-signed installation, and the webhook configurations, with no caBundle yet."""
    install(SELF_SIGNED, *RIGHTS, *WEBHOOKS)
    for account, resource in (("pillion", "namespaces"), ("pillion-certs-setup", "secret/pillion-tls")):
        clusters.await_true(
            "rights are in force", lambda a=account, r=resource: {"yes"} & {_can_i(a, v, r) for v in ("get", "list")}
        )


@pytest.fixture
def certificates(installed, tmp_path):
    """Run a certificate command as the account of its Job, with the Job's own arguments."""

    def run(job, account):
        arguments = _find_arguments(job)
        settled = ["--settle=0", "--rights-wait=5", "--probe-timeout=0"]
        return main.run([*arguments, *settled, "--kubeconfig", str(_kubeconfig(account, tmp_path))])

    yield run
    clusters.kubectl("-n", NAMESPACE, "delete", "secret", "pillion-tls", "--ignore-not-found")


def test_the_jobs_of_the_installation_make_a_certificate_and_let_the_webhooks_trust_it(certificates):
    assert 0 == certificates("pillion-certs-ensure", "pillion-certs-setup")
    assert 0 == certificates("pillion-certs-inject", "pillion-certs-setup")

    secret = json.loads(clusters.kubectl("-n", NAMESPACE, "get", "secret", "pillion-tls", "-o", "json").stdout)
    assert "kubernetes.io/tls" == secret["type"]
    assert {base64.b64decode(secret["data"]["ca.crt"])} == {base64.b64decode(bundle) for bundle in _bundles()}


def test_the_renewal_has_all_rights_but_to_ask_a_signer(certificates, capsys):
    assert 0 == certificates("pillion-certs-ensure", "pillion-certs-setup")
    before = _bundles()
    done = certificates("pillion-certs-renew", "pillion-certs-renew")

    # there is no server to shake hands with, which is the last thing that a renewal does
    assert (1, True) == (done, "does not serve the pair" in capsys.readouterr().err)
    assert before == _bundles()


@pytest.mark.parametrize("account", ["pillion-certs-setup", "pillion-certs-renew"])
@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("get", "secrets"),
        ("list", "secrets"),
        ("get", "secret/other"),
        ("create", "mutatingwebhookconfigurations"),
        ("patch", "mutatingwebhookconfiguration/other"),
        ("delete", "mutatingwebhookconfiguration/pillion"),
        ("create", "pods"),
        ("create", "certificatesigningrequests"),
        ("approve", "signers/kubernetes.io/kubelet-serving"),
    ],
)
def test_an_account_of_self_signed_certificates_may_do_nothing_else(installed, account, verb, resource):
    assert "no" == _can_i(account, verb, resource)


@pytest.mark.parametrize("resource", ["configmaps", "namespaces"])
@pytest.mark.parametrize(("verb", "answer"), [("list", "yes"), ("watch", "yes"), ("create", "no"), ("patch", "no")])
def test_the_server_reads_templates_and_namespaces(installed, resource, verb, answer):
    assert answer == _can_i("pillion", verb, resource)


@pytest.mark.parametrize("resource", ["secrets", "pods", "mutatingwebhookconfigurations"])
@pytest.mark.parametrize("verb", ["get", "list", "create"])
def test_the_server_may_do_nothing_else(installed, resource, verb):
    assert "no" == _can_i("pillion", verb, resource)


def test_the_server_reads_no_configmaps_of_others(installed):
    assert "no" == _can_i("pillion", "list", "configmaps", "kube-system")


def _can_i(account, verb, resource, space=NAMESPACE):
    user = f"system:serviceaccount:{NAMESPACE}:{account}"
    return clusters.kubectl("auth", "can-i", verb, resource, "-n", space, "--as", user).stdout.strip()


def test_the_server_gets_ready_with_its_flags_and_rights(installed, tmp_path):
    [deployment] = charts.of_kind("Deployment", charts.render({**EVERYTHING, **SELF_SIGNED, "webhook": {}}))
    flags = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    certificate, key = throwaways.write_certificate(tmp_path)
    elsewhere = {
        "port": 0, "probe-port": 0, "certificate": certificate, "key": key, "client-ca": certificate,
        "kubeconfig": _kubeconfig("pillion", tmp_path), "log-format": "json",
    }  # fmt: skip
    command = [sys.executable, "-m", "injector", *flags, *(f"--{name}={value}" for name, value in elsewhere.items())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        lines = []
        for line in server.stdout:
            lines.append(line)
            if '"listening"' in line:
                break
        server.terminate()

    assert '"listening"' in lines[-1], lines


def _bundles():
    found = [clusters.kubectl("get", kind.lower(), "pillion", "-o", "json").stdout for kind in WEBHOOKS]
    return [webhook["clientConfig"]["caBundle"] for text in found for webhook in json.loads(text)["webhooks"]]


def _find_arguments(name):
    jobs = [each for each in charts.objects(charts.render(SELF_SIGNED)) if each["kind"] in {"Job", "CronJob"}]
    [job] = [each for each in jobs if each["metadata"]["name"] == name]
    spec = job["spec"] if job["kind"] == "Job" else job["spec"]["jobTemplate"]["spec"]
    return spec["template"]["spec"]["containers"][0]["args"]


def _kubeconfig(account, folder):
    """Write the kubeconfig of an account, with a token as its pod would get it."""
    token = clusters.kubectl("-n", NAMESPACE, "create", "token", account).stdout.strip()
    config = yaml.safe_load(clusters.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "yaml").stdout)
    config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
    path = folder / f"{account}.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path
