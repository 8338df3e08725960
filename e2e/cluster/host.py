"""
The `host` provider: a real Kubernetes node on this Linux host, as root, without Docker and without pulling anything.

The node lives in network, mount and process namespaces of its own, held by one process. Ending that process ends
everything in them; what is left then are a folder, control groups and a few kernel settings, which `down` removes.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from e2e.cluster import (
    archives,
    certificates,
    commands,
    components,
    configs,
    images,
    kernels,
    networks,
    packages,
    processes,
    programs,
)
from e2e.cluster.commands import Command
from e2e.cluster.components import COMPONENTS, HOLDER
from e2e.cluster.failures import Failure, Missing
from e2e.cluster.layouts import Layout
from e2e.cluster.processes import Process
from e2e.cluster.settings import Settings

_UNSHARE = "unshare --mount --propagation private --net --pid --fork --kill-child=KILL --mount-proc --wd=/".split()
"""Start a command in the namespaces of a node."""


class Host:
    """A single node on this host."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def prepare(self) -> None:
        """Install Debian's packages and build all programs."""
        _need_root()
        _need_namespaces()
        packages.install()
        programs.kubernetes(self._settings)
        programs.helm(self._settings)

    def up(self) -> None:
        """Make the node, unless it is ready already and of the Kubernetes that is asked for."""
        self.prepare()
        layout = Layout(self._settings.state, programs.kubernetes(self._settings))
        if self._layout() == layout and _is_held(layout) and _node_is_ready(layout):
            return
        pause = programs.pause(self._settings)
        self.down()
        _prepare(layout)
        _hold_namespaces(layout, pause)
        for name in COMPONENTS:
            self._start(layout, name)
        self._await_node(layout)
        self._load_pause(layout, pause)

    def down(self) -> None:
        """End the node and remove what it left. A first step that fails leaves the rest for the next call."""
        _need_root()
        layout = self._layout()
        holder = processes.recall(layout.records / HOLDER)
        if holder:
            processes.end(holder, patience=0)
        if layout.state.exists():
            commands.succeeds(networks.DISCONNECT)
        kernels.restore_settings(layout.state / "settings.json")
        kernels.remove_groups(_groups())
        _remove(layout.state)

    def build(self) -> Path:
        """Build Pillion's image with buildah on a Debian base of our own."""
        _need_root()
        packages.install()
        return images.build_with_buildah(self._settings)

    def load(self, archive: Path) -> None:
        """Import an image into the node's containerd."""
        layout = self._running()
        commands.run([*_ctr(layout), "images", "import", archive])

    def kubeconfig(self) -> Path:
        """Answer the admin's kubeconfig."""
        return self._running().kubeconfig

    def programs(self) -> list[Path]:
        """Answer the folders of the very kubectl and helm that were built."""
        return [programs.kubernetes(self._settings), programs.helm(self._settings)]

    def restart(self, component: str) -> None:
        """End a component, at once and without notice, and start it again."""
        layout = self._running()
        if component not in COMPONENTS:
            raise Failure(f"{component!r} is no component: there are {', '.join(COMPONENTS)}.")
        process = processes.recall(layout.records / component)
        if process:
            processes.end(process, patience=0)
        self._start(layout, component)

    def run(self, command: Command) -> str:
        """Run a command in the node's namespaces."""
        return commands.run(_inside(self._running(), command))

    def logs(self) -> Iterator[str]:
        """Tell the last lines of every component."""
        for log in sorted(self._layout().logs.glob("*.log")):
            yield f"== {log}"
            yield from log.read_text(errors="replace").splitlines()[-20:]

    def _layout(self) -> Layout:
        """Find the node that is there, and the programs that it was made with."""
        return Layout.recall(self._settings.state)

    def _running(self) -> Layout:
        _need_root()
        layout = self._layout()
        if not _is_held(layout):
            raise Failure("There is no cluster on this host: make one with `python -m e2e.cluster up`.")
        return layout

    def _start(self, layout: Layout, name: str) -> None:
        command = COMPONENTS[name](layout)
        process = processes.start_forked(_inside(layout, command), layout.logs / f"{name}.log")
        processes.record(process, layout.records / name)
        match name:
            case "apiserver":
                _await_answer(name, process, [*_kubectl(layout), "get", "--raw", "/readyz"])
            case "containerd":
                _await_answer(name, process, [*_ctr(layout), "version"])

    def _await_node(self, layout: Layout) -> None:
        commands.await_condition("The node is not ready", lambda: _node_is_ready(layout), seconds=120)
        account = [*_kubectl(layout), "get", "serviceaccount", "default"]
        commands.await_condition("There are no accounts", lambda: commands.succeeds(account), seconds=60)

    def _load_pause(self, layout: Layout, program: Path) -> None:
        archive = layout.state / "pause.tar"
        archives.write_program_image(program, archive, name=configs.PAUSE_IMAGE, machine=platform.machine())
        self.load(archive)


