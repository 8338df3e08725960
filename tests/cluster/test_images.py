"""How Pillion's image is built: the command lines, and what the Dockerfile promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from e2e.cluster import bases, images
from e2e.cluster.settings import IMAGE, REPOSITORY

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
FINAL = DOCKERFILE.rpartition("\nFROM ")[2]


def test_buildah_builds_without_daemon_registry_or_network_of_its_own():
    command = images.bud_arguments(Path("/fetched"), {"BASE": "localhost/base"})

    for option, value in {"--isolation": "chroot", "--volume": "/fetched:/wheels:ro", "--tag": IMAGE}.items():
        assert value == command[command.index(option) + 1]
    assert "--pull-never" in command
    assert "BASE=localhost/base" in command


def test_docker_builds_on_the_dockerfiles_own_base():
    assert ["docker", "build", "--build-arg", "VERSION=1", "--tag", IMAGE, REPOSITORY] == images.docker_command(
        {"VERSION": "1"}
    )


def test_wheels_are_fetched_by_hash_for_the_python_of_the_base():
    command = images.wheels_command(Path("/fetched"))

    assert "--require-hashes" in command
    assert f"--python-version={bases.PYTHON}" in command
    assert [str(REPOSITORY / file) for file in images.REQUIREMENTS] == command[-5::2]


def test_the_base_is_the_smallest_debian_with_python():
    command = bases.debootstrap_command(Path("/root"), bases.RUNTIME_PACKAGES)

    assert {"--variant=minbase", "--include=ca-certificates,python3", bases.SUITE} <= set(command)


def test_every_argument_that_the_build_is_given_is_one_of_the_dockerfile():
    declared = set(re.findall(r"^ARG (\w+)", DOCKERFILE, re.MULTILINE))

    assert {"BASE", "BUILD_BASE", "VERSION", "REVISION", "PIP_NO_INDEX", "PIP_FIND_LINKS"} <= declared


@pytest.mark.parametrize("file", images.REQUIREMENTS)
def test_the_image_installs_only_what_is_locked(file):
    assert re.search(rf"--require-hashes .*--requirement {file}", DOCKERFILE.replace("\\\n", ""))


def test_the_image_runs_pillion_as_nobody():
    assert "\nUSER 65532:65532\n" in FINAL
    assert FINAL.rstrip().endswith('ENTRYPOINT ["pillion"]')


def test_the_final_image_takes_over_only_the_installed_program():
    assert ["--from=build /opt/pillion /opt/pillion"] == re.findall(r"^COPY (.*)$", FINAL, re.MULTILINE)
