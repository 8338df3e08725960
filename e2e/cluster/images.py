"""Builds Pillion's image from the Dockerfile: by buildah on a Debian base of our own, or by Docker as users do."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from e2e.cluster import bases, commands
from e2e.cluster.commands import Command
from e2e.cluster.settings import IMAGE, REPOSITORY, Settings

REQUIREMENTS = ("requirements/runtime.txt", "requirements/build.txt", "requirements/compile.txt")
WHEELS = "/wheels"
"""Where the build finds the wheels that were fetched before."""


def build_with_buildah(settings: Settings) -> Path:
    """Build the image as root without a daemon, from wheels that this host's own pip fetched; answer its archive."""
    folder = settings.cache / "images"
    wheels = folder / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    buildah = buildah_command(folder)
    base = bases.make(buildah, folder)
    commands.run(wheels_command(wheels))
    arguments = {
        **_identity(),
        "BASE": base.runtime,
        "BUILD_BASE": base.build,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": WHEELS,
    }
    commands.run([*buildah, *bud_arguments(wheels, arguments)])
    archive = _archive(settings)
    commands.run([*buildah, "push", IMAGE, f"docker-archive:{archive}:{IMAGE}"])
    return archive


def build_with_docker(settings: Settings) -> Path:
    """Build the image with Docker, on the Dockerfile's own base; answer its archive."""
    commands.show(docker_command(_identity()))
    archive = _archive(settings)
    commands.run(["docker", "save", "--output", archive, IMAGE])
    return archive


def buildah_command(folder: Path) -> list[str]:
    """Start every buildah command: its storage is ours alone."""
    storage = ["--root", f"{folder}/storage", "--runroot", f"{folder}/run", "--storage-driver", "overlay"]
    return ["nice", "buildah", *storage]


def bud_arguments(wheels: Path, arguments: Mapping[str, str]) -> list[str]:
    """Build in a plain chroot, which needs neither a daemon nor a network of its own."""
    isolated = ["bud", "--isolation", "chroot", "--network", "host", "--layers", "--pull-never", "--quiet"]
    mounted = ["--volume", f"{wheels}:{WHEELS}:ro"]
    return [*isolated, *mounted, *_build_arguments(arguments), "--tag", IMAGE, str(REPOSITORY)]


def docker_command(arguments: Mapping[str, str]) -> Command:
    """Build as users do."""
    return ["docker", "build", *_build_arguments(arguments), "--tag", IMAGE, REPOSITORY]


def wheels_command(wheels: Path) -> Command:
    """Fetch what is locked, for the base's Python, with whatever index this host's pip is set up for."""
    locked = [part for file in REQUIREMENTS for part in ("--requirement", str(REPOSITORY / file))]
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "download",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
    ]
    return [*pip, f"--python-version={bases.PYTHON}", "--dest", wheels, *locked]


def _build_arguments(arguments: Mapping[str, str]) -> list[str]:
    return [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]


def _identity() -> dict[str, str]:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    revision = commands.run(["git", "-C", REPOSITORY, "rev-parse", "HEAD"]).strip()
    return {"VERSION": version, "REVISION": revision}


def _archive(settings: Settings) -> Path:
    archive = settings.cache / "images" / "pillion.tar"
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.unlink(missing_ok=True)
    return archive
