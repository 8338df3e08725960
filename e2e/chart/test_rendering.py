"""What helm renders, and what it refuses to."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from e2e.chart import charts
from e2e.chart.charts import CHART
from e2e.chart.switches import AUTHORITY, CASES, EVERYTHING, FOREIGN, PROVIDED
from tests.docs import pages

PRESETS = {preset.name: yaml.safe_load(preset.read_text()) for preset in CHART.glob("values-*.yaml")}
ALL = CASES | FOREIGN | PRESETS


@pytest.mark.parametrize("case", ALL)
def test_two_renders_are_the_same_to_the_byte(case):
    assert charts.render(ALL[case]) == charts.render(ALL[case])


@pytest.mark.parametrize("case", ALL)
def test_lint_has_nothing_to_say(case):
    done = charts.helm("lint", str(CHART), "--strict", "--quiet", "--values", "-", values=ALL[case])

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("case", ALL)
def test_no_object_is_rendered_twice(case):
    found = [
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in _objects(ALL[case])
    ]

    assert len(set(found)) == len(found)


@pytest.mark.parametrize("case", ALL)
def test_ca_bundle_is_rendered_only_where_it_is_provided(case):
    assert (ALL[case].get("certificates", {}).get("mode") == "provided") is ("caBundle:" in charts.render(ALL[case]))


@pytest.mark.parametrize("case", ALL)
def test_every_object_of_ours_bears_the_release(case):
    labels = [each["metadata"].get("labels", {}) for each in _objects(ALL[case]) if each["metadata"]["name"] != "extra"]

    assert {"pillion"} == {label.get("app.kubernetes.io/instance") for label in labels}


@pytest.mark.parametrize("case", ALL)
def test_every_pod_satisfies_the_restricted_level_and_mounts_no_token_by_default(case):
    for pod in _pods(ALL[case]):
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in (each for each in pod["containers"] if not each["image"].startswith("example.com/")):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_the_right_to_approve_is_given_to_the_hook_only():
    assert {"pillion-certs-setup"} == _approvers({})


def test_the_right_to_approve_is_left_standing_where_rotation_asks_for_it():
    assert {"pillion-certs-setup", "pillion-certs-renew"} == _approvers(CASES["rotation"])


def test_nobody_may_approve_where_no_signer_is_asked():
    assert set() == _approvers(CASES["self-signed"])


def test_rights_of_hooks_are_deleted_after_the_hook_whatever_its_end():
    rights = [each for each in _objects({}) if each["metadata"]["name"] == "pillion-certs-setup"]

    assert {"ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"} == {r["kind"] for r in rights}
    assert {"before-hook-creation,hook-succeeded,hook-failed"} == {
        right["metadata"]["annotations"]["helm.sh/hook-delete-policy"] for right in rights
    }


@pytest.mark.parametrize("case", ALL)
def test_every_hook_leaves_nothing_behind(case):
    hooks = [
        each["metadata"] for each in _objects(ALL[case]) if "helm.sh/hook" in each["metadata"].get("annotations", {})
    ]

    assert [] == [
        hook["name"] for hook in hooks if "hook-succeeded" not in hook["annotations"]["helm.sh/hook-delete-policy"]
    ]


def test_no_rule_has_a_wildcard_or_reaches_secrets_of_others():
    rules = [rule for each in _objects({}) if each["kind"] in {"Role", "ClusterRole"} for rule in each["rules"]]

    assert not [rule for rule in rules if "*" in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}]
    assert {("create",), ("get", "update", "delete")} == {
        tuple(rule["verbs"]) for rule in rules if "secrets" in rule["resources"]
    }
    assert [["pillion-tls"]] * 2 == [
        r["resourceNames"] for r in rules if r["resources"] == ["secrets"] and "get" in r["verbs"]
    ]


def test_texts_of_templates_come_through_as_they_stand():
    shipped = {
        path.stem: yaml.safe_load(path.read_text())["data"] for path in (CHART / "files" / "templates").glob("*")
    }
    found = {each["metadata"]["name"]: each["data"] for each in charts.of_kind("ConfigMap", charts.render(EVERYTHING))}

    assert shipped == {name: data for name, data in found.items() if name in shipped}
    assert {"a": "{{ b }}"} == found["extra"]
    assert [{"name": "GREETING", "value": "{{ pod.metadata.name }} costs $(1)"}] == yaml.safe_load(
        found["greeter"]["env"]
    )


def test_the_values_that_the_page_shows_make_its_templates():
    [block] = pages.blocks("helm/pillion/README.md", "yaml")
    values = yaml.safe_load(block.text)
    found = {each["metadata"]["name"]: each["data"] for each in charts.of_kind("ConfigMap", charts.render(values))}
    [server] = [pod["containers"][0] for pod in _pods(values) if "serve" in pod["containers"][0]["args"]]

    assert {"hello", "log-shipper", "greeter"} <= found.keys()
    assert (
        "Hello from {{ pod.metadata.name | default('nobody') }}" == yaml.safe_load(found["greeter"]["env"])[0]["value"]
    )
    assert '--parameters={"log-shipper":{"host":"loki.observability"}}' in server["args"]


def test_annotations_of_templates_move_to_another_domain():
    found = {
        each["metadata"]["name"]: each["metadata"]
        for each in charts.of_kind("ConfigMap", charts.render(CASES["another domain"]))
    }

    assert found["hello"]["labels"]["passengers.example.com/template"] == "true"
    assert found["hello"]["annotations"]["passengers.example.com/default"] == "true"
    assert found["greeter"]["annotations"] == {
        "passengers.example.com/default": "true",
        "passengers.example.com/order": "7",
        "example.com/team": "blue",
    }


def test_a_dollar_in_a_parameter_is_not_the_kubelets_to_read():
    [server] = [pod["containers"][0] for pod in _pods(EVERYTHING) if "serve" in pod["containers"][0]["args"]]

    assert '--parameters={"log-shipper":{"host":"$$(HOST)","level":"debug"}}' in server["args"]


@pytest.mark.parametrize(
    ("templates", "sent"),
    [(["hello"], False), (["hello", "env-defaults"], True), ([], False)],
)
def test_pods_of_the_hosts_network_are_sent_where_a_template_of_the_chart_serves_them(templates, sent):
    [configuration] = charts.of_kind("MutatingWebhookConfiguration", charts.render({"shippedTemplates": templates}))
    names = {condition["name"] for webhook in configuration["webhooks"] for condition in webhook["matchConditions"]}

    assert sent is ("no-host-network" not in names)


REFUSED = [
    ({"replicas": "two"}, "at '/replicas': got string, want integer"),
    ({"replicaCount": 3}, "additional properties 'replicaCount' not allowed"),
    ({"webhook": {"failurePolicy": "ignore"}}, "at '/webhook/failurePolicy': value must be one of 'Ignore', 'Fail'"),
    ({"certificates": {"mode": "vault"}}, "must be one of 'csr', 'self-signed', 'cert-manager', 'provided'"),
    (
        {"shippedTemplates": ["helo"]},
        "at '/shippedTemplates/0': value must be one of 'ca-certificates', 'env-defaults', 'hello'",
    ),
    ({"templates": {"a": {"data": {"sidecar": ""}}}}, "additional properties 'sidecar' not allowed"),
    (
        {"templates": {"A_b": {"data": {"env": ""}}}},
        'the name of templates is "A_b": expected lower-case letters, digits and',
    ),
    ({"settings": {"logLevel": "loud"}}, "value must be one of 'debug', 'info', 'warning', 'error'"),
    ({"settings": {"port": 1}}, "at '/settings': additional properties 'port' not allowed"),
    ({"image": {"tag": "a:b"}}, 'image.tag is "a:b": expected a tag such as 1.2.3'),
    ({"image": {"digest": "abc"}}, 'image.digest is "abc": expected sha256: and 64 hexadecimal digits'),
    ({"domain": "local"}, 'domain is "local": expected a domain such as'),
    ({"kubernetesVersion": "new"}, 'kubernetesVersion is "new": expected a version of Kubernetes such as'),
    ({"webhook": {"url": "http://a"}}, 'webhook.url is "http://a": expected an address that begins with https://'),
    ({"webhook": {"url": "https://a"}}, "webhook.url is set, but certificates of mode csr name the Service"),
    ({"certificates": {"mode": "provided"}}, "name your Secret in certificates.provided.secretName"),
    (
        {"certificates": {"mode": "provided", "provided": {"secretName": "a", "caBundle": "TUlJQg=="}}},
        "is not PEM: give the text that begins with -----BEGIN CERTIFICATE-----, not its base64",
    ),
    (
        {"certificates": {"renewal": {"schedule": "daily"}}},
        "expected a cron expression of five fields such as 17 3 * * *",
    ),
    ({"certificates": {"csr": {"signerName": "mine"}}}, "expected a signer such as kubernetes.io/kubelet-serving"),
    ({"port": 10250, "hostNetwork": True}, "port 10250 is the kubelet's where hostNetwork is true"),
    ({"port": 8080}, "port and probePort are both 8080"),
    ({"autoscaling": {"minReplicas": 9}}, "autoscaling.maxReplicas (6) is less than autoscaling.minReplicas (9)"),
    ({"templates": {"hello": {"data": {"env": ""}}}}, "templates.hello: the chart comes with a template of this name"),
    ({"parameters": {"a/b": {}}}, "parameters.a/b: write the name of a template, without its namespace"),
    ({"prometheusRule": {"runbookUrl": "docs"}}, 'prometheusRule.runbookUrl is "docs": expected an address'),
    (
        {"webhook": {"matchConditions": [{"name": "mine", "expression": "namespaceObject.metadata.name != 'a'"}]}},
        "webhook.matchConditions: 'mine' asks for namespaceObject, which an API server accepts and then calls nobody;",
    ),
    ({"webhook": {"timeoutSeconds": 60}}, "at '/webhook/timeoutSeconds': maximum: got 60, want 30"),
    (
        {"webhook": {"matchConditions": [{"name": "mine"}]}},
        "'/webhook/matchConditions/0': missing property 'expression'",
    ),
    ({"webhook": {"namespaceSelector": {"matchLabel": {}}}}, "additional properties 'matchLabel' not allowed"),
    ({"resources": {"limit": {"cpu": 1}}}, "at '/resources': additional properties 'limit' not allowed"),
    ({"parameters": {"hello": ["a"]}}, "at '/parameters/hello': got array, want object"),
    ({"tolerations": {"a": "b"}}, "at '/tolerations': got object, want array"),
    ({"excludedNamespaces": "kube-system"}, "at '/excludedNamespaces': got string, want array"),
    ({"drainSeconds": -1}, "at '/drainSeconds': minimum: got -1, want 0"),
    ({"requirements": {"validationActions": ["deny"]}}, "value must be one of 'Deny', 'Warn', 'Audit'"),
]


@pytest.mark.parametrize(("values", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_a_wrong_value_is_refused_with_a_sentence_that_names_it(values, sentence):
    done = charts.template(values)

    assert done.returncode == 1
    assert sentence in done.stderr


def test_policies_are_refused_where_kubernetes_has_none():
    done = charts.template({"requirements": {"enabled": True}}, "--kube-version", "1.29.0")

    assert "requirements.enabled needs Kubernetes 1.30" in done.stderr


def test_provided_authorities_go_into_every_configuration():
    text = charts.render({"certificates": PROVIDED})
    found = [
        webhook["clientConfig"]["caBundle"]
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
        for configuration in charts.of_kind(kind, text)
        for webhook in configuration["webhooks"]
    ]

    decoded = subprocess.run(["base64", "-d"], input=found[0], capture_output=True, text=True, check=True).stdout
    assert (5, AUTHORITY) == (len(found), decoded)


OFF = {"enabled": False}
ENTRIES = [
    ({}, ["template", "namespace-workload", "workload"]),
    ({"workloadWarnings": OFF}, ["template"]),
    ({"templateValidation": OFF}, ["namespace-workload", "workload"]),
    ({"templateValidation": OFF, "workloadWarnings": OFF}, []),
]


@pytest.mark.parametrize(("values", "entries"), ENTRIES, ids=[str(entries) for _, entries in ENTRIES])
def test_the_jobs_are_told_of_validating_webhooks_where_there_are_any(values, entries):
    text = charts.render(values)
    names = [
        webhook["name"]
        for configuration in charts.of_kind("ValidatingWebhookConfiguration", text)
        for webhook in configuration["webhooks"]
    ]

    assert [f"{entry}.pillion.dev" for entry in entries] == names
    assert bool(entries) is ("--validating-webhook=pillion" in text)


def test_entries_that_only_warn_can_fail_nothing():
    [configuration] = charts.of_kind("ValidatingWebhookConfiguration", charts.render(PRESETS["values-strict.yaml"]))

    assert {("Ignore", "None")} == {(each["failurePolicy"], each["sideEffects"]) for each in configuration["webhooks"]}


@pytest.mark.parametrize(("values", "form"), [({}, "json"), ({"settings": {"logFormat": "console"}}, "console")])
def test_jobs_log_as_the_server_does(values, form):
    jobs = [pod["containers"][0]["args"] for pod in _pods(values) if "certs" in pod["containers"][0]["args"]]

    assert [[f"--log-format={form}"]] * 3 == [[flag for flag in job if "log-format" in flag] for job in jobs]


def _objects(values):
    return charts.objects(charts.render(values))


def _pods(values):
    for each in _objects(values):
        match each:
            case {"kind": "Pod", "spec": pod}:
                yield pod
            case {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}:
                yield pod
            case {"kind": "Deployment" | "Job", "spec": {"template": {"spec": pod}}}:
                yield pod


def _approvers(values):
    return {
        each["metadata"]["name"]
        for each in _objects(values)
        if each["kind"] == "ClusterRole"
        for rule in each["rules"]
        if "approve" in rule["verbs"]
    }
