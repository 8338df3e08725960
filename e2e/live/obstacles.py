"""
Stops a Job at one of its calls: the API server forbids it for a while, as it does while new rights are on their way.

A Job tries again what is forbidden, for a minute; so it stands at that call until it is killed, or let pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from e2e.chart import clusters
from e2e.chart.charts import Object
from e2e.live import pods
from e2e.live.spares import SPACE, Spare

GROUP = "admissionregistration.k8s.io"


@dataclass(frozen=True)
class Obstacle:
    """A call that is forbidden."""

    call: str
    """How the Job names it."""
    group: str
    resources: tuple[str, ...]
    suffix: str = ""
    """Of the object's name, after the release's."""
    unless: str = "false"
    """What an update must be to pass all the same, as an expression."""

    @contextmanager
    def standing(self, release: Spare) -> Iterator[None]:
        """Forbid the call for as long as this lasts."""
        name = pods.name(f"{release.name}-obstacle")
        made = list(self._objects(name, f"{release.full_name}{self.suffix.format(namespace=release.namespace)}"))
        applied = clusters.apply(made)
        assert applied.returncode == 0, applied.stderr
        try:
            marker = ("create", "configmap", name, "-n", SPACE, "--dry-run=server")
            clusters.await_true("the obstacle is in force", lambda: clusters.kubectl(*marker).returncode == 1)
            yield
        finally:
            clusters.delete(made)

    def _objects(self, policy: str, name: str) -> Iterator[Object]:
        marker = {"apiGroups": [""], "operations": ["CREATE"], "resources": ["configmaps"], "resourceNames": [policy]}
        call = {"apiGroups": [self.group], "operations": ["UPDATE"], "resources": [*self.resources]}
        rules = [{**rule, "apiVersions": ["*"]} for rule in (marker, {**call, "resourceNames": [name]})]
        passes = f"request.resource.resource != 'configmaps' && ({self.unless})"
        validation = {"expression": passes, "message": "not now", "reason": "Forbidden"}
        spec = {"matchConstraints": {"resourceRules": rules}, "validations": [validation]}
        binding = {"policyName": policy, "validationActions": ["Deny"]}
        for kind, each in (("ValidatingAdmissionPolicy", spec), ("ValidatingAdmissionPolicyBinding", binding)):
            yield {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": policy}, "spec": each}


APPROVAL = Obstacle(
    "update certificatesigningrequests/approval",
    "certificates.k8s.io",
    ("certificatesigningrequests/approval",),
    ".{namespace}",
)
"""The request is made, and not yet approved."""
PUBLICATION = Obstacle(
    "patch mutatingwebhookconfigurations",
    GROUP,
    ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"),
)
"""The Secret says whom to trust, and the webhooks do not know it."""
STORAGE = Obstacle(
    "update secrets",
    "",
    ("secrets",),
    "-tls",
    "object.data['tls.crt'] == oldObject.data['tls.crt']",
)
"""The webhooks trust the new authority, and the pair is still the old one."""
