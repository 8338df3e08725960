"""
Compile what every review runs through with mypyc, inside a folder that holds the package ``injector``.

    python scripts/compile_core.py FOLDER [PYTHON]

The sources stay what they are and where they are: beside each comes a library, which Python prefers. PYTHON is one
that has Pillion's requirements, if this one has not; both are of one version. It takes a C compiler and the headers
of Python. Why, and what it brings: docs/decisions/0010-the-image-carries-a-compiled-core.md.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mypyc.build import mypycify
from setuptools import Distribution

MODULES = (
    "admission", "assembly", "filling", "inputs", "merging", "parameters", "patches", "reviews", "rounds", "selection",
    "status", "tokens",
)  # fmt: skip
"""Of ``injector.core``: where a profile of a review shows Python itself, and neither Jinja nor a library in C."""


def compile_core(folder: Path, python: str) -> None:
    """Put what is compiled beside its sources."""
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):  # mypyc names modules by paths from here
        shutil.copytree(folder / "injector", "injector")
        for library in _build(python):
            shutil.copy(library, folder / library)


def _build(python: str) -> Iterator[Path]:
    """Compile in the current folder; yield the libraries."""
    sources = [f"injector/core/{name}.py" for name in MODULES]
    flags = ["--ignore-missing-imports", f"--python-executable={python}"]
    modules = mypycify([*flags, *sources], opt_level="3", group_name="injector")
    command = Distribution({"ext_modules": modules}).get_command_obj("build_ext")
    command.inplace = True
    command.ensure_finalized()
    command.run()
    yield from Path().glob("*.so")
    yield from Path("injector").rglob("*.so")


def check_compiled(folder: Path, python: str) -> None:
    """End with a sentence unless Python takes what was compiled."""
    program = (
        f"import importlib; print(*[importlib.import_module('injector.core.' + name).__file__ for name in {MODULES}])"
    )
    done = subprocess.run([python, "-c", program], cwd=folder, check=True, capture_output=True, text=True)
    if interpreted := [file for file in done.stdout.split() if not file.endswith(".so")]:
        sys.exit(f"{python} still takes {', '.join(interpreted)}")


def check_tools() -> None:
    """End with a sentence where there is no C compiler or no header of Python."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        sys.exit(f"There is no C compiler ({compiler}): install one (on Debian and Ubuntu: apt install gcc libc6-dev).")
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.is_file():
        sys.exit(f"There is no {header}: install Python's headers (on Debian and Ubuntu: apt install python3-dev).")


def main() -> None:
    """Read folder and Python from the command line."""
    parser = argparse.ArgumentParser(description="Compile the hot part of the core, in place.")
    parser.add_argument("folder", type=Path, help="that holds the package injector")
    parser.add_argument("python", nargs="?", default=sys.executable, help="one that has Pillion's requirements")
    given = parser.parse_args()
    folder = given.folder.resolve()
    check_tools()
    compile_core(folder, given.python)
    check_compiled(folder, given.python)


if __name__ == "__main__":
    main()
