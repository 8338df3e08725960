"""The node of the host provider: its command lines, configurations and traces, as data."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import tarfile
import tomllib
from base64 import b64decode
from pathlib import Path

import pytest

from e2e.cluster import archives, certificates, components, configs, kernels, networks, packages
from e2e.cluster.failures import Failure, Missing
from e2e.cluster.host import Host
from e2e.cluster.layouts import HIDDEN, Layout
from e2e.cluster.settings import Settings

LAYOUT = Layout(Path("/state"), Path("/programs"))
MOUNTS = """\
/dev/vda / ext4 rw 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
tmpfs /state/root/run tmpfs rw 0 0
tmpfs /state-of-another tmpfs rw 0 0
"""


@pytest.mark.parametrize("name", components.COMPONENTS)
def test_every_component_runs_a_program_with_plain_flags(name):
    program, *flags = components.COMPONENTS[name](LAYOUT)

    assert program.startswith("/programs/kube") or program in packages.PROGRAMS
    assert all(flag.startswith("--") for flag in flags)
    assert len(flags) == len(set(flags))


def test_the_holder_hides_this_hosts_folders_only_once_it_is_on_record(tmp_path):
    layout = Layout(tmp_path, Path("/programs"))
    script = components.holder_script(layout, Path("/pause"))
    never_recorded = script.replace("mount", ":").replace("-lt 500", "-lt 2")

    assert subprocess.run(["sh", "-c", never_recorded], check=False).returncode == 1
    assert not layout.held.exists()
    assert script.index("processes/holder") < script.index("mount --bind") < script.index(str(layout.held))


def test_a_node_is_remembered_with_its_programs(tmp_path):
    layout = Layout(tmp_path, Path("/programs/kubernetes-v1.36.3"))

    layout.record()

    assert layout == Layout.recall(tmp_path)
    assert Path() == Layout.recall(tmp_path / "absent").programs


def test_components_start_after_what_they_need():
    order = list(components.COMPONENTS)

    assert ["etcd", "apiserver"] == order[:2]
    assert order.index("containerd") < order.index("kubelet")


def test_all_addresses_belong_to_test_networks():
    reserved = [ipaddress.ip_network(network) for network in ("198.18.0.0/15", "198.51.100.0/24")]
    ours = [networks.PODS, networks.NODE_PODS, networks.SERVICES, networks.API_SERVICE, networks.NODE, networks.HOST]

    for network in map(ipaddress.ip_network, ours):
        assert any(network.subnet_of(each) for each in reserved)


def test_pods_and_services_do_not_overlap_and_are_both_routed():
    pods, services, both = map(ipaddress.ip_network, (networks.PODS, networks.SERVICES, networks.BOTH))

    assert not pods.overlaps(services)
    assert [pods, services] == list(both.subnets())
    assert ipaddress.ip_address(networks.API_SERVICE) == next(services.hosts())


def test_nothing_leads_out_of_the_node():
    routes = [command for command in networks.node_commands() if "route" in command]

    assert [networks.SERVICES] == [route[route.index("add") + 1] for route in routes]


def test_containerd_keeps_everything_in_what_the_node_has_for_itself():
    config = tomllib.loads(configs.containerd(LAYOUT))
    runtime = config["plugins"]["io.containerd.grpc.v1.cri"]

    assert configs.PAUSE_IMAGE == runtime["sandbox_image"]
    assert "/state/etc/cni" == runtime["cni"]["conf_dir"]
    assert LAYOUT.socket == LAYOUT.stand_in("/run") / "containerd/containerd.sock"


def test_every_hidden_folder_has_a_stand_in_of_its_own():
    stand_ins = {LAYOUT.stand_in(folder) for folder in HIDDEN}

    assert len(HIDDEN) == len(stand_ins)
    assert stand_ins <= set(LAYOUT.folders())


def test_kubelet_runs_on_old_control_groups_and_puts_pods_under_ours():
    config = json.loads(configs.kubelet(LAYOUT))

    assert ("/pillion-e2e", "cgroupfs", False) == (config["cgroupRoot"], config["cgroupDriver"], config["failCgroupV1"])
    assert "" == config["resolvConf"]


def test_a_kubeconfig_needs_no_other_file():
    config = json.loads(configs.kubeconfig(b"authority", b"certificate", b"key"))

    assert b"authority" == b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"])
    assert b"key" == b64decode(config["users"][0]["user"]["client-key-data"])
    assert "https://198.51.100.1:6443" == config["clusters"][0]["cluster"]["server"]


def test_the_certificates_are_made_and_chain_to_their_authority(tmp_path):
    (tmp_path / "openssl.cnf").write_text(certificates.CONFIG)
    for command in certificates.commands(tmp_path):
        subprocess.run(command, check=True, capture_output=True)

    leaves = [tmp_path / f"{identity.name}.crt" for identity in certificates.IDENTITIES]
    verify = ["openssl", "verify", "-x509_strict", "-CAfile", tmp_path / "ca.crt", *leaves]
    assert subprocess.run(verify, check=True, capture_output=True, text=True).stdout.count(": OK") == len(leaves)
    name = ["openssl", "x509", "-in", tmp_path / "apiserver.crt", "-noout", "-checkip", networks.API_SERVICE]
    assert "does match" in subprocess.run(name, check=True, capture_output=True, text=True).stdout


def test_control_groups_are_found_in_every_hierarchy():
    expected = [Path("/sys/fs/cgroup/cpu/ours"), Path("/sys/fs/cgroup/unified/ours")]

    assert expected == list(kernels.control_groups(MOUNTS, "ours"))


def test_only_mounts_within_the_folder_count():
    assert ["/state/root/run"] == kernels.mounted_below(MOUNTS, Path("/state"))


def test_groups_are_removed_from_the_deepest_up(tmp_path):
    (tmp_path / "ours/pods/one").mkdir(parents=True)

    kernels.remove_groups(iter([tmp_path / "ours", tmp_path / "absent"]))

    assert [] == list(tmp_path.iterdir())


def test_packages_are_installed_without_what_they_recommend():
    command = packages.install_command(["runc"])

    assert "--no-install-recommends" in command
    assert "runc" == command[-1]


@pytest.mark.parametrize("left", [None, packages._NO_SERVICES], ids=["none", "by a killed run"])
def test_no_service_starts_during_an_installation_and_after_it_all_may(tmp_path, left):
    policy = tmp_path / "policy-rc.d"
    if left:
        policy.write_text(left)

    with packages.services_off(policy):
        assert 101 == subprocess.run([policy], check=False).returncode

    assert not policy.exists()


def test_the_hosts_own_policy_about_services_stays(tmp_path):
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")

    with packages.services_off(policy):
        assert "#!/bin/sh\nexit 0\n" == policy.read_text()

    assert policy.exists()


def test_an_image_of_one_program_is_an_archive_as_docker_saves_it(tmp_path):
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")
    archives.write_program_image(program, tmp_path / "image.tar", name="localhost/pause:1", machine="x86_64")

    with tarfile.open(tmp_path / "image.tar") as archive:
        manifest = json.load(archive.extractfile("manifest.json"))
        config = json.load(archive.extractfile(manifest[0]["Config"]))
        with tarfile.open(fileobj=archive.extractfile(manifest[0]["Layers"][0])) as layer:
            entry = layer.getmember("pause")

    assert ["localhost/pause:1"] == manifest[0]["RepoTags"]
    assert ("amd64", ["/pause"]) == (config["architecture"], config["config"]["Entrypoint"])
    assert 0o755 == entry.mode


@pytest.mark.parametrize("act", [Host.prepare, Host.up, Host.down, Host.kubeconfig, Host.build])
def test_whoever_is_not_root_is_told_what_to_do(monkeypatch, tmp_path, act):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(Missing, match="must be root: use sudo, or --provider kind"):
        act(Host(Settings(tmp_path, state=tmp_path / "state")))


def test_where_not_even_root_may_make_namespaces_nothing_is_installed_or_built(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "unshare").symlink_to("/bin/false")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Missing, match="lets not even root make namespaces: use one that does, or --provider kind"):
        Host(Settings(tmp_path, state=tmp_path / "state")).prepare()


def test_where_there_is_no_cluster_the_way_to_one_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(Failure, match=r"make one with `python -m e2e.cluster up`"):
        Host(Settings(tmp_path, state=tmp_path / "state")).kubeconfig()


def test_what_is_missing_is_named_where_it_cannot_be_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Missing, match=r"lacks buildah, conntrack, containerd.* and has no apt-get"):
        packages.install()
