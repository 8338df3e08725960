"""Lint tries a template on sample pods and refuses what reads back its own writing."""

from __future__ import annotations

import pytest

from injector.core import linting, templates
from injector.core.errors import TemplateError
from injector.core.linting import Severity
from injector.core.model import Policy

POLICY = Policy()

READS_BACK = {
    "a label decided by a label that it sets": {
        "labels": "a: 'x'\n{% if pod.metadata.labels.a is defined %}\nb: 'y'\n{% endif %}\n"
    },
    "a container named by the number of containers": {
        "sidecars": "- {name: 'p{{ pod.spec.containers | length }}', image: x}"
    },
    "a variable named by the number of variables": {
        "env": "- {name: 'E{{ (pod.spec.containers[0].env or []) | length }}', value: x}"
    },
    "a label decided by a pod field that it fills in": {
        "labels": "{% if pod.spec.nodeSelector is defined %}\npinned: 'yes'\n{% endif %}",
        "pod": "nodeSelector: {t: a}",
    },
    "a sidecar for pods of several containers only": {
        "sidecars": "{% if pod.spec.containers | length > 1 %}\n- {name: only-multi, image: x}\n{% endif %}",
        "labels": "{% if pod.spec.containers | length <= 1 %}\nsingle: 'y'\n{% endif %}",
    },
    "a mount only if a volume exists that it brings": {
        "volumes": "- {name: cache, emptyDir: {}}",
        "volumeMounts": "{% if 'cache' in pod.spec.volumes | map(attribute='name') %}\n"
        "- {name: cache, mountPath: /c}\n{% endif %}",
    },
    "an if and else on a label that it sets": {
        "labels": "a: x",
        "env": "{% if pod.metadata.labels.a %}\n- {name: A, value: x}\n{% else %}\n- {name: B, value: x}\n{% endif %}",
    },
    "its own parameter annotation": {
        "parameters": "level: {type: string, default: a}",
        "annotations": "t.pillion.dev/level: debug",
    },
}

SIDECAR = """
- name: agent
  image: agent:1
  resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 100m, memory: 32Mi}}
  securityContext:
    allowPrivilegeEscalation: false
    runAsNonRoot: true
    capabilities: {drop: [ALL]}
    seccompProfile: {type: RuntimeDefault}
"""


def findings(data: dict[str, str], severity: Severity, **annotations: str) -> list[str]:
    """Return what lint says of a template with this data."""
    metadata = {
        "name": "t",
        "namespace": "pillion-system",
        "annotations": {f"pillion.dev/{key}": text for key, text in annotations.items()},
    }
    template = templates.parse({"kind": "ConfigMap", "metadata": metadata, "data": data}, POLICY)
    return [finding.message for finding in linting.lint(template, POLICY) if finding.severity is severity]


@pytest.mark.parametrize("data", READS_BACK.values(), ids=READS_BACK)
def test_a_template_that_reads_back_what_it_writes_is_an_error(data: dict[str, str]) -> None:
    assert findings(data, Severity.ERROR)


def test_the_field_that_is_read_back_is_named() -> None:
    [message] = findings(READS_BACK["a label decided by a label that it sets"], Severity.ERROR)

    assert "/metadata/labels/b" in message


def test_a_template_that_reads_only_what_authors_write_is_clean() -> None:
    labels = "{% for container in pod.spec.containers %}\nwatches-{{ container.name }}: 'true'\n{% endfor %}"

    assert findings({"sidecars": SIDECAR, "labels": labels}, Severity.ERROR) == []
    assert findings({"sidecars": SIDECAR, "labels": labels}, Severity.WARNING) == []


def test_a_sidecar_that_restricted_namespaces_or_a_quota_would_refuse_gets_warnings() -> None:
    warnings = findings({"sidecars": "- {name: agent, image: agent:1}"}, Severity.WARNING)

    assert [word for word in ("allowPrivilegeEscalation", "drop ALL", "runAsNonRoot", "seccompProfile", "ResourceQuota")
            if not any(word in warning for warning in warnings)] == []  # fmt: skip


def test_a_template_that_fails_on_a_plausible_pod_is_an_error() -> None:
    [message, *_] = findings({"labels": "app: {{ pod.metadata.labels.app }}"}, Severity.ERROR)

    assert "'app' is absent here" in message


def test_selectors_and_defaults_do_not_hide_a_fault() -> None:
    settings = {"pod-selector": "never=matches", "when": "true"}

    assert findings({"labels": "app: {{ pod.metadata.labels.app }}"}, Severity.ERROR, **settings)


def test_a_refusal_of_a_sample_pod_is_no_fault() -> None:
    assert findings({"labels": "a: '{{ fail('not this pod') }}'"}, Severity.ERROR) == []


def test_a_parameter_without_default_gets_a_plausible_value() -> None:
    data = {"parameters": "port: {type: integer, minimum: 1}", "labels": "port: {{ params.port }}"}

    assert findings(data, Severity.ERROR) == []


def test_a_text_that_does_not_parse_never_reaches_lint() -> None:
    with pytest.raises(TemplateError, match="line 1"):
        findings({"labels": "{{ nobody }}"}, Severity.ERROR)
