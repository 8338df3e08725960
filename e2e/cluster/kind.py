"""The `kind` provider: nodes in Docker, for those who have it. The command lines stand apart from their execution."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from e2e.cluster import commands, images, programs
from e2e.cluster.commands import Command
from e2e.cluster.failures import Failure, Missing
from e2e.cluster.settings import Settings

NAME = "pillion-e2e"
NODE = f"{NAME}-control-plane"
NODE_IMAGES = {
    "1.34": "kindest/node:v1.34.11@sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d",
    "1.35": "kindest/node:v1.35.8@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0",
    "1.36": "kindest/node:v1.36.4@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed",
    "1.37": "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5",
}
"""The images that were built for the kind release that tools/kind pins: from that release's notes."""

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


class Kind:
    """A single node in Docker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._file = settings.cache / "kind.kubeconfig"

    def prepare(self) -> None:
        """Build kind and helm, where Go is there; otherwise those of PATH have to do."""
        node_image(self._settings.kubernetes)
        self._kind()
        self.programs()

    def up(self) -> None:
        """Make the cluster, unless it answers already."""
        image = node_image(self._settings.kubernetes)
        kind = self._kind()
        if self._answers():
            return
        self.down()
        config = self._settings.cache / "kind.json"
        config.write_text(cluster_config(image))
        commands.show(create_command(kind, config, self._file))

    def down(self) -> None:
        """Delete the cluster."""
        commands.show(delete_command(self._kind(), self._file))
        self._file.unlink(missing_ok=True)

    def build(self) -> Path:
        """Build Pillion's image with Docker."""
        return images.build_with_docker(self._settings)

    def load(self, archive: Path) -> None:
        """Give the node an image."""
        commands.show(load_command(self._kind(), archive))

    def kubeconfig(self) -> Path:
        """Answer the kubeconfig that kind wrote."""
        if not self._file.exists():
            raise Failure("There is no kind cluster: make one with `python -m e2e.cluster up --provider kind`.")
        return self._file

    def programs(self) -> list[Path]:
        """Answer the folder of the pinned helm, which Go builds; without Go, yours will do. kubectl is yours."""
        if not shutil.which("kubectl"):
            raise Missing("There is no kubectl on this host: install it and run this again.")
        return [] if _must_do("helm") else [programs.helm(self._settings)]

    def restart(self, component: str) -> None:
        """Stop a component's container: kubelet starts it again."""
        commands.run(restart_command(component))
        commands.await_condition("The API server is not ready", self._answers, seconds=120)

    def run(self, command: Command) -> str:
        """Run a command in the node's container."""
        return commands.run(run_command(command))

    def logs(self) -> Iterator[str]:
        """Export all logs to a folder of the cache, and tell which."""
        folder = self._settings.cache / "kind-logs"
        commands.run(logs_command(self._kind(), folder))
        yield f"The logs are in {folder}"

    def _kind(self) -> Path:
        if not commands.succeeds(["docker", "info"]):
            raise Missing(
                "Docker does not answer, and kind needs it: start it, or use --provider host as root on Linux."
            )
        return _must_do("kind") or programs.kind(self._settings) / "kind"

    def _answers(self) -> bool:
        return self._file.exists() and commands.succeeds(
            ["kubectl", f"--kubeconfig={self._file}", "get", "--raw", "/readyz"]
        )


def _must_do(program: str) -> Path | None:
    """Find the program that is here where the pinned one, which fits, cannot be built."""
    found = None if shutil.which("go") else shutil.which(program)
    return Path(found) if found else None


def node_image(asked: str) -> str:
    """Find the node image of a minor version, or of any version of that minor."""
    minor = ".".join(asked.removeprefix("v").split(".")[:2])
    if minor not in NODE_IMAGES:
        raise Failure(f"KUBERNETES_VERSION is {asked!r}, but kind has images here for {', '.join(NODE_IMAGES)}.")
    return NODE_IMAGES[minor]


def cluster_config(image: str) -> str:
    """Describe the cluster: one node that is everything."""
    node = {"role": "control-plane", "image": image}
    return json.dumps({"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "name": NAME, "nodes": [node]})


def create_command(kind: Path, config: Path, kubeconfig: Path) -> Command:
    """Make the cluster and wait for its node; the user's own kubeconfig stays as it is."""
    return [kind, "create", "cluster", "--config", config, "--kubeconfig", kubeconfig, "--wait", "180s"]


def delete_command(kind: Path, kubeconfig: Path) -> Command:
    """Delete the cluster; kind does not mind where there is none."""
    return [kind, "delete", "cluster", "--name", NAME, "--kubeconfig", kubeconfig]


def load_command(kind: Path, archive: Path) -> Command:
    """Give an image to the node."""
    return [kind, "load", "image-archive", archive, "--name", NAME]


def run_command(command: Command) -> Command:
    """Run a command on the node, as root."""
    return ["docker", "exec", NODE, *command]


def logs_command(kind: Path, folder: Path) -> Command:
    """Collect what all components said."""
    return [kind, "export", "logs", folder, "--name", NAME]


def restart_command(component: str) -> Command:
    """Kill a component of the control plane, by the name of either provider."""
    name = component if component == "etcd" else f"kube-{component.removeprefix('kube-')}"
    if name not in COMPONENTS:
        raise Failure(f"{component!r} is no component that kind restarts: there are {', '.join(COMPONENTS)}.")
    script = f"crictl stop --timeout 0 $(crictl ps --name '^{name}$' --quiet)"
    return ["docker", "exec", NODE, "sh", "-c", script]
