"""The command lines of a node's components, in the order in which they start. Nothing is started here."""

from __future__ import annotations

from pathlib import Path

from e2e.cluster import networks
from e2e.cluster.certificates import NODE_NAME
from e2e.cluster.layouts import HIDDEN, Layout

HOLDER = "holder"
"""The name under which the process that holds the node's namespaces is recorded."""
ETCD = "http://127.0.0.1:2379"


def holder_script(layout: Layout, pause: Path) -> str:
    """
    Set up the node's view of the file system and wait forever, as a shell script.

    It goes on only once it is on record: were the command that starts it killed before, nobody would know of it.
    """
    wait = "sleep 0.02; tries=$((tries + 1)); [ $tries -lt 500 ]"
    hide = [f"mount --bind '{layout.stand_in(folder)}' {folder}" for folder in HIDDEN]
    return "\n".join(
        [
            "set -e; tries=0",
            f"until [ -s '{layout.records / HOLDER}' ]; do {wait}; done",
            "mount --make-rshared /",
            *hide,
            f"touch '{layout.held}'",
            f"exec '{pause}'",
        ]
    )


def etcd(_layout: Layout) -> list[str]:
    """Store objects, quickly rather than safely: the cluster does not outlive this host."""
    return [
        "etcd",
        "--data-dir=/var/lib/etcd",
        f"--listen-client-urls={ETCD}",
        f"--advertise-client-urls={ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
    ]


def apiserver(layout: Layout) -> list[str]:
    """Serve the API, as on any cluster: Node and RBAC authorization, and the usual admission plugins."""
    pki = layout.certificates
    return [
        str(layout.programs / "kube-apiserver"),
        f"--etcd-servers={ETCD}",
        f"--advertise-address={networks.NODE}",
        f"--secure-port={networks.API_PORT}",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--service-account-key-file={pki}/sa.pub",
        f"--service-account-signing-key-file={pki}/sa.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-cluster-ip-range={networks.SERVICES}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged",
        f"--kubelet-client-certificate={pki}/admin.crt",
        f"--kubelet-client-key={pki}/admin.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def controller_manager(layout: Layout) -> list[str]:
    """Run the controllers, the signers of CertificateSigningRequests among them."""
    pki = layout.certificates
    return [
        str(layout.programs / "kube-controller-manager"),
        f"--kubeconfig={layout.kubeconfig_of('controller-manager')}",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={pki}/sa.key",
        f"--root-ca-file={pki}/ca.crt",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        f"--cluster-cidr={networks.PODS}",
        "--allocate-node-cidrs",
        "--flex-volume-plugin-dir=/var/lib/flex-volume-plugins",
        "--leader-elect=false",
    ]


def scheduler(layout: Layout) -> list[str]:
    """Give pods their node."""
    program = str(layout.programs / "kube-scheduler")
    return [program, f"--kubeconfig={layout.kubeconfig_of('scheduler')}", "--leader-elect=false"]


def containerd(layout: Layout) -> list[str]:
    """Run containers."""
    return ["containerd", f"--config={layout.configs / 'containerd.toml'}"]


def kubelet(layout: Layout) -> list[str]:
    """Run pods."""
    return [
        str(layout.programs / "kubelet"),
        f"--config={layout.configs / 'kubelet.json'}",
        f"--kubeconfig={layout.kubeconfig_of('kubelet')}",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={networks.NODE}",
    ]


def proxy(layout: Layout) -> list[str]:
    """Lead Services to their pods."""
    return [str(layout.programs / "kube-proxy"), f"--config={layout.configs / 'proxy.json'}"]


COMPONENTS = {
    "etcd": etcd,
    "apiserver": apiserver,
    "containerd": containerd,
    "controller-manager": controller_manager,
    "scheduler": scheduler,
    "kubelet": kubelet,
    "proxy": proxy,
}
