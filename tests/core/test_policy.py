"""What a template may ask for: a table per scope, for cluster templates, privileged ones and those of a namespace."""

from __future__ import annotations

import pytest

from injector.core.field_table import TYPES
from injector.core.model import Policy
from injector.core.policy import CLUSTER_POD_FIELDS, PRIVILEGED_POD_FIELDS
from tests.core.builders import pod, send, template

UNPRIVILEGED = "allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}"
SAFE = f"{UNPRIVILEGED}, runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}"
SAFE_CONTEXT = f"securityContext: {{{SAFE}}}"
PRIVILEGED = Policy(privileged_templates=frozenset({"tool"}))
OF_NAMESPACES = Policy(namespace_templates=True)
CLUSTER_HINT = "list 'tool' under privilegedTemplates to allow it"
NAMESPACE_HINT = "a template of a namespace may not"


def sidecar(fields: str) -> dict[str, str]:
    return {"sidecars": f"- {{name: a, image: a:1, {fields}}}\n"}


def volume(source: str) -> dict[str, str]:
    return {"volumes": f"- {{name: v, {source}}}\n"}


def problem_of(data, policy, namespace="pillion-system"):
    """What the policy says of a template with *data*; empty: it may."""
    stored = template("tool", data, namespace=namespace, on_error="deny")
    reply = send(pod(annotations={"pillion.dev/templates": stored.reference}), stored, policy=policy)
    if not reply.denial:
        return ""
    assert "forbidden-field" == reply.verdict.reason, reply.denial
    return reply.denial.split(f"ConfigMap {namespace}/tool: ")[1].removesuffix(" (forbidden-field)")


BEYOND_BASELINE = [
    (volume("hostPath: {path: /}"), "volume 'v' is a hostPath"),
    (sidecar("securityContext: {privileged: true}"), "container 'a' is privileged"),
    (sidecar("securityContext: {capabilities: {add: [NET_ADMIN, SYS_TIME]}}"),
     "container 'a' adds capabilities NET_ADMIN, SYS_TIME"),
    (sidecar("securityContext: {procMount: Unmasked}"), "container 'a' has procMount 'Unmasked'"),
    (sidecar("securityContext: {seccompProfile: {type: Unconfined}}"),
     "container 'a' has an unconfined seccompProfile"),
    (sidecar("securityContext: {appArmorProfile: {type: Unconfined}}"),
     "container 'a' has an unconfined appArmorProfile"),
    (sidecar("securityContext: {seLinuxOptions: {level: s0}}"), "container 'a' sets seLinuxOptions"),
    (sidecar("securityContext: {windowsOptions: {hostProcess: true}}"), "container 'a' is a host process"),
    (sidecar("ports: [{containerPort: 80, hostPort: 80}]"), "container 'a' takes port 80 of the node"),
    ({"initContainers": "- {name: a, image: a:1, securityContext: {privileged: true}}\n"},
     "container 'a' is privileged"),
    ({"annotations": "container.apparmor.security.beta.kubernetes.io/web: unconfined\n"},
     "annotation 'container.apparmor.security.beta.kubernetes.io/web' is 'unconfined'"),
    ({"container": "securityContext: {privileged: true}\n"}, "the application's container is privileged"),
    ({"container": "ports: [{containerPort: 1, hostPort: 1}]\n"},
     "the application's container takes port 1 of the node"),
]  # fmt: skip

BEYOND_CLUSTER = [
    *BEYOND_BASELINE,
    ({"pod": "hostNetwork: true\n"}, "pod.hostNetwork is set"),
    ({"pod": "hostPID: true\n"}, "pod.hostPID is set"),
    ({"pod": "hostIPC: true\n"}, "pod.hostIPC is set"),
    ({"pod": "serviceAccountName: root\n"}, "pod.serviceAccountName is set"),
    ({"pod": "nodeName: a\n"}, "pod.nodeName is set"),
    ({"pod": "securityContext: {sysctls: [{name: a, value: b}]}\n"},
     "pod.securityContext.sysctls changes settings of the kernel"),
    ({"pod": "securityContext: {seccompProfile: {type: Unconfined}}\n"},
     "pod.securityContext has an unconfined seccompProfile"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "problem"), BEYOND_CLUSTER)
def test_a_cluster_template_needs_the_operators_word(data, problem):
    assert f"{problem}: {CLUSTER_HINT}" == problem_of(data, Policy())


@pytest.mark.parametrize("data", [data for data, _ in BEYOND_CLUSTER])
def test_a_cluster_template_with_the_operators_word_may(data):
    assert "" == problem_of(data, PRIVILEGED)


