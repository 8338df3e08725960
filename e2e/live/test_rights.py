"""What the Job of the certificates says when one of its rights is missing, to a real API server that signs."""

from __future__ import annotations

import base64
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import yaml
from cryptography import x509

from e2e.chart import charts, clusters
from e2e.chart.conftest import namespace
from e2e.live import authorities
from e2e.live.spares import Spare

RIGHTS = [
    ("create", "certificatesigningrequests"),
    ("get", "certificatesigningrequests"),
    ("delete", "certificatesigningrequests"),
    ("update", "certificatesigningrequests/approval"),
    ("approve", "signers"),
    ("create", "secrets"),
    ("get", "secrets"),
    ("update", "secrets"),
    ("delete", "secrets"),
    ("get", "mutatingwebhookconfigurations"),
    ("patch", "mutatingwebhookconfigurations"),
    ("get", "validatingwebhookconfigurations"),
    ("patch", "validatingwebhookconfigurations"),
]
"""All that the Job may do, but to put a fallback on record, without which it goes on."""
RECORD = ("create", "events")
NOTHING = ("", "")
RELEASE = Spare("rights")
WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
AHEAD = """\
import sys, time
ours = time.time
time.time = lambda: ours() + float(sys.argv[1])
from injector.cli import main
sys.exit(main.run(sys.argv[2:]))
"""
"""The command line, in a process whose clock is ahead."""


@pytest.fixture(scope="module")
def rendered():
    """What the chart would install."""
    return charts.objects(RELEASE.helm("template", values=RELEASE.values))


@pytest.fixture(scope="module")
def accounts(rendered):
    """Make an account for every right, which has all the others; and one that has them all."""
    rules = {each["kind"]: each["rules"] for each in _of_setup(rendered) if "rules" in each}
    made = [namespace(RELEASE.namespace)]
    for missing in (*RIGHTS, RECORD, NOTHING):
        made += _account(missing, rules)
    applied = clusters.apply(made)
    assert applied.returncode == 0, applied.stderr
    yield rules
    clusters.delete([each for each in made if each["kind"] == "Namespace" or each["kind"].startswith("Cluster")])


@pytest.fixture
def run(accounts, rendered, tmp_path):
    """Run the Job that follows an installation, as an account without a right, from a fresh installation on."""
    hooks = [each for each in rendered if each["kind"] in WEBHOOKS]
    [job] = [each for each in rendered if each["metadata"]["name"] == f"{RELEASE.full_name}-certs-inject"]
    arguments = job["spec"]["template"]["spec"]["containers"][0]["args"]
    at_once = ["--settle=0", "--rights-wait=0", "--leftover-wait=0"]
    authority = tmp_path / "authority.pem"
    authority.write_bytes(base64.b64decode(_config()["clusters"][0]["cluster"]["certificate-authority-data"]))

    def run(missing, *more, before=(), program=("-m", "injector"), trusting=authority):
        kubeconfig = _kubeconfig(missing, tmp_path)
        command = [*arguments, *at_once, f"--authority={trusting}", f"--kubeconfig={kubeconfig}", *more]
        command = [each for each in command if not (before and each == "--require-webhooks")]
        command[:2] = before or command[:2]
        return subprocess.run([sys.executable, *program, *command], capture_output=True, text=True, check=False)

    assert clusters.apply(hooks).returncode == 0
    yield run
    clusters.delete(hooks)
    RELEASE.forget()


def test_no_right_of_the_job_is_missing_in_the_table(accounts):
    assert {*RIGHTS, RECORD} == {
        (verb, resource)
        for rules in accounts.values()
        for rule in rules
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize("missing", RIGHTS, ids=" ".join)
def test_a_right_that_is_missing_is_named_in_the_last_line(run, missing):
    match missing:
        case ("update", "secrets"):
            assert 0 == run(NOTHING).returncode
            done = run(missing, "--now", "--mode=self-signed", before=("certs", "renew"))
        case ("delete", "secrets"):
            assert clusters.apply([_secret_of_another_type()]).returncode == 0
            done = run(missing)
        case _:
            done = run(missing)

    assert 2 == done.returncode, done.stderr
    assert f"not done: the right to {' '.join(missing)} " in done.stderr.splitlines()[-1]


def test_a_fallback_that_cannot_be_put_on_record_is_made_all_the_same(run, tmp_path):
    stranger = tmp_path / "stranger.pem"
    stranger.write_text(authorities.make_pair("stranger").authority)
    done = run(RECORD, trusting=stranger)

    assert 0 == done.returncode, done.stderr
    assert "the fallback is not on record as an Event: the right to create events " in done.stderr
    assert "fallback" == RELEASE.record()["reason"]


@pytest.mark.parametrize("ahead", [86_400, -86_400], ids=["a day fast", "a day slow"])
def test_a_job_whose_clock_is_off_makes_a_pair_that_serves_today(run, ahead):
    done = run(NOTHING, program=("-c", AHEAD, str(ahead)))
    [certificate] = x509.load_pem_x509_certificates(base64.b64decode(RELEASE.secret()["data"]["tls.crt"]))

    assert 0 == done.returncode, done.stderr
    assert "csr" == RELEASE.record()["mode"]
    assert certificate.not_valid_before_utc < datetime.now(UTC) < certificate.not_valid_after_utc


def _of_setup(rendered):
    return (each for each in rendered if each["metadata"]["name"] == f"{RELEASE.full_name}-certs-setup")


def _name(missing):
    return "-".join(("rights", *missing)).replace("/", "-").strip("-")


def _account(missing, rules):
    name = _name(missing)
    spot = {"name": name, "namespace": RELEASE.namespace}
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": spot}
    for prefix, metadata in (("", spot), ("Cluster", {"name": name})):
        group = "rbac.authorization.k8s.io"
        kept = list(_without(missing, rules[f"{prefix}Role"]))
        yield {"apiVersion": f"{group}/v1", "kind": f"{prefix}Role", "metadata": metadata, "rules": kept}
        binding = {"roleRef": {"apiGroup": group, "kind": f"{prefix}Role", "name": name}}
        subjects = [{"kind": "ServiceAccount", **spot}]
        kind = f"{prefix}RoleBinding"
        yield {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, **binding, "subjects": subjects}


def _without(missing, rules):
    """Return rules of one resource and one verb each, but for the one that is missing."""
    for rule in rules:
        for resource in rule["resources"]:
            verbs = [verb for verb in rule["verbs"] if (verb, resource) != missing]
            if verbs:
                yield {**rule, "resources": [resource], "verbs": verbs}


def _secret_of_another_type():
    labels = {f"{RELEASE.values['domain']}/managed-by": "certs"}
    metadata = {"name": f"{RELEASE.full_name}-tls", "namespace": RELEASE.namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata}


def _config():
    return yaml.safe_load(clusters.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "yaml").stdout)


def _kubeconfig(missing, folder):
    """Write the kubeconfig of an account, with a token as its pod would get it."""
    token = clusters.kubectl("-n", RELEASE.namespace, "create", "token", _name(missing)).stdout.strip()
    config = _config()
    config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
    return path
