"""
The values that travel down the pipeline. All are frozen; none has behaviour beyond naming its parts.

What is made for each review is a named tuple: making a frozen dataclass takes three times as long.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from injector.core.inputs import Reading
    from injector.core.reasons import Reason
    from injector.core.rendering import Expression, Program
    from injector.core.schemas import Parameter
    from injector.core.selectors import Selector

TOKEN_VOLUME = "pillion-no-api-token"  # noqa: S105 - the name of a volume
"""The empty directory that stands where a container without ``api-token`` would have its token."""

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
"""Where the ServiceAccount plugin mounts a token into a container unless something is mounted there already."""

CONTAINER_LISTS = ("containers", "initContainers")
"""Fields of a pod's spec that hold containers which start with the pod."""

JSON: TypeAlias = Any
"""Decoded JSON: None, bool, int, float, str, list of JSON or dict of JSON by string."""

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object as decoded JSON. Never changed in place; unknown fields survive."""

EMPTY: Object = {}
"""The object without fields."""


@dataclass(frozen=True, kw_only=True)
class Domain:
    """The domain of all our labels and annotations, and the keys made of it."""

    name: str = "pillion.dev"

    @cached_property
    def template_label(self) -> str:
        """Label of a ConfigMap that is a template."""
        return f"{self.name}/template"

    @cached_property
    def injection(self) -> str:
        """Label of a namespace whose pods opt in."""
        return f"{self.name}/injection"

    @cached_property
    def inject(self) -> str:
        """Label of a pod that opts in or out."""
        return f"{self.name}/inject"

    @cached_property
    def templates(self) -> str:
        """Annotation of a pod that asks for templates by name."""
        return f"{self.name}/templates"

    @cached_property
    def status(self) -> str:
        """Annotation of a pod that records what was injected."""
        return f"{self.name}/status"

    @cached_property
    def parameter_suffix(self) -> str:
        """What stands between template and parameter in ``log-shipper.pillion.dev/level``."""
        return f".{self.name}/"

    def owns(self, key: str) -> bool:
        """Whether a label or annotation key belongs to this domain or one below it."""
        prefix, slash, _ = key.partition("/")
        return bool(slash) and (prefix == self.name or prefix.endswith(f".{self.name}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator of the cluster allows."""

    domain: Domain = field(default_factory=Domain)
    release_namespace: str = "pillion-system"
    """The namespace whose templates serve every namespace, and whose pods are never injected."""
    excluded_namespaces: frozenset[str] = frozenset({"kube-system", "kube-node-lease", "kube-public"})
    native_sidecars: bool = True
    """Whether the cluster runs native sidecars (Kubernetes 1.29 or later): what ``native: auto`` means."""
    privileged_templates: frozenset[str] = frozenset()
    """Cluster templates that may ask for host paths, privileges and identities."""
    namespace_templates: bool = False
    """Whether templates of other namespaces than the release's serve the pods of their own namespace."""
    parameters: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    """Values of the chart by template and parameter; above the schema's defaults, below annotations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """What templates and selectors may know of the pod's namespace."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


class Review(NamedTuple):
    """One AdmissionReview, whatever its version, reduced to what admission needs."""

    uid: str
    api_version: str
    """The version asked, which the answer repeats: ``admission.k8s.io/v1`` or ``…/v1beta1``."""
    operation: str = "CREATE"
    kind: str = "Pod"
    namespace: str = ""
    name: str = ""
    """Empty for a pod that is still to be named after ``generateName``."""
    user: str = ""
    dry_run: bool = False
    object: Object = EMPTY


class OnError(StrEnum):
    """What a template's failure does to the pod."""

    DENY = "deny"
    SKIP = "skip"


class Native(StrEnum):
    """Whether sidecars are init containers with ``restartPolicy: Always``."""

    AUTO = "auto"
    ALWAYS = "true"
    NEVER = "false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One template, parsed and checked, not rendered."""

    name: str
    namespace: str
    revision: str
    """Hash of the ConfigMap's data: twelve hexadecimal digits."""
    programs: Mapping[str, Program]
    """Compiled text by data key: ``sidecars``, ``env``, …"""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    description: str = ""
    version: str = ""
    is_default: bool = False
    when: Expression | None = None
    inputs: Reading = ()
    """What the texts and the condition read of what they are shown."""
    namespace_selector: Selector | None = None
    pod_selector: Selector | None = None
    order: int = 100
    on_error: OnError | None = None
    """None: by whose fault it is (see ``admission``)."""
    native: Native = Native.AUTO
    init_first: bool = False
    host_network: bool = False
    api_token: bool = True
    reference: str = ""
    """How pods ask for it: the name, or ``namespace/name`` for a template of a namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenTemplate:
    """A ConfigMap that asks to be a template and cannot be one."""

    name: str
    namespace: str
    reference: str
    problem: str
    is_default: bool = False
    on_error: OnError | None = None


class Mount(NamedTuple):
    """A volume that a fragment mounts, and in what."""

    where: str
    volume: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """What one template adds to one pod: canonical, of the right types, allowed."""

    template: Template
    sidecars: tuple[Object, ...] = ()
    init_containers: tuple[Object, ...] = ()
    volumes: tuple[Object, ...] = ()
    application: Object = field(default_factory=dict)
    """Fields of a container, filled in the application's containers."""
    targets: tuple[str, ...] = ()
    """Names or globs of the application's containers, ``init:`` before those of init containers; empty: all regular."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    pod: Object = field(default_factory=dict)
    containers: frozenset[str] = frozenset()
    """Names of all sidecars and init containers."""
    volume_names: frozenset[str] = frozenset()
    native_sidecars: tuple[Object, ...] = field(init=False)
    """The sidecars as init containers that keep running."""
    mounts: tuple[Mount, ...] = field(init=False)
    """Whatever of all that mounts a volume."""

    def __post_init__(self) -> None:
        native = tuple({**sidecar, "restartPolicy": "Always"} for sidecar in self.sidecars)
        object.__setattr__(self, "native_sidecars", native)
        object.__setattr__(self, "mounts", tuple(self._mounts()))

    def _mounts(self) -> Iterator[Mount]:
        for container in (*self.sidecars, *self.init_containers):
            where = f"container {container['name']!r}"
            yield from (Mount(where, mount["name"]) for mount in container.get("volumeMounts", ()))
        mounts = self.application.get("volumeMounts", ())
        yield from (Mount("the application's container", mount["name"]) for mount in mounts)


class Decision(NamedTuple):
    """What became of one template, or of the pod as a whole (``template`` empty)."""

    reason: Reason
    template: str = ""
    revision: str = ""
    message: str = ""
    """One sentence; empty where the reason's own sentence says it all."""
    detail: str = ""
    """The message with the template's line and a caret, where there is one; for denials."""
    denies: bool = False
    warns: bool = False


class Operation(NamedTuple):
    """One operation of RFC 6902; ``op`` is ``add`` or ``replace``."""

    op: str
    path: str
    value: JSON


Patch: TypeAlias = tuple[Operation, ...]


class Verdict(NamedTuple):
    """The answer to one review."""

    reason: Reason
    decisions: tuple[Decision, ...] = ()
    pod: Object = EMPTY
    """The pod with everything in it; meaningless where ``patch`` is empty."""
    patch: Patch = ()
    warnings: tuple[str, ...] = ()
    denial: str = ""
    """The sentences for the author of a pod that is denied; empty: allowed."""

    @property
    def allowed(self) -> bool:
        """Whether the pod may be created."""
        return not self.denial
