"""The configuration files of a node's components, as text. JSON where the reader takes it for YAML."""

from __future__ import annotations

import json
from base64 import b64encode

from e2e.cluster import certificates, networks
from e2e.cluster.layouts import Layout

PAUSE_IMAGE = "localhost/pause:1"
CGROUP = "pillion-e2e"
"""The control group under which kubelet puts all pods."""

_CONTAINERD = f"""\
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "%s"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
"""


def containerd(layout: Layout) -> str:
    """Write containerd's configuration: everything at its default place, which the node has for itself."""
    return _CONTAINERD % (layout.configs / "cni")


def pod_network() -> str:
    """Write the configuration of the CNI plugin: a bridge, without translating anything."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": networks.NODE_PODS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": "pods", "isGateway": True, "ipMasq": False, "hairpinMode": True}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": [{**bridge, "ipam": addresses}, ports]})


def kubelet(layout: Layout) -> str:
    """Write kubelet's configuration: for any host, old control groups and full disks included."""
    pki = layout.certificates
    return _kubernetes(
        "kubelet.config.k8s.io/v1beta1",
        "KubeletConfiguration",
        authentication={
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
            "webhook": {"enabled": True},
            "anonymous": {"enabled": False},
        },
        authorization={"mode": "Webhook"},
        tlsCertFile=f"{pki}/kubelet.crt",
        tlsPrivateKeyFile=f"{pki}/kubelet.key",
        containerRuntimeEndpoint="unix:///run/containerd/containerd.sock",
        cgroupDriver="cgroupfs",
        cgroupRoot=f"/{CGROUP}",
        failCgroupV1=False,
        failSwapOn=False,
        enforceNodeAllocatable=[],
        makeIPTablesUtilChains=False,
        resolvConf="",
        podCIDR=networks.NODE_PODS,
        localStorageCapacityIsolation=False,
        imageGCHighThresholdPercent=100,
        evictionHard={
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
        },
        syncFrequency="5s",
        volumePluginDir="/var/lib/kubelet/volume-plugins",
    )


def proxy(layout: Layout) -> str:
    """Write kube-proxy's configuration: nftables, and no change to connection tracking."""
    return _kubernetes(
        "kubeproxy.config.k8s.io/v1alpha1",
        "KubeProxyConfiguration",
        mode="nftables",
        clientConnection={"kubeconfig": str(layout.kubeconfig_of("proxy"))},
        hostnameOverride=certificates.NODE_NAME,
        clusterCIDR=networks.PODS,
        conntrack={"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    )


def kubeconfig(authority: bytes, certificate: bytes, key: bytes) -> str:
    """Write a kubeconfig that needs no other file."""
    cluster = {"server": networks.API_SERVER, "certificate-authority-data": b64encode(authority).decode()}
    user = {
        "client-certificate-data": b64encode(certificate).decode(),
        "client-key-data": b64encode(key).decode(),
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "pillion-e2e",
            "contexts": [{"name": "pillion-e2e", "context": {"cluster": "pillion-e2e", "user": "pillion-e2e"}}],
            "clusters": [{"name": "pillion-e2e", "cluster": cluster}],
            "users": [{"name": "pillion-e2e", "user": user}],
        },
        indent=2,
    )


def _kubernetes(version: str, kind: str, **fields: object) -> str:
    return json.dumps({"apiVersion": version, "kind": kind, **fields}, indent=2)