@pytest.mark.parametrize(
    "data",
    [
        sidecar("stdin: true"),
        sidecar("securityContext: {runAsUser: 0}"),
        sidecar("securityContext: {procMount: Default, capabilities: {drop: [ALL]}}"),
        sidecar("securityContext: {privileged: false, windowsOptions: {runAsUserName: a}}"),
        volume("emptyDir: {}"),
        volume("secret: {secretName: s}"),
        volume("csi: {driver: d}"),
        {"env": "- {name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}\n"},
        {"envFrom": "- {secretRef: {name: s}}\n"},
        {"pod": "nodeSelector: {a: b}\npriorityClassName: high\nautomountServiceAccountToken: false\n"},
    ],
)
def test_a_cluster_template_may_do_what_is_usual(data):
    assert "" == problem_of(data, Policy())


UNLISTED = {"restartPolicy": "Never", "hostname": "a", "subdomain": "a", "os": "{name: linux}", "serviceAccount": "a"}


@pytest.mark.parametrize("policy", [Policy(), PRIVILEGED])
@pytest.mark.parametrize(("field", "value"), UNLISTED.items())
def test_what_nobody_listed_is_refused_and_no_operator_can_allow_it(field, value, policy):
    stored = template("tool", {"pod": f"{field}: {value}\n"}, default="true", on_error="deny")

    assert f"pod.{field} may not be set by a template" in send(pod(), stored, policy=policy).denial


def test_the_lists_hold_fields_that_kubernetes_has():
    assert set() == (CLUSTER_POD_FIELDS | PRIVILEGED_POD_FIELDS) - set(TYPES["PodSpec"])


BEYOND_RESTRICTED = [
    *((data, problem) for data, problem in BEYOND_BASELINE if "application" not in problem),
    (sidecar("stdin: true"), "container 'a' does not set allowPrivilegeEscalation: false"),
    (sidecar("securityContext: {allowPrivilegeEscalation: false}"), "container 'a' does not drop ALL capabilities"),
    (sidecar(f"securityContext: {{{UNPRIVILEGED}}}"),
     "container 'a' does not set runAsNonRoot: true"),
    (sidecar(f"securityContext: {{{UNPRIVILEGED}, runAsNonRoot: true}}"),
     "container 'a' does not set seccompProfile: {type: RuntimeDefault}"),
    (sidecar(f"securityContext: {{{SAFE}, runAsUser: 0}}"), "container 'a' runs as user 0"),
    (sidecar(f"{SAFE_CONTEXT}, env: [{{name: A, valueFrom: {{secretKeyRef: {{name: s, key: k}}}}}}]"),
     "variable 'A' reads a Secret"),
    (sidecar(f"{SAFE_CONTEXT}, envFrom: [{{secretRef: {{name: s}}}}]"), "envFrom reads Secret 's'"),
    ({"env": "- {name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}\n"}, "variable 'A' reads a Secret"),
    (volume("secret: {secretName: s}"), "volume 'v' is a secret"),
    (volume("persistentVolumeClaim: {claimName: c}"), "volume 'v' is a persistentVolumeClaim"),
    (volume("csi: {driver: d}"), "volume 'v' is a csi"),
    (volume("nfs: {server: s, path: /}"), "volume 'v' is a nfs"),
    (volume("projected: {sources: [{secret: {name: s}}]}"), "volume 'v' projects secret"),
    (volume("projected: {sources: [{configMap: {name: c}}, {serviceAccountToken: {path: t}}]}"),
     "volume 'v' projects serviceAccountToken"),
    ({"pod": "nodeSelector: {a: b}\n"}, "pod.nodeSelector is set"),
    ({"pod": "hostNetwork: true\n"}, "pod.hostNetwork is set"),
    ({"container": "stdin: true\n"}, "stdin of the application's containers is set"),
    ({"envFrom": "- {configMapRef: {name: c}}\n"}, "envFrom of the application's containers is set"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "problem"), BEYOND_RESTRICTED)
def test_a_template_of_a_namespace_keeps_to_the_restricted_level_and_reads_no_secret(data, problem):
    assert f"{problem}: {NAMESPACE_HINT}" == problem_of(data, OF_NAMESPACES, namespace="shop")


def test_no_operator_can_allow_a_template_of_a_namespace_more():
    policy = Policy(namespace_templates=True, privileged_templates=frozenset({"tool", "shop/tool"}))

    assert "volume 'v' is a hostPath" in problem_of(volume("hostPath: {path: /}"), policy, namespace="shop")


@pytest.mark.parametrize(
    "data",
    [
        sidecar(SAFE_CONTEXT),
        {**sidecar(SAFE_CONTEXT), "labels": "a: b\n", "annotations": "a: b\n"},
        {"env": "- {name: A, valueFrom: {configMapKeyRef: {name: c, key: k}}}\n"},
        volume("emptyDir: {medium: Memory}"),
        volume("configMap: {name: c}"),
        volume("downwardAPI: {items: [{path: p, fieldRef: {fieldPath: metadata.name}}]}"),
        volume("projected: {sources: [{configMap: {name: c}}]}"),
    ],
)
def test_a_template_of_a_namespace_may_do_what_its_pods_may(data):
    assert "" == problem_of(data, OF_NAMESPACES, namespace="shop")
