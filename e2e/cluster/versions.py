"""Versions and the Go modules that pin them. Text in, values out: no files are read here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from e2e.cluster.failures import Failure

MODULES = {"kubernetes": "k8s.io/kubernetes", "helm": "helm.sh/helm/v4", "kind": "sigs.k8s.io/kind"}
"""The module of each kind of programs, by the first word of its folder under tools/."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A module of tools: the folder it stands in, the path and version that it requires."""

    folder: str
    module: str
    version: str

    @property
    def name(self) -> str:
        """The name of its programs' folder in the cache, such as ``kubernetes-v1.36.3``."""
        return f"{self.folder.partition('-')[0]}-{self.version}"


def read_pin(folder: str, go_mod: str) -> Pin:
    """Find the version that a go.mod requires of the module that its folder is named for."""
    module = MODULES[folder.partition("-")[0]]
    required = re.search(rf"^(?:require)?\s+{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    if required is None:
        raise Failure(
            f"e2e/cluster/tools/{folder}/go.mod does not require {module}: write it with e2e/cluster/tools/pin."
        )
    return Pin(folder, module, required[1])


def choose_kubernetes(asked: str, offered: Mapping[str, Pin]) -> Pin:
    """Find the pin of a minor version or of a whole one: `offered` is by minor version."""
    number = asked.removeprefix("v")
    minor = ".".join(number.split(".")[:2])
    pin = offered.get(minor)
    if pin is None:
        raise Failure(
            f"KUBERNETES_VERSION is {asked!r}, but the versions here are {', '.join(sorted(offered))}: "
            "ask for one of them, or add yours with e2e/cluster/tools/pin."
        )
    if number not in (minor, pin.version.removeprefix("v")):
        raise Failure(
            f"KUBERNETES_VERSION is {asked!r}, but e2e/cluster/tools/{pin.folder} pins {pin.version}: "
            f"ask for {minor}, or move the pin with e2e/cluster/tools/pin kubernetes v{number}."
        )
    return pin


def linker_flags(pin: Pin) -> str:
    """Make the programs small and let them say their version, as their own release builds do."""
    major, minor = pin.version.removeprefix("v").split(".")[:2]
    match pin.module:
        case "k8s.io/kubernetes":
            package = "k8s.io/component-base/version"
            values = {"gitVersion": pin.version, "gitMajor": major, "gitMinor": minor}
        case "helm.sh/helm/v4":
            package, values = f"{pin.module}/internal/version", {"version": pin.version}
        case _:
            return "-s -w"
    return " ".join(["-s -w", *(f"-X {package}.{name}={value}" for name, value in values.items())])
