"""Which Kubernetes is built: the pins that are committed, and what may be asked for."""

from __future__ import annotations

import pytest

from e2e.cluster import kind, programs, versions
from e2e.cluster.failures import Failure
from e2e.cluster.settings import NEWEST, TOOLS, Settings
from e2e.cluster.versions import Pin

OFFERED = {
    "1.34": Pin("kubernetes-1.34", "k8s.io/kubernetes", "v1.34.4"),
    "1.36": Pin("kubernetes-1.36", "k8s.io/kubernetes", "v1.36.3"),
}
FOLDERS = sorted(file.parent.name for file in TOOLS.glob("*/go.mod"))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("1.34", "v1.34.4"), ("v1.34", "v1.34.4"), ("1.36", "v1.36.3"), ("1.36.3", "v1.36.3"), ("v1.36.3", "v1.36.3")],
)
def test_a_version_is_found_by_its_minor_and_by_its_whole_number(asked, expected):
    assert expected == versions.choose_kubernetes(asked, OFFERED).version


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("1.12", "KUBERNETES_VERSION is '1.12', but the versions here are 1.34, 1.36"),
        ("newest", "KUBERNETES_VERSION is 'newest', but the versions here are"),
        ("v1.36.9", "but e2e/cluster/tools/kubernetes-1.36 pins v1.36.3: ask for 1.36, or move the pin"),
    ],
)
def test_a_version_that_is_not_pinned_is_refused_with_what_to_do(asked, sentence):
    with pytest.raises(Failure) as caught:
        versions.choose_kubernetes(asked, OFFERED)

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "go_mod", ["require helm.sh/helm/v4 v4.3.1\n", "require (\n\thelm.sh/helm/v4 v4.3.1 // indirect\n)\n"]
)
def test_a_pin_is_read_from_either_form_of_a_requirement(go_mod):
    assert Pin("helm", "helm.sh/helm/v4", "v4.3.1") == versions.read_pin("helm", go_mod)


def test_a_module_without_its_requirement_is_named():
    with pytest.raises(Failure, match=r"tools/kind/go.mod does not require sigs.k8s.io/kind"):
        versions.read_pin("kind", "module other\n")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_committed_module_is_pinned_by_hash_at_the_version_of_its_folder(folder):
    pin = versions.read_pin(folder, (TOOLS / folder / "go.mod").read_text())

    assert folder in {pin.module.split("/")[1], "kubernetes-" + ".".join(pin.version[1:].split(".")[:2])}
    assert f"{pin.module} {pin.version} h1:" in (TOOLS / folder / "go.sum").read_text()


def test_there_is_an_older_minor_beside_the_newest():
    minors = [folder.removeprefix("kubernetes-") for folder in FOLDERS if folder.startswith("kubernetes-")]

    assert len(minors) > 1
    assert max(minors) == NEWEST == Settings.from_environment({}).kubernetes


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder.startswith("kubernetes-")])
def test_kind_has_an_image_of_every_minor_that_the_host_provider_builds(folder):
    minor = folder.removeprefix("kubernetes-")

    assert kind.node_image(minor).startswith(f"kindest/node:v{minor}.")


def test_kubernetes_and_helm_say_their_version_as_their_releases_do(tmp_path):
    kubernetes = programs.build_command(OFFERED["1.36"], tmp_path)
    helm = programs.build_command(Pin("helm", "helm.sh/helm/v4", "v4.3.1"), tmp_path)

    assert "-X k8s.io/component-base/version.gitVersion=v1.36.3" in kubernetes[kubernetes.index("-ldflags") + 1]
    assert "-X k8s.io/component-base/version.gitMinor=36" in kubernetes[kubernetes.index("-ldflags") + 1]
    assert "-s -w -X helm.sh/helm/v4/internal/version.version=v4.3.1" == helm[helm.index("-ldflags") + 1]
    assert ["env", "CGO_ENABLED=0"] == kubernetes[1:3]
    assert "-mod=readonly" in kubernetes


def test_programs_are_kept_by_version():
    assert ["kubernetes-v1.34.4", "kubernetes-v1.36.3"] == [pin.name for pin in OFFERED.values()]
