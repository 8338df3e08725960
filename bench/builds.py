"""
What the bench needs beyond this package: peers in Go, and Python libraries that neither product nor tests need.

All is made once, under ``build/bench``, from pinned sources; what cannot be made on this machine is Absent, and the
exception says why.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PEERS = Path(__file__).parent / "peers"
BUILD = ROOT / "build/bench"
REQUIREMENTS = ROOT / "requirements/bench.txt"

LIBRARIES = "venv/installed.txt"
"""What is there when the libraries are."""
PATIENCE = 1200.0
"""Seconds that one step may take: compiling Kubernetes' types takes minutes, once."""


class Absent(Exception):
    """Something that this machine does not have, in words that end the sentence "left out: …"."""


def is_made(name: str) -> bool:
    """Tell whether a file is there already."""
    return (BUILD / name).exists()


def python() -> Path:
    """Return an interpreter with the libraries of ``requirements/bench.txt``; raises Absent."""
    folder = BUILD / "venv"
    interpreter, done = folder / "bin/python", BUILD / LIBRARIES
    pins = REQUIREMENTS.read_text()
    if not done.is_file() or done.read_text() != pins:
        print("installing requirements/bench.txt under build/bench, once", flush=True)
        _run([sys.executable, "-m", "venv", "--clear", str(folder)], ROOT)
        install = "-m pip --disable-pip-version-check --no-input --quiet install --require-hashes -r"
        _run([str(interpreter), *install.split(), str(REQUIREMENTS)], ROOT)
        done.write_text(pins)
    return interpreter


def usual() -> Path:
    """Return our own Go webhook, written as such webhooks usually are; raises Absent."""
    return _go("usual", ".")


def vault() -> Path:
    """Return HashiCorp's injector; raises Absent."""
    return _go("vault", "github.com/hashicorp/vault-k8s")


def _go(name: str, package: str) -> Path:
    """Compile a peer from its pinned module; Go itself knows when nothing has to be done."""
    if not (go := shutil.which("go")):
        raise Absent("there is no Go on this machine (https://go.dev/dl)")
    program = BUILD / name
    if not program.is_file():
        print(f"compiling the peer {name}, once: minutes", flush=True)
    _run([go, "build", "-ldflags=-s -w", "-buildvcs=false", "-mod=readonly", "-o", str(program), package], PEERS / name)
    return program


def _run(command: Sequence[str], folder: Path) -> None:
    BUILD.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip() or error.stdout.strip() or "no word").splitlines()[-1]
        raise Absent(f"{Path(command[0]).name} failed: {last}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Absent(f"{Path(command[0]).name} failed: {error}") from error
