"""What a figure needs beside it: the machine, the interpreter and the versions."""

from __future__ import annotations

import os
import platform
import shutil
import ssl
import subprocess
import sysconfig
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from injector.core import patches

IS_COMPILED = not patches.__file__.endswith(".py")
LIBRARIES = ("flask", "jinja2", "jsonpatch", "orjson", "PyYAML", "waitress")


def describe() -> dict[str, str]:
    """Return what a reader must know to compare."""
    built = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "configured for optimisation": "yes" if "--enable-optimizations" in built else "no",  # Debian does it otherwise
        "link-time optimisation": "yes" if "--with-lto" in built else "no",
        "core": "compiled by mypyc" if IS_COMPILED else "interpreted",
        "openssl": ssl.OPENSSL_VERSION,
        "go": _go(),
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "load average": f"{os.getloadavg()[0]:.1f}",
        **{name: version(name) for name in LIBRARIES},
    }


def _go() -> str:
    """Return the version of Go, with which the peers in it are compiled."""
    if not (go := shutil.which("go")):
        return "none"
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)
    return said.stdout.strip() or "none"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
