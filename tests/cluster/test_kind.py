"""The kind provider's command lines and configuration, as data: none of them is run here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.cluster import kind
from e2e.cluster.failures import Failure

KIND, FILE, OTHER = Path("/bin/kind"), Path("/one"), Path("/other")

COMMANDS = {
    "create": (
        kind.create_command(KIND, FILE, OTHER),
        "/bin/kind create cluster --config /one --kubeconfig /other --wait 180s",
    ),
    "delete": (kind.delete_command(KIND, OTHER), "/bin/kind delete cluster --name pillion-e2e --kubeconfig /other"),
    "run": (kind.run_command(["ss", "-tn"]), "docker exec pillion-e2e-control-plane ss -tn"),
    "load": (kind.load_command(KIND, FILE), "/bin/kind load image-archive /one --name pillion-e2e"),
    "logs": (kind.logs_command(KIND, FILE), "/bin/kind export logs /one --name pillion-e2e"),
}


@pytest.mark.parametrize(("command", "expected"), COMMANDS.values(), ids=COMMANDS)
def test_commands_name_the_cluster_and_leave_the_users_own_kubeconfig_alone(command, expected):
    assert expected == " ".join(map(str, command))


def test_the_cluster_is_one_node_with_its_image_pinned_by_digest():
    config = json.loads(kind.cluster_config(kind.node_image("1.36")))

    assert ("Cluster", "pillion-e2e") == (config["kind"], config["name"])
    [node] = config["nodes"]
    assert "control-plane" == node["role"]
    assert "@sha256:" in node["image"]


@pytest.mark.parametrize("image", kind.NODE_IMAGES.values())
def test_every_node_image_is_pinned_by_a_whole_digest(image):
    assert len("sha256:") + 64 == len(image.partition("@")[2])


def test_a_minor_that_kind_has_no_image_of_is_refused():
    with pytest.raises(Failure, match=r"KUBERNETES_VERSION is '1.12', but kind has images here for 1.34"):
        kind.node_image("1.12")


@pytest.mark.parametrize("component", ["apiserver", "kube-apiserver"])
def test_a_component_is_restarted_by_the_name_of_either_provider(component):
    command = kind.restart_command(component)

    assert ["docker", "exec", "pillion-e2e-control-plane"] == list(command[:3])
    assert "crictl ps --name '^kube-apiserver$' --quiet" in command[-1]


def test_what_kind_cannot_restart_is_refused():
    with pytest.raises(Failure, match="'kubelet' is no component that kind restarts"):
        kind.restart_command("kubelet")
