"""
Kubernetes' Pod Security Standards, as far as a fragment can break them: what it adds, not what the pod has already.

Rules and field names: https://kubernetes.io/docs/concepts/security/pod-security-standards/ (v1.36). Each rule yields
sentences; whether a problem refuses or warns is decided by the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from injector.core.model import Fragment, Object

RESTRICTED_VOLUMES = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
APP_ARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
"""What the API server still turns into the field ``appArmorProfile``."""

HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")


def baseline_problems(fragment: Fragment) -> Iterator[str]:
    """Yield what the level *baseline* forbids, and added capabilities, which a sidecar has no business with."""
    for name in HOST_NAMESPACES:
        if fragment.pod.get(name):
            yield f"pod.{name} shares a namespace of the node"
    if (fragment.pod.get("securityContext") or {}).get("sysctls"):
        yield "pod.securityContext.sysctls changes settings of the kernel"
    for key, profile in fragment.annotations.items():
        if key.startswith(APP_ARMOR_ANNOTATION) and not profile.startswith(("runtime/default", "localhost/")):
            yield f"annotation {key!r} is {profile!r}"
    for volume in fragment.volumes:
        if "hostPath" in volume:
            yield f"volume {volume['name']!r} is a hostPath"
    for where, container in _containers(fragment):
        yield from _baseline_container(where, container)
    yield from _baseline_context("pod.securityContext", fragment.pod.get("securityContext") or {})


def restricted_problems(fragment: Fragment) -> Iterator[str]:
    """Yield what the level *restricted* forbids beyond *baseline*."""
    for volume in fragment.volumes:
        yield from (
            f"volume {volume['name']!r} is a {source}"
            for source in volume
            if source != "name" and source not in RESTRICTED_VOLUMES
        )
    for container in (*fragment.sidecars, *fragment.init_containers):
        yield from _restricted_container(container, fragment.pod.get("securityContext") or {})


def _containers(fragment: Fragment) -> Iterator[tuple[str, Object]]:
    for container in (*fragment.sidecars, *fragment.init_containers):
        yield f"container {container['name']!r}", container
    yield "the application's container", fragment.application


def _baseline_container(where: str, container: Object) -> Iterator[str]:
    yield from _baseline_context(where, container.get("securityContext") or {})
    for port in container.get("ports") or ():
        if port.get("hostPort"):
            yield f"{where} takes port {port['hostPort']} of the node"


def _baseline_context(where: str, context: Object) -> Iterator[str]:
    if context.get("privileged"):
        yield f"{where} is privileged"
    if added := (context.get("capabilities") or {}).get("add"):
        yield f"{where} adds capabilities {', '.join(added)}"
    if context.get("procMount", "Default") != "Default":
        yield f"{where} has procMount {context['procMount']!r}"
    for profile in ("seccompProfile", "appArmorProfile"):
        if (context.get(profile) or {}).get("type") == "Unconfined":
            yield f"{where} has an unconfined {profile}"
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield f"{where} is a host process"
    if context.get("seLinuxOptions"):
        yield f"{where} sets seLinuxOptions"


def _restricted_container(container: Object, pod_context: Object) -> Iterator[str]:
    where, context = f"container {container['name']!r}", container.get("securityContext") or {}
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{where} does not set allowPrivilegeEscalation: false"
    if "ALL" not in ((context.get("capabilities") or {}).get("drop") or ()):
        yield f"{where} does not drop ALL capabilities"
    if context.get("runAsNonRoot", pod_context.get("runAsNonRoot")) is not True:
        yield f"{where} does not set runAsNonRoot: true"
    if context.get("runAsUser", pod_context.get("runAsUser")) == 0:
        yield f"{where} runs as user 0"
    profile = context.get("seccompProfile") or pod_context.get("seccompProfile") or {}
    if profile.get("type") not in ("RuntimeDefault", "Localhost"):
        yield f"{where} does not set seccompProfile: {{type: RuntimeDefault}}"
