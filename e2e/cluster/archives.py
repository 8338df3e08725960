"""Writes images as the archives that `docker save` writes: a file or a whole tree as one layer, without any daemon."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_program_image(program: Path, archive: Path, *, name: str, machine: str) -> None:
    """Write an image that holds one static program and runs it as nobody."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        entry = tarfile.TarInfo(program.name)
        entry.mode, entry.size = 0o755, program.stat().st_size
        with program.open("rb") as content:
            tar.addfile(entry, content)
    config = {"Entrypoint": [f"/{program.name}"], "User": "65535:65535"}
    _write(archive, layer, name, config, ARCHITECTURES[machine])


def _write(archive: Path, layer: io.BytesIO, name: str, config: Mapping[str, Any], architecture: str) -> None:
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    image = {
        "architecture": architecture,
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    parts = {"layer.tar": layer.getvalue(), "config.json": _encoded(image), "manifest.json": _encoded(manifest)}
    with tarfile.open(archive, "w") as tar:
        for path, content in parts.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def _encoded(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