def _await_answer(name: str, process: Process, command: list[str]) -> None:
    """Wait until a component answers, but not for one that has ended."""

    def answers() -> bool:
        if not processes.runs(process):
            raise Failure(f"The {name} has ended: `python -m e2e.cluster logs` shows why.")
        return commands.succeeds(command)

    commands.await_condition(f"The {name} does not answer", answers, seconds=120)


def _prepare(layout: Layout) -> None:
    for folder in layout.folders():
        folder.mkdir(parents=True)
    layout.state.chmod(0o711)
    layout.record()
    kernels.save_settings(layout.state / "settings.json")
    kernels.make_groups(_groups())
    pki = layout.certificates
    pki.chmod(0o700)
    (pki / "openssl.cnf").write_text(certificates.CONFIG)
    for command in certificates.commands(pki):
        commands.run(command)
    for identity in certificates.IDENTITIES:
        pair = (pki / f"{identity.name}.{kind}" for kind in ("crt", "key"))
        text = configs.kubeconfig((pki / "ca.crt").read_bytes(), *(file.read_bytes() for file in pair))
        _write_secretly(layout.kubeconfig_of(identity.name), text)
    (layout.configs / "containerd.toml").write_text(configs.containerd(layout))
    (layout.configs / "cni" / "10-pods.conflist").write_text(configs.pod_network())
    (layout.configs / "kubelet.json").write_text(configs.kubelet(layout))
    (layout.configs / "proxy.json").write_text(configs.proxy(layout))


def _write_secretly(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)


def _hold_namespaces(layout: Layout, pause: Path) -> None:
    """Start the process whose life is the node's, in new namespaces, linked with this host."""
    script = components.holder_script(layout, pause)
    holder = processes.start_forked([*_UNSHARE, "sh", "-c", script], layout.logs / f"{HOLDER}.log")
    processes.record(holder, layout.records / HOLDER)
    commands.await_condition("The node's namespaces are not ready", layout.held.exists, seconds=30, pause=0.02)
    for command in networks.host_commands(holder.number):
        commands.run(command)
    for command in networks.node_commands():
        commands.run(_inside(layout, command))


def _inside(layout: Layout, command: Command) -> Command:
    """Run a command in the node's namespaces."""
    holder = processes.recall(layout.records / HOLDER)
    if holder is None:
        raise Failure("The node has ended: `python -m e2e.cluster up` makes it anew.")
    return ["nsenter", f"--target={holder.number}", "--mount", "--net", "--pid", "--wd=/", *command]


def _is_held(layout: Layout) -> bool:
    return processes.runs(processes.recall(layout.records / HOLDER))


def _node_is_ready(layout: Layout) -> bool:
    wait = ["wait", "--for=condition=Ready", f"node/{certificates.NODE_NAME}", "--timeout=1s"]
    return commands.succeeds([*_kubectl(layout), *wait])


def _kubectl(layout: Layout) -> list[str]:
    return ["env", "NO_PROXY=*", str(layout.programs / "kubectl"), f"--kubeconfig={layout.kubeconfig}"]


def _ctr(layout: Layout) -> list[str]:
    return ["ctr", f"--address={layout.socket}", "--namespace=k8s.io"]


def _groups() -> Iterator[Path]:
    return kernels.control_groups(Path("/proc/mounts").read_text(), configs.CGROUP)


def _remove(state: Path) -> None:
    """Remove the node's folder, unless something is still mounted in it, which would be emptied, too."""
    mounted = kernels.mounted_below(Path("/proc/mounts").read_text(), state)
    if mounted:
        raise Failure(f"{mounted[0]} is still mounted: unmount it and run this again.")
    if state.exists():
        shutil.rmtree(state)


def _need_namespaces() -> None:
    if not commands.succeeds([*_UNSHARE, "true"]):
        raise Missing("This host lets not even root make namespaces: use one that does, or --provider kind.")


def _need_root() -> None:
    if os.geteuid() != 0:
        raise Missing("The host provider makes namespaces and links, so it must be root: use sudo, or --provider kind.")
