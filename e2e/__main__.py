"""
The tests on a real cluster, from nothing to nothing: ``python -m e2e [--provider NAME] [--keep] [PYTEST ARGUMENT...]``.

A cluster is made, the image built and loaded, the tests run, and everything removed, also after a failure. Each phase
is told with its time. ``--keep`` leaves the cluster for the next run; ``python -m e2e.cluster down`` removes it.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.cluster import commands, providers
from e2e.cluster.failures import Failure
from e2e.cluster.providers import Provider
from e2e.cluster.settings import REPOSITORY, Settings

TESTS = REPOSITORY / "e2e" / "live"


def main() -> int:
    """Run all phases; the exit code is pytest's, or 2 with one sentence where there is no cluster to test on."""
    options, rest = _parser().parse_known_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        settings = Settings.from_environment(os.environ)
        return _run(providers.make(options.provider, settings), settings, rest, keeps=options.keep)
    except Failure as failure:
        commands.tell(str(failure))
        return 2


def _run(provider: Provider, settings: Settings, arguments: list[str], *, keeps: bool) -> int:
    try:
        with _phase("cluster"):
            provider.up()
        with _phase("image"):
            provider.load(provider.build())
        with _phase("tests"):
            return _test(provider, settings, arguments)
    finally:
        if not keeps:
            with _phase("removal"):
                provider.down()


def _test(provider: Provider, settings: Settings, arguments: list[str]) -> int:
    path = os.pathsep.join([*map(str, provider.programs()), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "KUBECONFIG": str(provider.kubeconfig()), "NO_PROXY": "*"}
    chosen = arguments if any(Path(each.split("::")[0]).exists() for each in arguments) else [*arguments, str(TESTS)]
    command = [sys.executable, "-m", "pytest", "-v", *chosen]
    code = subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode
    if code:
        log = settings.cache / "e2e.log"
        log.write_text("\n".join(provider.logs()))
        commands.tell(f"the ends of the cluster's logs are in {log}")
    return code


@contextmanager
def _phase(name: str) -> Iterator[None]:
    started = time.monotonic()
    print(f"== {name}", flush=True)
    try:
        yield
    finally:
        print(f"== {name}: {time.monotonic() - started:.0f} s", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m e2e", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--provider", choices=("auto", *providers.PROVIDERS), default="auto")
    parser.add_argument("--keep", action="store_true", help="leave the cluster as it is at the end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
