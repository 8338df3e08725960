"""Folders of templates on disk, changed as people and the kubelet change them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

PATIENCE = 60
"""Seconds to wait for what is announced; far more than it ever takes."""


def template(name: str = "hello", *, labels: str = "greeting: hi", namespace: str = "") -> str:
    """Return the YAML of a template ConfigMap that writes labels."""
    place = f"\n  namespace: {namespace}" if namespace else ""
    body = "\n".join(f"    {line}" for line in labels.splitlines())
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}{place}\n"
        f'  labels: {{pillion.dev/template: "true"}}\ndata:\n  labels: |\n{body}\n'
    )


class Mount:
    """A ConfigMap mounted in a pod: ``NAME -> ..data/NAME`` and ``..data -> ..VERSION``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._version = 0

    def swap(self, files: dict[str, str]) -> None:
        """Put a new version in place as the kubelet does: all files at once."""
        self._version += 1
        data, fresh = self.folder / "..data", self.folder / f"..v{self._version}"
        old = data.resolve() if data.is_symlink() else None
        fresh.mkdir()
        for name, text in files.items():
            (fresh / name).write_text(text)
        (self.folder / "..data_tmp").symlink_to(fresh.name)
        os.replace(self.folder / "..data_tmp", data)  # noqa: PTH105  # a rename that replaces a link
        for name in files:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        for path in self.folder.iterdir():
            if path.is_symlink() and not path.exists():
                path.unlink()
        if old:
            shutil.rmtree(old)
